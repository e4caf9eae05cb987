"""Batches, lots and orders with their progress."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import Count, Prefetch, Q, QuerySet

from households.errors import LotUnknownHere
from households.models import HOME, Batch, BlockProposal, Household, HubOrder, Lot

STEPS = ("closed", "prepared", "proposed", "certified", "sealed", "anchored", "listed")
_BATCH_STEP = {
    Batch.State.CLOSED: 0,
    Batch.State.PREPARED: 1,
    Batch.State.PROPOSED: 2,
    Batch.State.CERTIFIED: 3,
    Batch.State.DONE: 6,
    Batch.State.EMPTY: 6,
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch has come: ``step`` of ``steps`` (from 0), lots by how far they are, and what went wrong last."""

    batch: Batch
    step: int
    steps: int
    lots: int
    uploaded: int
    anchored: int
    listed: int
    rejected: int
    failed: int
    votes: int
    voters: int
    held: bool
    error_code: str

    @property
    def share(self) -> float:
        """0 to 1, for a bar."""
        if self.step >= self.steps - 1:
            return 1.0
        done = (self.uploaded + self.anchored + self.listed) / (3 * self.lots) if self.lots else 0.0
        return min(1.0, (self.step + 3 * done) / (self.steps - 1))


def batches(household: Household) -> QuerySet[Batch]:
    """Batches, newest first, with the number of their lots by state."""
    past_upload = (Lot.State.UPLOADED, Lot.State.ANCHORED, Lot.State.LISTED, Lot.State.GONE)
    past_anchor = (Lot.State.ANCHORED, Lot.State.LISTED, Lot.State.GONE)
    on_offer = (Lot.State.LISTED, Lot.State.GONE)
    lost = (Lot.State.FAILED, Lot.State.DEAD)
    return (
        Batch.objects.using(HOME)
        .filter(household=household)
        .select_related("source")
        .annotate(
            lot_count=Count("lots", filter=~Q(lots__state__in=(Lot.State.REJECTED, Lot.State.RESEALED))),
            uploaded_count=Count("lots", filter=Q(lots__state__in=past_upload)),
            anchored_count=Count("lots", filter=Q(lots__state__in=past_anchor)),
            listed_count=Count("lots", filter=Q(lots__state__in=on_offer)),
            rejected_count=Count("lots", filter=Q(lots__state=Lot.State.REJECTED)),
            failed_count=Count("lots", filter=Q(lots__state__in=lost)),
        )
        .order_by("-number")
    )


def progress_of(batch: Batch) -> Progress:
    """The progress of a batch from ``batches``."""
    proposal = (
        BlockProposal.objects.using(HOME)
        .filter(household_id=batch.household_id, batch_id=bytes(batch.batch_id))
        .annotate(vote_count=Count("votes"))
        .order_by("-round")
        .first()
    )
    failing = Lot.objects.using(HOME).filter(batch=batch).exclude(last_error_code="")
    return Progress(
        batch=batch,
        step=_BATCH_STEP[Batch.State(batch.state)],
        steps=len(STEPS),
        lots=batch.lot_count,  # type: ignore[attr-defined]  # annotated by ``batches``
        uploaded=batch.uploaded_count,  # type: ignore[attr-defined]
        anchored=batch.anchored_count,  # type: ignore[attr-defined]
        listed=batch.listed_count,  # type: ignore[attr-defined]
        rejected=batch.rejected_count,  # type: ignore[attr-defined]
        failed=batch.failed_count,  # type: ignore[attr-defined]
        votes=proposal.vote_count if proposal else 0,
        voters=proposal.voters if proposal else 0,
        held=bool(proposal and proposal.held and proposal.state == BlockProposal.State.OPEN),
        error_code=batch.last_error_code or failing.values_list("last_error_code", flat=True).first() or "",
    )


def batch_get(household: Household, batch_id: uuid.UUID) -> Batch:
    """One batch of this home, with its counts; raises ``LotUnknownHere``."""
    found = batches(household).filter(pk=batch_id).first()
    if found is None:
        raise LotUnknownHere("This home has no such batch")
    return found


def lots(household: Household) -> QuerySet[Lot]:
    """Lots, newest first, with device and batch."""
    orders = Prefetch("orders", queryset=HubOrder.objects.using(HOME).order_by("-created_at"))
    rows = Lot.objects.using(HOME).filter(household=household).select_related("device", "batch")
    return rows.prefetch_related(orders)


def lot_get(household: Household, lot_id: uuid.UUID) -> Lot:
    """One lot of this home; raises ``LotUnknownHere``."""
    found = lots(household).filter(pk=lot_id).first()
    if found is None:
        raise LotUnknownHere()
    return found


def orders(household: Household) -> QuerySet[HubOrder]:
    """Orders on the home's lots, newest first."""
    return HubOrder.objects.using(HOME).filter(household=household).select_related("lot", "lot__device")
