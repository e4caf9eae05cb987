"""A hub's side of a job: it answers the coordinator's messages, one record, one answer each.

    record = hub_begin(terms_bytes, agreed, own key)
    record, answers = hub_take(record, name, data, world)       # write the record down, then send the answers

What the hub agreed to is compared with what it is asked, before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import msgspec
import numpy as np

from chain.core.codec import decode, encode
from chain.core.types import Hash, Record, Uint
from chain.crypto.hashing import sha256, tagged
from chain.crypto.prg import Random, Words
from chain.crypto.secp256k1 import public_key
from fedlearn.learners.families import family
from fedlearn.learners.plan import SCALING_STATISTICS, TrainingPlan, plan_hash
from fedlearn.learners.scaling import statistics_of
from fedlearn.learners.table import Floats, Table
from fedlearn.protocol.accounting import Release
from fedlearn.runtime.jobs.errors import Declined, NotAgreed, NotInCohort, RoundIsOld, RoundNotPlanned
from fedlearn.runtime.jobs.evaluation import evaluate
from fedlearn.runtime.jobs.terms import (
    KINDS,
    STATISTICS,
    TRAIN,
    Closing,
    JobTerms,
    Kind,
    Opening,
    Refusal,
    cells_of,
    round_plan,
    survivors_minimum,
    terms_check,
)
from fedlearn.runtime.jobs.vector import Layout
from fedlearn.runtime.rounds import Answer, MemberRecord, MemberWorld, member_begin, member_take
from fedlearn.runtime.rounds.stages import ADVERT, Beacon
from marketplace.common.errors import HearthError

OPEN, CLOSE, DECLINE = "open", "close", "decline"


class Train(Protocol):
    """What makes a home's update of its rows; only a simulated attacker has another one than ``local_update``."""

    def __call__(self, plan: TrainingPlan, parameters: Floats, table: Table, chance: np.random.Generator) -> Floats: ...


def local_update(plan: TrainingPlan, parameters: Floats, table: Table, chance: np.random.Generator) -> Floats:
    """The plan's family learns from the rows."""
    return family(plan.family).local_update(parameters, table.x, table.y, plan, chance)


class HubRecord(Record):
    """All that a hub must remember of a job. Secret while a round runs: keep it in the home's own database.

    ``sequence`` is the newest round that the hub was asked to join, ``opening`` its message, ``member`` the state in it
    (empty when it declined or the round is over), ``spent`` how many of the hub's vectors may have been opened.
    """

    terms: bytes
    sequence: Uint = 0
    opening: bytes = b""
    member: bytes = b""
    declined: bytes = b""
    spent: Uint = 0
    masked: Hash = bytes(32)

    @property
    def job(self) -> JobTerms:
        """The terms."""
        return decode(JobTerms, self.terms)

    @property
    def asked(self) -> Opening:
        """The round that the hub was asked to join last."""
        return decode(Opening, self.opening)


class RoundGuard(Protocol):
    """The owner's consent and the hub's own account of epsilon, asked before every round."""

    def allow(self, sequence: int, release: Release | None) -> None:
        """Reserve what the round costs. Raises ``Declined`` or a refusal of the account; asking again is free."""
        ...

    def spend(self, sequence: int) -> None:
        """The hub's vector of this round is about to leave. Doing it again changes nothing."""
        ...

    def over(self, sequence: int, outcome: str) -> None:
        """The round is over; what was reserved and not spent is free again."""
        ...


@dataclass(frozen=True, slots=True)
class HubWorld:
    """What a hub's steps need besides their record. ``table`` gives the home's rows, asked only when it trains."""

    job_secret: bytes
    beacon: Beacon
    guard: RoundGuard
    table: Callable[[], Table]
    random: Random
    train: Train = local_update


def hub_begin(terms: bytes, agreed_plan: bytes, job: bytes, seed: bytes, job_key: bytes) -> HubRecord:
    """Take part in a job on these terms.

    ``agreed_plan`` is the hash of the plan that the owner's consent covers, ``job`` the licence's job, ``seed`` the
    hash of the ledger's block as the hub reads it. Raises ``NotAgreed``, ``NotInCohort``, ``TermsInvalid``.
    """
    told = decode(JobTerms, terms)
    terms_check(told)
    if (told.job, told.plan_hash, told.seed) != (job, agreed_plan, seed) or plan_hash(told.declared) != agreed_plan:
        raise NotAgreed
    if job_key not in told.cohort:
        raise NotInCohort
    return HubRecord(terms)


def hub_take(record: HubRecord, name: str, data: bytes, world: HubWorld) -> tuple[HubRecord, list[Answer]]:
    """Answer one message of the coordinator: an opening, a stage of the round that runs, or a closing.

    A round that the hub does not join is answered with a ``Refusal``. Raises ``LedgerBehind`` (take the message again
    later), and for messages that fit nothing what the protocol raises: then there is no answer.
    """
    if name == OPEN:
        return _open(record, data, world)
    if name == CLOSE:
        return _close(record, data, world), []
    if not record.member:
        raise RoundIsOld("The hub is in no round.")
    opening = record.asked
    before = decode(MemberRecord, record.member)
    member_world = MemberWorld(
        cohort=_keys(record.job, opening),
        job_secret=world.job_secret,
        beacon=world.beacon,
        values=lambda: _words(record.job, opening, world),
    )
    member, answer = member_take(before, name, data, member_world)
    changes: dict[str, object] = {"member": encode(member)}
    if not before.client.masked and member.client.masked:
        world.guard.spend(opening.sequence)
        changes |= {"spent": record.spent + 1, "masked": sha256(member.client.masked)}
    return msgspec.structs.replace(record, **changes), [answer]


