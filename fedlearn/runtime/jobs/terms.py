"""What all members of a job know of it, and what follows from it: who is held out, which homes are summed together."""

from __future__ import annotations

import math
from typing import Final, Literal

from chain.core.types import Hash, Name, PublicKey, Record, Uint
from chain.crypto.hashing import sha256, tagged
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.learners.scaling import Scaler
from fedlearn.protocol.groups import groups_of
from fedlearn.protocol.plan import RoundPlan, cohort_hash
from fedlearn.runtime.jobs.errors import TermsInvalid

HELD_OUT_PM: Final = 200
HELD_OUT_FROM: Final = 4
STATISTICS: Final = "statistics"
TRAIN: Final = "train"
FINAL: Final = "final"
KINDS: Final = (STATISTICS, TRAIN, FINAL)
Kind = Literal["statistics", "train", "final"]


class JobTerms(Record):
    """A job as its members know it.

    ``cohort`` are the hubs' job keys and ``peers`` their pseudonyms, in one order; ``seed`` is the hash of the ledger's
    block after the one that opened the job, so that nobody chooses who is held out or grouped with whom.
    """

    job: Hash
    plan: bytes
    seed: Hash
    cohort: tuple[PublicKey, ...]
    peers: tuple[Name, ...]

    @property
    def declared(self) -> TrainingPlan:
        """The plan; raises ``PlanMalformed``."""
        return plan_decode(self.plan)

    @property
    def plan_hash(self) -> bytes:
        """What the ledger knows the plan by."""
        return sha256(self.plan)

    @property
    def held_out(self) -> frozenset[int]:
        """The homes, by index, that do not train but say how good the model is for homes it has never seen."""
        count = len(self.cohort)
        if count < HELD_OUT_FROM:
            return frozenset()
        wanted = max(1, count * HELD_OUT_PM // 1000)
        order = sorted(range(count), key=lambda index: tagged("hearth/held-out/1", self.seed, self.cohort[index]))
        return frozenset(order[:wanted])


def terms_check(terms: JobTerms) -> None:
    """Raises ``TermsInvalid`` unless there is one pseudonym for each key, none of either twice."""
    count = len(terms.cohort)
    if not count == len(terms.peers) == len(set(terms.cohort)) == len(set(terms.peers)):
        raise TermsInvalid


def cells_of(terms: JobTerms, step: int, kind: Kind) -> tuple[tuple[int, ...], ...]:
    """The sets of homes (cohort indexes) whose sums are opened apart in a step; one of all without groups.

    Held-out homes of a grouped step are dealt out with the others, so that nobody can tell them apart.
    """
    plan, count = terms.declared, len(terms.cohort)
    if kind != TRAIN or plan.group_size == 0 or count < 2 * plan.group_size:
        return (tuple(range(count)),)
    return groups_of(count, plan.group_size, tagged("hearth/cells/1", terms.seed, step.to_bytes(4, "big")))


def survivors_minimum(terms: JobTerms, cell: tuple[int, ...]) -> int:
    """The fewest homes of a cell whose sum may be opened; the noise is planned for them."""
    plan = terms.declared
    if len(cell) == len(terms.cohort):
        return min(plan.minimum, len(cell))
    return max(2, math.ceil(len(cell) * (1000 - plan.secure_sum.dropout_pm) / 1000))


def round_plan(terms: JobTerms, cell: tuple[int, ...], sequence: int, model_hash: bytes, length: int) -> RoundPlan:
    """The plan of the masked sum of one cell; hubs make it themselves and compare.

    ``sequence`` counts the job's rounds with those that were given up, so no round of a job has the name of another.
    """
    secure_sum = terms.declared.secure_sum
    keys = tuple(terms.cohort[index] for index in cell)
    return RoundPlan(
        job_id=terms.job,
        round=sequence,
        model_hash=model_hash,
        cohort=cohort_hash(keys),
        mode=secure_sum.mode,
        length=length,
        minimum=survivors_minimum(terms, cell),
        dropout_pm=secure_sum.dropout_pm,
    )


class Opening(Record):
    """Coordinator to a hub: a round begins.

    ``step`` counts training rounds from 1; in the round of statistics before them it is 0, in the last, which only
    evaluates, the number of the last training round. ``parameters`` are little-endian float64, ``scaler`` is what the
    statistics gave, and ``cell`` are cohort indexes.
    """

    sequence: Uint
    step: Uint
    kind: Name
    cell: tuple[Uint, ...]
    round: RoundPlan
    parameters: bytes
    scaler: Scaler

    @property
    def model_hash(self) -> bytes:
        """The hash by which the ledger knows these parameters."""
        return sha256(self.parameters)


class Closing(Record):
    """Coordinator to a hub: how a round ended. ``outcome`` is ``opened`` or the code of why it was given up."""

    sequence: Uint
    outcome: Name
    survivors: Uint
    model_after: Hash
    epsilon_micro: Uint


class Refusal(Record):
    """A hub to the coordinator: it stays away from a round, for a reason that is a code and nothing more."""

    sequence: Uint
    code: Name
