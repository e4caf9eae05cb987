"""The declared plan of a training job: everything that hubs and enterprise must do alike. Its hash is on the ledger.

The canonical bytes hold integers only: numbers with a fraction are written in millionths (``..._micro``).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Name, Record, Uint
from chain.crypto.hashing import sha256
from fedlearn.learners.errors import PlanMalformed, PlanValueInvalid
from fedlearn.protocol.plan import HONEST, MALICIOUS
from fedlearn.protocol.strategy import FEDPROX, Strategy

MICRO: Final = 1_000_000
FORMAT: Final = 1
SCALING_FIXED, SCALING_STATISTICS = "fixed", "statistics"
SCALINGS: Final = (SCALING_FIXED, SCALING_STATISTICS)
SECAGG_MODES: Final = (HONEST, MALICIOUS)


class Hyper(Record):
    """How a home learns: step size, L2 weight, and the widths of an MLP's hidden layers."""

    learning_rate_micro: Uint
    l2_micro: Uint = 0
    hidden: tuple[Uint, ...] = ()


class Privacy(Record):
    """The whole job's privacy target for a home: all releases together stay within epsilon at this delta."""

    epsilon_micro: Uint
    delta_micro: Uint

    @property
    def epsilon(self) -> float:
        """Epsilon as a float."""
        return self.epsilon_micro / MICRO

    @property
    def delta(self) -> float:
        """Delta as a float."""
        return self.delta_micro / MICRO


class SecureSum(Record):
    """The mode of secure aggregation and the share of dropouts, per mille, that a round must stand."""

    mode: Name = HONEST
    dropout_pm: Uint = 300


class TrainingPlan(Record):
    """A job.

    ``task`` and ``family`` are names of a task template and a model family. ``scaling`` "statistics" puts a round
    before the first that sums means and squares of the features; "fixed" uses the template's own scales.
    ``batch_size`` is in rows, ``cohort`` and ``minimum`` in homes, ``clip_micro`` an L2 norm, ``privacy`` None for no
    noise, ``group_size`` the homes of an opened group or 0 for one sum of all, ``interval_s`` the time between
    repeats or 0 for once, rewards and the budget of one repeat in credits.
    """

    task: Name
    family: Name
    hyper: Hyper
    strategy: Strategy
    rounds: Uint
    epochs: Uint
    batch_size: Uint
    cohort: Uint
    minimum: Uint
    deadline_s: Uint
    clip_micro: Uint
    seed: Uint
    scaling: Name = SCALING_FIXED
    interval_s: Uint = 0
    privacy: Privacy | None = None
    secure_sum: SecureSum = SecureSum()
    group_size: Uint = 0
    reward_credits: Uint = 0
    bonus_credits: Uint = 0
    budget_credits: Uint = 0
    format: Uint = FORMAT

    @property
    def learning_rate(self) -> float:
        """The size of a home's steps."""
        return self.hyper.learning_rate_micro / MICRO

    @property
    def l2(self) -> float:
        """The weight of half the squared norm of the coefficients in a row's loss."""
        return self.hyper.l2_micro / MICRO

    @property
    def prox(self) -> float:
        """FedProx's mu; 0 under the other strategies."""
        return self.strategy.prox_micro / MICRO if self.strategy.name == FEDPROX else 0.0

    @property
    def clip_norm(self) -> float:
        """The largest L2 norm of what a home adds to a sum."""
        return self.clip_micro / MICRO

    @property
    def releases(self) -> int:
        """How many opened sums hold a home's data: what epsilon is counted over."""
        return self.rounds + (self.scaling == SCALING_STATISTICS)


def plan_encode(plan: TrainingPlan) -> bytes:
    """The canonical bytes."""
    return encode(plan)


def plan_decode(data: bytes) -> TrainingPlan:
    """The plan that the bytes stand for; check it with ``plan_check``. Raises ``PlanMalformed``."""
    try:
        return decode(TrainingPlan, data)
    except Malformed as fault:
        raise PlanMalformed from fault


def plan_hash(plan: TrainingPlan) -> bytes:
    """SHA-256 of the canonical bytes, 32 bytes: what hubs and ledger know the plan by."""
    return sha256(encode(plan))


def micro_of(text: str) -> int:
    """The millionths of a decimal number that is not negative, exactly: ``"0.05"`` is 50,000.

    Raises ``PlanValueInvalid`` for anything else, and for digits beyond the sixth.
    """
    try:
        micro = Decimal(text).scaleb(6)
    except InvalidOperation:
        raise PlanValueInvalid("This is no decimal number.") from None
    if not micro.is_finite() or micro < 0 or micro != micro.to_integral_value() or micro > 2**63 - 1:
        raise PlanValueInvalid("A number must not be negative and may have six digits after the point.")
    return int(micro)


def micro_text(micro: int) -> str:
    """The shortest decimal text of millionths: 50,000 is ``"0.05"``."""
    whole, part = divmod(micro, MICRO)
    return f"{whole}.{part:06}".rstrip("0").rstrip(".")