def _open(record: HubRecord, data: bytes, world: HubWorld) -> tuple[HubRecord, list[Answer]]:
    opening = decode(Opening, data)
    if data == record.opening:
        return record, [_said(record)]
    if opening.sequence <= record.sequence:
        raise RoundIsOld
    if record.member:
        world.guard.over(record.sequence, "superseded")
    asked = msgspec.structs.replace(record, sequence=opening.sequence, opening=data, member=b"", declined=b"")
    try:
        layout = _opening_check(record.job, opening, world.job_secret)
        world.guard.allow(opening.sequence, layout.release)
    except HearthError as reason:
        code = reason.code if isinstance(reason, Declined) else Declined.code
        asked = msgspec.structs.replace(asked, declined=encode(Refusal(opening.sequence, code)))
        return asked, [_said(asked)]
    member, _ = member_begin(opening.round, _keys(record.job, opening), world.job_secret, world.random)
    asked = msgspec.structs.replace(asked, member=encode(member))
    return asked, [_said(asked)]


def _said(record: HubRecord) -> Answer:
    """What the hub answered to the newest opening."""
    if record.declined:
        return Answer(DECLINE, record.declined)
    if not record.member:
        raise RoundIsOld
    return Answer(ADVERT, decode(MemberRecord, record.member).client.advert)


def _close(record: HubRecord, data: bytes, world: HubWorld) -> HubRecord:
    closing = decode(Closing, data)
    if closing.sequence != record.sequence:
        raise RoundIsOld
    world.guard.over(closing.sequence, closing.outcome)
    return msgspec.structs.replace(record, member=b"")


def _opening_check(terms: JobTerms, opening: Opening, job_secret: bytes) -> Layout:
    """The round must be exactly what the plan and the seed make of it. Raises ``RoundNotPlanned``, ``NotInCohort``."""
    plan = terms.declared
    kind = kind_of(opening.kind)
    if not _step_fits(plan, kind, opening.step):
        raise RoundNotPlanned
    if opening.cell not in cells_of(terms, opening.step, kind):
        raise RoundNotPlanned
    if public_key(job_secret) not in _keys(terms, opening):
        raise NotInCohort
    layout = Layout(plan, kind, len(opening.cell), survivors_minimum(terms, opening.cell))
    if len(opening.parameters) != 8 * layout.shape.length:
        raise RoundNotPlanned
    wanted = round_plan(terms, opening.cell, opening.sequence, opening.model_hash, layout.length)
    if wanted != opening.round:
        raise RoundNotPlanned
    return layout


def _keys(terms: JobTerms, opening: Opening) -> tuple[bytes, ...]:
    return tuple(terms.cohort[index] for index in opening.cell)


def _words(terms: JobTerms, opening: Opening, world: HubWorld) -> Words:
    """Train on the home's rows, evaluate the model that came, and make the words of both."""
    plan, kind = terms.declared, kind_of(opening.kind)
    layout = Layout(plan, kind, len(opening.cell), survivors_minimum(terms, opening.cell))
    parameters = floats_of(opening.parameters)
    own = terms.cohort.index(public_key(world.job_secret))
    held_out = own in terms.held_out
    raw = world.table()
    table = replace(raw, x=opening.scaler.apply(raw.x))
    update = np.zeros(layout.update_length)
    if kind == STATISTICS and not held_out:
        update = statistics_of(raw.x)
    elif layout.update_length and not held_out:
        update = world.train(plan, parameters, table, training_chance(plan.seed, terms.job, own, opening.step))
    evaluation = np.zeros(layout.evaluation_length)
    if layout.evaluation_length:
        evaluation = evaluate(parameters, table, layout.shape, held_out)
    return layout.words(update, evaluation, world.random)


def kind_of(name: str) -> Kind:
    """The kind of a round by its name. Raises ``RoundNotPlanned``."""
    for kind in KINDS:
        if kind == name:
            return kind
    raise RoundNotPlanned


def _step_fits(plan: TrainingPlan, kind: Kind, step: int) -> bool:
    if kind == STATISTICS:
        return step == 0 and plan.scaling == SCALING_STATISTICS
    return 1 <= step <= plan.rounds if kind == TRAIN else step == plan.rounds


def training_chance(seed: int, job: bytes, index: int, step: int) -> np.random.Generator:
    """The order of rows and the like in a home's training: the same again in a run with the same seed."""
    material = tagged("hearth/training/1", job, index.to_bytes(4, "big"), step.to_bytes(4, "big"))
    return np.random.default_rng([seed, *np.frombuffer(material, "<u4").tolist()])


@lru_cache(maxsize=8)
def layout_of(terms: bytes, cell: tuple[int, ...], kind: Kind) -> Layout:
    """The layout of a cell's vector, kept while a job runs: its noise multiplier takes a second to find."""
    told = decode(JobTerms, terms)
    return Layout(told.declared, kind, len(cell), survivors_minimum(told, cell))


def floats_of(data: bytes) -> Floats:
    """Parameters from their bytes, little-endian float64."""
    return np.frombuffer(data, "<f8").astype(np.float64)
