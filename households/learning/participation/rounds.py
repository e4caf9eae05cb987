"""The home's side of rounds: each message of the enterprise is answered once its consequence is written down.

Order of every message: compute, write record and history in one transaction, send the answers, acknowledge. A process
that dies in between gets the message again and gives the same answer.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from chain.core.codec import decode
from fedlearn.learners.table import NotSuited, Table
from fedlearn.learners.templates import template
from fedlearn.runtime.jobs import CLOSE, OPEN, Closing, HubRecord, HubWorld, JobTerms, hub_begin, hub_take
from fedlearn.runtime.names import job_path, round_of
from fedlearn.runtime.offers import TERMS
from fedlearn.runtime.ports import Incoming
from fedlearn.runtime.rounds.stages import LedgerBehind
from households.learning.consent import decision
from households.learning.participation.errors import CohortTooSmall, HomeNotSuited
from households.learning.participation.guard import HomeGuard
from households.learning.participation.home import (
    HOME,
    State,
    enterprise_in,
    identity_in,
    job_key_of,
    keep,
    plan_of,
    question_of,
    record_of,
    record_sealed,
)
from households.learning.participation.licences import HOLDS
from households.learning.participation.offering import offer_take
from households.learning.participation.port import Connection, HomeNode
from households.learning.participation.rewards import BONUS, RELEASE, bonus_take, release_take
from households.learning.source import table_of
from households.models import Participation, ParticipationOrder, ParticipationRound
from marketplace.common.errors import HearthError, Unavailable
from marketplace.common.work import LeaseLost, renew

LEASE_S = 60.0
BEAT_S = 15.0
log = logging.getLogger("households.learning")
Rounds = ParticipationRound.State


@dataclass(frozen=True, slots=True)
class LedgerBeacon:
    """``Beacon`` of a hub: it reads the service-model ledger, and never writes."""

    connection: Connection
    leader: bytes

    def keys_commit(self, round_id: bytes, keys_root: bytes) -> None:
        """Only the one who leads a round does this."""
        raise NotImplementedError

    def block_after(self, round_id: bytes, keys_root: bytes) -> bytes | None:
        """See ``Beacon``."""
        return self.connection.models.round_block_after(self.leader, round_id, keys_root)


def mail_step(row: Participation, connection: Connection, node: HomeNode) -> int:
    """Answer what waits for the home in this job; how many messages there were. The caller holds the lease."""
    count = 0
    with held(row):
        for message in node.receive():
            renew(row, using=HOME, lease_s=LEASE_S)
            try:
                if message.peer == enterprise_in(row):
                    _take(row, connection, node, message)
            except (Unavailable, LeaseLost):
                raise  # not acknowledged: the message comes again
            except HearthError as refusal:
                log.info("participation %s: %s refused: %s", str(row.pk)[:8], _name(message), refusal.code)
            node.ack(message)
            count += 1
    return count


@contextmanager
def held(row: Participation) -> Iterator[None]:
    """Renew the lease while a block runs, however long it trains; a killed worker lets go within ``LEASE_S``."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            try:
                renew(row, using=HOME, lease_s=LEASE_S)
            except LeaseLost:
                return
            finally:
                connections[HOME].close()

    thread = threading.Thread(target=beat, name="learning-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _take(row: Participation, connection: Connection, node: HomeNode, message: Incoming) -> None:
    name, place = _name(message), round_of(message.path)
    if place is None:
        if name.startswith(RELEASE):
            release_take(row, connection, message.data)
        elif name.startswith(BONUS):
            bonus_take(row, connection, message.data)
        elif not row.leaving:
            offer_take(row, node, message.data)
    elif place[0] == bytes(row.job).hex() and not row.leaving:
        if name == TERMS:
            terms_take(row, connection, message.data)
        elif row.record and row.state == State.RUNNING:
            round_take(row, connection, node, message)


def terms_take(row: Participation, connection: Connection, data: bytes) -> None:
    """Take part on the enterprise's terms, if they are those that the home and the ledger know.

    The seed is read from the ledger, whatever the terms say. Raises ``LedgerBehind``, ``CohortTooSmall``, and what
    ``hub_begin`` raises.
    """
    if row.record or row.state not in (State.LICENSED, State.PEERED):
        return
    seed = connection.models.job_seed(bytes(row.job))
    if seed is None:
        raise LedgerBehind
    key = job_key_of(row).public_key
    record = hub_begin(data, bytes(row.plan_hash), bytes(row.job), seed, key)
    told = decode(JobTerms, data)
    if len(told.cohort) < plan_of(row).minimum or told.peers[told.cohort.index(key)] != identity_in(row):
        raise CohortTooSmall
    with transaction.atomic(using=HOME):
        keep(row, record=record_sealed(row, record), state=State.RUNNING)


def round_take(row: Participation, connection: Connection, node: HomeNode, message: Incoming) -> None:
    """Answer one message of a round."""
    before = record_of(row)
    record, answers = hub_take(before, _name(message), message.data, world_of(row, connection))
    if record != before:
        with transaction.atomic(using=HOME):
            keep(row, record=record_sealed(row, record), sequence=record.sequence)
            _history(row, before, record, _name(message), message.data)
    place = round_of(message.path)
    assert place is not None
    for answer in answers:
        node.send(enterprise_in(row), job_path(place[0], "out", place[1], answer.stage), answer.data)
    if record.sequence > before.sequence > 0:
        node.prune(place[0], record.sequence)


def world_of(row: Participation, connection: Connection) -> HubWorld:
    """What the round's steps reach of this home. No transaction is open while the table is built or a model trained."""
    orders = list(_accepted(row).values_list("order_id", flat=True)[:1])

    def paid_rounds() -> int:
        return connection.trainings.training_row(bytes(orders[0])).paid_rounds if orders else 0

    return HubWorld(
        job_secret=job_key_of(row).secret,
        beacon=LedgerBeacon(connection, bytes(row.enterprise)),
        guard=HomeGuard(row, plan_of(row), timezone.now, paid_rounds),
        table=_table(row),
        random=os.urandom,
    )


def _table(row: Participation) -> Callable[[], Table]:
    def build() -> Table:
        """The rows of the licensed lots, of the classes that the owner's rules allow at this moment."""
        question = question_of(row, micro=0, sequence=record_of(row).sequence)
        answer = decision(row.household, question, timezone.now())
        lots = [bytes(lot_id) for lot_id in _accepted(row).values_list("lot__lot_id", flat=True)]
        found = table_of(row.household, template(row.task), lots, answer.classes, timezone.now())
        stays = Participation.objects.using(HOME).filter(pk=row.pk, leaving="").exists()
        if isinstance(found, NotSuited) or not answer.allowed or not stays:
            raise HomeNotSuited
        return found

    return build


def _accepted(row: Participation) -> QuerySet[ParticipationOrder]:
    """The licences that hold: accepted, or paid to the end, for the last round only evaluates."""
    orders = ParticipationOrder.objects.using(HOME).filter(participation=row)
    return orders.filter(HOLDS).order_by("pk")


def _history(row: Participation, before: HubRecord, record: HubRecord, name: str, data: bytes) -> None:
    """Note what became of a round; the owner reads it, nobody else."""
    rounds, now = ParticipationRound.objects.using(HOME), timezone.now()
    if name == OPEN:
        asked, declined = record.asked, bool(record.declined)
        changes = {"step": asked.step, "kind": asked.kind, "state": Rounds.DECLINED if declined else Rounds.JOINED}
        rounds.update_or_create(participation=row, sequence=record.sequence, defaults=changes)
    elif name == CLOSE:
        closing = decode(Closing, data)
        changes = {"state": Rounds.OVER, "outcome": closing.outcome, "survivors": closing.survivors, "ended_at": now}
        rounds.filter(participation=row, sequence=record.sequence).exclude(state=Rounds.DECLINED).update(**changes)
    elif record.spent > before.spent:
        changes = {"state": Rounds.SENT, "masked": record.masked}
        rounds.filter(participation=row, sequence=record.sequence).update(**changes)


def _name(message: Incoming) -> str:
    return message.path.rsplit("/", 1)[1]
