"""What an enterprise and a hub tell each other around the rounds of a job: lots on offer, and receipts of what is paid.

    offers/out/lots-PLAN                 a hub: the lots that may be learnt from in a job of this plan
    jobs/JOB/in/0/terms                  the enterprise: ``JobTerms``, once the licences are accepted
    jobs/JOB/in/999999999/paid-NUMBER    a completed round stands on the ledger: how the hub claims its share
    jobs/JOB/in/999999999/ended          the job's end stands on the ledger: how the hub claims a share of the bonus

Receipts travel as the id of their transaction: each side reads them from the ledger itself. The last two lie in a round
that no pruning reaches, since a hub may fetch them late.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from chain.contracts.market.training_rows import BonusClaim, RoundClaim
from chain.core.types import Hash, Record, Uint
from fedlearn.runtime.names import MAX_ROUND, job_path, offer_path

TERMS: Final = "terms"
PAID: Final = "paid-"
ENDED: Final = "ended"
LOTS_MAX: Final = 1024


class LotOffer(Record):
    """A lot that a hub would let be learnt from; ``rows`` counts its readings, ``price`` is in credits."""

    lot_id: Hash
    price: Uint
    rows: Uint


class LotsOffer(Record):
    """A hub's lots for a plan (its hash). The enterprise pays for any of them with ``fund_training``."""

    plan: Hash
    lots: Annotated[tuple[LotOffer, ...], msgspec.Meta(max_length=LOTS_MAX)]


class RoundPaid(Record):
    """The transaction of ``service_models.round``, and the claim of each order of this hub in it."""

    tx_id: Hash
    claims: Annotated[tuple[RoundClaim, ...], msgspec.Meta(max_length=LOTS_MAX)]


class JobEnded(Record):
    """The transaction of ``service_models.job_end``, and the claims of this hub's orders on the bonus, if any."""

    tx_id: Hash
    claims: Annotated[tuple[BonusClaim, ...], msgspec.Meta(max_length=LOTS_MAX)]


def lots_path(plan_hash: bytes) -> str:
    """Where a hub leaves its ``LotsOffer``."""
    return offer_path("out", f"lots-{plan_hash.hex()}")


def terms_path(job: bytes) -> str:
    """Where the enterprise leaves the ``JobTerms``."""
    return job_path(job.hex(), "in", 0, TERMS)


def paid_path(job: bytes, number: int) -> str:
    """Where the enterprise leaves the ``RoundPaid`` of a round by its number on the ledger."""
    return job_path(job.hex(), "in", MAX_ROUND, f"{PAID}{number}")


def ended_path(job: bytes) -> str:
    """Where the enterprise leaves the ``JobEnded``."""
    return job_path(job.hex(), "in", MAX_ROUND, ENDED)
