"""What every step of a participation needs: the connection, the pseudonym's keys, its folder, what may be asked."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.utils import timezone

from chain.core.codec import decode, encode
from chain.core.errors import Expired, NonceGap, NonceUsed
from chain.core.proofs import TxProof
from chain.core.transactions import tx_id_of
from chain.core.types import Record
from chain.wallets.hd import Branch, learning_job_key, learning_pseudonym
from chain.wallets.signer import Signer
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.runtime.jobs import HubRecord
from fedlearn.runtime.names import identity_of, tag_of
from fedlearn.runtime.ports import Pins
from households.learning.account import TOPIC
from households.learning.participation.port import Connection, HomeNode, Models
from households.learning.questions import Question, micro_epsilon
from households.models import HOME, Participation
from households.services.activity import activity_note
from households.services.secrets import box_open, box_seal, operational_of
from households.uploads.services.sending import SignAgain
from marketplace.common.errors import NotFound
from marketplace.common.work import LeaseLost, advance

VALID_BLOCKS = 1_000
RECORD = b"learning-record"
PINNED_S = 20.0
_PINNED: WeakKeyDictionary[Models, dict[str, tuple[str, float]]] = WeakKeyDictionary()
State = Participation.State
OPEN = (State.ASKED, State.ANSWERED, State.PEERED, State.LICENSED, State.RUNNING)
IN_JOB = (State.PEERED, State.LICENSED, State.RUNNING)
ENDED = (State.DONE, State.LEFT, State.FAILED)


class LedgerPins:
    """The mailbox's pins: the fingerprints that accounts have registered on the service-model ledger."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._known = _PINNED.setdefault(models, {})

    def get(self, peer: str, /) -> str | None:
        """See ``Pins``. What was found is believed for ``PINNED_S``, what was not there is looked for again."""
        known = self._known.get(peer)
        if known is not None and time.monotonic() - known[1] < PINNED_S:
            return known[0]
        try:
            found = self._models.peer(bytes.fromhex(tag_of(peer))).channel.hex()
        except NotFound:
            return None
        self._known[peer] = (found, time.monotonic())
        return found


def plan_of(row: Participation) -> TrainingPlan:
    """The plan that the home was asked about."""
    return plan_decode(bytes(row.plan))


def pseudonym_of(row: Participation) -> Branch:
    """The account under which the home takes part."""
    assert row.pseudonym_index is not None
    return learning_pseudonym(operational_of(row.household), row.pseudonym_index)


def job_key_of(row: Participation) -> Branch:
    """The key with which it signs in rounds."""
    assert row.pseudonym_index is not None
    return learning_job_key(operational_of(row.household), row.pseudonym_index)


def identity_in(row: Participation) -> str:
    """The home's name on the mailbox."""
    return identity_of("hub", bytes(row.pseudonym).hex())


def enterprise_in(row: Participation) -> str:
    """The enterprise's name on the mailbox."""
    return identity_of("enterprise", bytes(row.enterprise).hex())


def folder_of(row: Participation) -> Path:
    """Where the pseudonym's node keeps its keys and counters."""
    home = Path(settings.HEARTH_VAR) / "home" / "learning" / row.household_id.hex
    return home / bytes(row.pseudonym).hex()


@contextmanager
def node_opened(row: Participation, connection: Connection) -> Iterator[HomeNode]:
    """The pseudonym's node, for this worker alone. Raises ``NodeBusy``, ``NodeDamaged``."""
    pins: Pins = LedgerPins(connection.models)
    with connection.node(folder_of(row), identity_in(row), pins) as node:
        yield node


def folder_remove(row: Participation) -> None:
    """Remove the node's keys and what it kept of the dataset."""
    if row.pseudonym:
        shutil.rmtree(folder_of(row), ignore_errors=True)


def question_of(row: Participation, *, micro: int | None, sequence: int | None = None) -> Question:
    """The question to the owner's rules: before the job, or before a round of it."""
    return Question(
        task=row.task,
        enterprise=bytes(row.enterprise),
        enterprise_name=row.enterprise_name,
        micro_epsilon=micro,
        notice=bytes(row.plan_hash),
        job=b"" if sequence is None else bytes(row.job),
        round=sequence,
    )


def job_cost(plan: TrainingPlan) -> int | None:
    """The micro-epsilon of all the plan's rounds; None for a plan without noise."""
    return None if plan.privacy is None else micro_epsilon(plan.privacy.epsilon)


def record_of(row: Participation) -> HubRecord:
    """The job's record, opened."""
    return decode(HubRecord, box_open(row.household, _purpose(row), row.record))


def record_sealed(row: Participation, record: HubRecord) -> bytes:
    """The record as it is kept."""
    return box_seal(row.household, _purpose(row), encode(record))


def keep(row: Participation, **changes: Any) -> None:
    """Write columns while the lease lasts. Raises ``LeaseLost``."""
    mine = Participation.objects.using(HOME).filter(pk=row.pk, lease_token=row.lease_token)
    if row.lease_token is None or mine.update(**changes) != 1:
        raise LeaseLost()
    for name, value in changes.items():
        setattr(row, name, value)


def move(row: Participation, state: State, *, again_in_s: float = 0.0, **changes: Any) -> None:
    """The step is done: the next state, and a line in the owner's log."""
    if state in (*ENDED, State.DECLINED):
        changes.setdefault("ended_at", timezone.now())
    advance(row, using=HOME, state=state, again_in_s=again_in_s, **changes)
    facts = {"participation": str(row.pk)}
    activity_note(household=row.household, kind=f"learning.job_{state.value}", topic=TOPIC, facts=facts)


def tell_once(row: Participation, column: str, models: Models, signer: Signer, call: str, args: Record) -> TxProof:
    """Send a call of the pseudonym to the service-model ledger, the same bytes however often this runs.

    ``column`` keeps the signed bytes. Raises ``SignAgain``, ``LeaseLost``, and what the client raises.
    """
    raw = bytes(getattr(row, column))
    if not raw:
        valid_until = models.head().height + VALID_BLOCKS
        nonce = models.nonce(signer.address)
        raw = encode(signer.sign_transaction(models.ledger, nonce, valid_until, call, args))
        keep(row, **{column: raw})
    try:
        return models.submit_and_wait(raw)
    except (NonceUsed, NonceGap, Expired):
        try:
            return models.proof(tx_id_of(raw))
        except NotFound:
            keep(row, **{column: b""})
            raise SignAgain() from None


def _purpose(row: Participation) -> bytes:
    return RECORD + b"|" + row.pk.bytes
