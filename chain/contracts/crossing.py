"""What the shared ledger and the service-model ledger read in each other's receipts: calls, ids and leaves.

Money is on the shared ledger, learning and service orders on the service-model ledger. Neither reads the other's
state; each reads calls of the other, from receipts that ``contracts.ledgers`` checks.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from chain.core.types import Address, Hash, Record, Uint
from chain.crypto.hashing import tagged

SHARED: Final = "shared"
SERVICE_MODELS: Final = "service_models"

FUND_TRAINING: Final = "market.fund_training"
FUND_SERVICE: Final = "service_escrow.fund_service"
CONFIRM_SERVICE: Final = "service_escrow.confirm_service"
ROUND: Final = "service_models.round"
JOB_END: Final = "service_models.job_end"

LINES_MAX: Final = 64
ROUNDS_MAX: Final = 1024
MICRO: Final = 1_000_000
COMPLETED, FAILED, CANCELLED = "completed", "failed", "cancelled"

Rounds = Annotated[int, msgspec.Meta(ge=1, le=ROUNDS_MAX)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**20)]
Reason = Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9_]{0,47})?\Z")]


class TrainingLine(Record):
    """A lot to learn from; ``price`` and ``licence`` must be the lot's at this moment."""

    lot_id: Hash
    licence: Hash
    price: Uint


class FundTraining(Record):
    """Pay into escrow for licences to learn from lots where they are, an order for each.

    ``plan`` is the hash of the declared plan and ``nonce`` the sender's choice; with the sender's address they are the
    job (``job_id_of``). An order's price is released over ``rounds`` rounds until ``deadline_ms``. ``bonus`` goes into
    the job's pool, which is shared out by group Shapley values at its end.
    """

    plan: Hash
    nonce: Hash
    rounds: Rounds
    lines: Annotated[tuple[TrainingLine, ...], msgspec.Meta(min_length=1, max_length=LINES_MAX)]
    deadline_ms: Uint
    bonus: Uint = 0


class Round(Record):
    """The enterprise says how a round of its job ended.

    ``joined`` homes began it, ``survivors`` of them are in the sum. ``root`` is the Merkle root over ``leaf_count``
    leaves ``participant_leaf(order, update)``, for the orders of the homes in the sum. An aborted round
    has a ``reason``, no survivors and no leaves, leaves the model as it was, and may be tried again under its number.
    ``epsilon_micro`` is what was spent so far, in millionths.
    """

    job: Hash
    number: Rounds
    complete: bool
    reason: Reason
    model_before: Hash
    model_after: Hash
    joined: Count
    survivors: Count
    leaf_count: Count
    root: Hash
    epsilon_micro: Uint


class JobEnd(Record):
    """How a job ended. ``shares_root`` is the Merkle root over ``share_count`` leaves ``share_leaf(order, weight)``."""

    job: Hash
    outcome: Literal["completed", "failed", "cancelled"]
    reason: Reason
    shares_root: Hash
    share_count: Count


class FundService(Record):
    """A household pays for a service order into escrow until the enterprise confirms it."""

    service_order: Hash
    enterprise: Address
    price: Uint
    deadline_ms: Uint


class ConfirmService(Record):
    """The enterprise confirms a paid service order and has its price. ``payer`` is the household's address."""

    payer: Address
    service_order: Hash


def job_id_of(enterprise: bytes, plan: bytes, nonce: bytes) -> bytes:
    """The id of the job that an enterprise's address (20 bytes) opens for a plan's hash under a nonce of its own."""
    return tagged("hearth/job", enterprise, plan, nonce)


def training_order_id_of(job: bytes, lot_id: bytes) -> bytes:
    """The id of the licence to learn from a lot in a job; there is one at most."""
    return tagged("hearth/training-order", job, lot_id)


def participant_leaf(order_id: bytes, update: bytes) -> bytes:
    """The data of a leaf of a round: the order, and the hash of the masked update of its home (32 bytes each)."""
    return order_id + update


def share_leaf(order_id: bytes, weight_micro: int) -> bytes:
    """The data of a leaf of the bonus: the order (32 bytes) and its share in millionths (8 bytes)."""
    return order_id + weight_micro.to_bytes(8, "big")


def service_order_id_of(household: bytes, version: bytes, offer: bytes, nonce: bytes) -> bytes:
    """The id of a household's (its address, 20 bytes) order of an offer of a model's version."""
    return tagged("hearth/service-order", household, version, offer, nonce)


def service_escrow_id_of(payer: bytes, service_order: bytes) -> bytes:
    """The key of the money for a service order: nobody else's money can stand in its place."""
    return tagged("hearth/service-escrow", payer, service_order)
