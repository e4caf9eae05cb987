"""Leaving a job: the running round is declined, licences are given back, and nobody is told why."""

from __future__ import annotations

import contextlib
import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from chain.contracts.peers import LeavePeers
from chain.core.codec import encode
from chain.wallets.signer import Signer
from fedlearn.runtime.jobs.errors import Declined
from fedlearn.runtime.jobs.hub import DECLINE
from fedlearn.runtime.jobs.terms import Refusal
from fedlearn.runtime.names import job_path
from fedlearn.runtime.offers import mock_name
from households.learning import errors as account_errors
from households.learning.account import epsilon_release
from households.learning.participation.errors import ParticipationOver, ParticipationUnknown
from households.learning.participation.home import (
    ENDED,
    HOME,
    OPEN,
    State,
    enterprise_in,
    folder_of,
    folder_remove,
    move,
    node_opened,
    pseudonym_of,
    record_of,
    tell_once,
)
from households.learning.participation.port import Connection
from households.models import EpsilonEntry, Household, Participation, ParticipationClaim, ParticipationOrder
from marketplace.common.errors import NotFound
from marketplace.common.work import advance, renew, wait

OWNER = "owner_left"
TOLD = "left"
STAY_S = 30.0
STAY_MAX = timedelta(minutes=10)
CLAIM_TIME = timedelta(hours=24)
Orders = ParticipationOrder.State


def participation_leave(*, household: Household, participation: Participation) -> None:
    """The owner leaves a job, now. Rounds that are paid stay paid. Raises ``ParticipationOver``."""
    mine = Participation.objects.using(HOME).filter(pk=participation.pk, household=household, state__in=OPEN)
    if mine.update(leaving=OWNER, next_try_at=timezone.now()) != 1:
        raise ParticipationOver


def participation_get(household: Household, pk: uuid.UUID) -> Participation:
    """A participation of this home; raises ``ParticipationUnknown``."""
    found = Participation.objects.using(HOME).filter(household=household, pk=pk).first()
    if found is None:
        raise ParticipationUnknown
    return found


def leave_begin(row: Participation, code: str) -> None:
    """Note why the home leaves; the next step does it. The caller holds the lease."""
    advance(row, using=HOME, leaving=code)


def leave_step(row: Participation, connection: Connection) -> None:
    """Decline the round that runs and give back every licence; the mailbox is put away later (``close_step``).

    What past rounds have brought is claimed first; a licence is given back once its claims are settled.
    """
    if row.record:
        _round_decline(row, connection)
    with transaction.atomic(using=HOME):
        orders = ParticipationOrder.objects.using(HOME).filter(participation=row)
        orders.filter(state__in=(Orders.AGREED, Orders.ACCEPTED)).update(
            state=Orders.DECLINING, code=TOLD, next_try_at=timezone.now()
        )
        move(row, State.LEFT, code=row.leaving, again_in_s=STAY_S)


def close_step(row: Participation, connection: Connection) -> None:
    """Put away what is over: mailbox, dataset, pseudonym. The enterprise has time to fetch the last mail before."""
    assert row.ended_at is not None
    if not _may_close(row, connection):
        wait(row, using=HOME, seconds=STAY_S)
        return
    if row.pseudonym:
        plan_hash, key = bytes(row.plan_hash), pseudonym_of(row)
        if folder_of(row).exists():  # while it does, the pseudonym still is the home's at the market
            with node_opened(row, connection) as node:
                node.dataset_remove(mock_name(row.task))
                node.leave(bytes(row.job).hex(), enterprise_in(row))
            folder_remove(row)
        with contextlib.suppress(NotFound):
            connection.board.withdraw(plan_hash)
        connection.board.pseudonym_leave(key.address)
        renew(row, using=HOME)
        if row.register_raw:
            tell_once(row, "leave_raw", connection.models, Signer(key.secret), "peers.leave", LeavePeers())
    advance(row, using=HOME, closed_at=timezone.now(), record=b"", register_raw=b"", leave_raw=b"")


def reservations_release(row: Participation) -> None:
    """Give back what rounds of this job set aside and never spent."""
    entries = EpsilonEntry.objects.using(HOME).filter(household=row.household, job=row.job)
    for number in entries.filter(state=EpsilonEntry.State.RESERVED).values_list("round", flat=True):
        try:
            epsilon_release(household=row.household, job=bytes(row.job), round=number)
        except account_errors.EpsilonSpent:
            continue


def _round_decline(row: Participation, connection: Connection) -> None:
    """Say that the home stays away from the round that runs. Whoever waits for it need not wait longer."""
    record = record_of(row)
    if record.member:
        data = encode(Refusal(record.sequence, Declined.code))
        with node_opened(row, connection) as node:
            path = job_path(bytes(row.job).hex(), "out", record.sequence, DECLINE)
            node.send(enterprise_in(row), path, data)
    reservations_release(row)


def _may_close(row: Participation, connection: Connection) -> bool:
    """Whether nothing is expected any more. A completed job is kept for claims, one that was left for its last word."""
    now = timezone.now()
    assert row.ended_at is not None and row.state in (*ENDED, State.DECLINED)
    if not row.job:
        return True
    if row.state == State.LEFT:
        return now >= row.ended_at + STAY_MAX
    if now >= row.ended_at + CLAIM_TIME:
        return True
    orders = ParticipationOrder.objects.using(HOME).filter(participation=row)
    claims = ParticipationClaim.objects.using(HOME).filter(
        order__participation=row, state=ParticipationClaim.State.WAITING
    )
    open_orders = orders.exclude(state=Orders.ENDED)
    return row.end_told and not open_orders.exists() and not claims.exists()
