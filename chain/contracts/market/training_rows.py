"""What the market contract takes and keeps for training licences: the order for a lot, and a job's bonus pool."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chain.contracts.crossing import LINES_MAX
from chain.contracts.market.rows import Index, Path, RejectCode
from chain.core.proofs import TxProof
from chain.core.state import Table
from chain.core.types import Address, Hash, PublicKey, Record, Uint

# States of a training order, and of a pool (OPEN, ENDED).
FUNDED = "FUNDED"
ACCEPTED = "ACCEPTED"
SETTLED = "SETTLED"
REFUNDED = "REFUNDED"
ENDED = "ENDED"
OPEN = "OPEN"
OPEN_STATES = (FUNDED, ACCEPTED)

# How a training order ended (``TrainingRow.outcome``), besides the code of ``decline_training``.
OUTCOME_MISSED = "missed"
OUTCOME_DECLINED = "declined"
OUTCOME_JOB_OVER = "job_over"
OUTCOME_ALL_ROUNDS = "all_rounds"
OUTCOME_DEADLINE = "deadline"

OrderIds = Annotated[tuple[Hash, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class AcceptTraining(Record):
    """The payee key of the lot lets the job learn from it."""

    order_id: Hash


class DeclineTraining(Record):
    """The payee key takes no part, or no part any more; ``code`` says why, for machines."""

    order_id: Hash
    code: RejectCode


class ExpireTraining(Record):
    """Anyone: orders that were not accepted in time."""

    orders: OrderIds


class RoundClaim(Record):
    """That an order is leaf ``index`` of a round; ``update`` is the hash of the masked update that its home sent."""

    order_id: Hash
    update: Hash
    index: Index
    path: Path


class ReleaseRound(Record):
    """Anyone: pay orders their share of a completed round. ``proof`` is the round's receipt."""

    proof: TxProof
    claims: Annotated[tuple[RoundClaim, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class CloseTraining(Record):
    """Anyone: the receipt of the job's end. From now on the time for claims runs, of its orders and of its pool."""

    proof: TxProof
    orders: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=LINES_MAX)]


class EndTraining(Record):
    """Anyone: the time for claims is over; what was not released goes back to the buyer."""

    orders: OrderIds


class BonusClaim(Record):
    """That an order has ``weight_micro`` millionths of the bonus, by leaf ``index`` of the job's shares."""

    order_id: Hash
    weight_micro: Uint
    index: Index
    path: Path


class ClaimBonus(Record):
    """Anyone: pay orders their share of the job's pool. ``proof`` is the receipt of the job's end."""

    proof: TxProof
    claims: Annotated[tuple[BonusClaim, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX)]


class EndPool(Record):
    """Anyone: the time for claims is over; what is left of a job's pool goes back to the buyer."""

    job: Hash


class TrainingRow(Record):
    """A licence to learn from one lot in one job.

    ``fee`` is the operator's part of ``price``; ``accept_until_ms`` ends the payee's time to accept, ``deadline_ms``
    the job's. ``paid`` has a bit for each round number, ``paid_rounds`` counts them, ``released`` is their sum.
    """

    order_id: Hash
    job: Hash
    lot_id: Hash
    buyer: Address
    buyer_key: PublicKey
    payee: Address
    payee_key: PublicKey
    price: Uint
    fee: Uint
    licence: Hash
    rounds: Uint
    status: str
    funded_ms: Uint
    accept_until_ms: Uint
    deadline_ms: Uint
    paid: bytes = b""
    paid_rounds: Uint = 0
    released: Uint = 0
    outcome: str = ""
    reject_code: str = ""

    def released_after(self, paid_rounds: int) -> int:
        """What is released once so many rounds are paid: equal shares, and the remainder with the last one."""
        return self.price if paid_rounds >= self.rounds else self.price // self.rounds * paid_rounds

    def fee_within(self, released: int) -> int:
        """The operator's part of what is released, rounded down over all rounds together."""
        return self.fee * released // self.price

    def is_paid(self, number: int) -> bool:
        """Whether the round of this number is paid."""
        place = number - 1
        return place // 8 < len(self.paid) and bool(self.paid[place // 8] >> place % 8 & 1)


class PoolRow(Record):
    """A job's bonus pool: ``amount`` was paid in and ``paid`` out to homes; the rest goes back when it has ended."""

    job: Hash
    buyer: Address
    amount: Uint
    paid: Uint
    deadline_ms: Uint
    status: str


class BonusRow(Record):
    """What an order got of its job's pool."""

    amount: Uint


class TrainingTotals(Record):
    """Counters: orders that wait for the payee, orders and pools that hold escrow, and how much they hold."""

    waiting: Uint = 0
    orders: Uint = 0
    pools: Uint = 0
    escrow: Uint = 0


TRAININGS: Table[TrainingRow] = Table("market.trainings", TrainingRow)
POOLS: Table[PoolRow] = Table("market.training_pools", PoolRow)
BONUSES: Table[BonusRow] = Table("market.training_bonuses", BonusRow)
TRAINING_TOTALS: Table[TrainingTotals] = Table("market.training_totals", TrainingTotals)
