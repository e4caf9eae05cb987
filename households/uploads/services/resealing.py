"""Sealing lots again under new payees, when the market has seen a payee or an object before (protocols.md 2).

That happens after a restore from an older backup, whose counters of payees lie behind. A new payee means new salts,
and so other roots than those that the devices signed: they vote once more, on the very rows that they approved. Each
voter repeats its own earlier verdict if the rows are the same (``judge_again``), so this is no way around the checks.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from chain.crypto.lot_format import lot_id_of
from chain.exchange.lots import batch_seed
from chain.wallets.hd import Branch, cloud_secret, payee_child
from households.consensus.batch import BatchTerms, terms_parse
from households.models import HOME, Batch, Device, Lot
from households.services.activity import activity_note, live_notify
from households.services.market_port import Market
from households.services.nudges import uploads_nudge
from households.services.secrets import operational_of
from households.uploads.services.batches import (
    Offer,
    batch_id_next,
    batch_number_next,
    lay_out,
    lot_new,
    prepared_write,
    series_shared,
    series_terms,
)
from households.uploads.services.contents import series_of_batch
from marketplace.common.errors import Conflict
from marketplace.common.work import advance

# What the market says of a payee, or of what follows from it, that was used before.
USED_BEFORE = frozenset({"payee_used", "object_used", "object_taken", "point_used"})
SEALS_MAX = 3
CHILDREN_MAX = 2_000


class ChildrenUsed(Conflict):
    """The market knows thousands of the device's next addresses: the home's backup is far behind."""

    code = "children_used"
    title = "All of the next one-time addresses of this device were used before"


class BatchNumberTaken(Conflict):
    """Another worker closed a batch at the same moment; the step is tried again."""

    code = "batch_number_taken"
    title = "The batch's number was taken at the same moment"


def lot_reseal(lot: Lot, market: Market, code: str) -> None:
    """Plan the lot's series once more under a child that the market has not seen, in a batch that the devices vote on.

    The caller holds the lot's lease. The stored object is left alone: under a used payee it may be that of a lot on
    offer, and the market sweeps what belongs to none. After ``SEALS_MAX`` times the lot is given up. Raises
    ``ChildrenUsed``, ``BatchNumberTaken``, ``LeaseLost``, and what the market raises.
    """
    if lot.batch.seals >= SEALS_MAX:
        _end(lot, Lot.State.FAILED, "sealed_too_often")
        return
    child = _unused_child(lot, market)
    try:
        with transaction.atomic(using=HOME):
            _end(lot, Lot.State.RESEALED, code)
            Device.objects.using(HOME).filter(pk=lot.device_id, next_child__lte=child).update(next_child=child + 1)
            offer = Offer(lot.price, bytes(lot.licence), lot.expires_ms)
            lot_new(_batch_again(lot), lot.device, lot.quantity, bytes(lot.series_id), child, offer)
            uploads_nudge(lot.household)
    except IntegrityError:
        raise BatchNumberTaken() from None


def batch_prepare_again(batch: Batch) -> None:
    """Lay out the lots of a batch that seals again: the source's seed, rules, cell and limits, and new salts.

    The caller holds the batch's lease. A series that the owner no longer shares, or that may not leave any more, stays
    at home.
    """
    source = batch.source
    assert source is not None
    told = terms_parse(bytes(source.terms))
    rules = {entry.series_id: entry.lot.rule for entry in told.series if entry.lot is not None}
    found = series_of_batch(batch)
    shared = series_shared(batch.household, found)
    kept = [data.sid for data in found if data.sid not in shared or data.sid not in rules]
    planned = Lot.objects.using(HOME).filter(batch=batch, state=Lot.State.PLANNED)
    planned.filter(series_id__in=kept).update(state=Lot.State.REJECTED, reject_code="not_shared", chunks=b"")
    found = [data for data in found if data.sid not in kept]
    if not found:
        advance(batch, using=HOME, state=Batch.State.EMPTY, done_at=timezone.now())
        return
    secret = cloud_secret(operational_of(batch.household))
    seed = batch_seed(secret, bytes(source.batch_id))
    laid = {data.sid: lay_out(batch, data, rules[data.sid], seed, secret) for data in found}
    terms = BatchTerms(
        ledger=batch.household.ledger,
        batch_id=bytes(batch.batch_id),
        opened_ms=told.opened_ms,
        closed_ms=told.closed_ms,
        seed=seed,
        series=series_terms(found, laid),
        cell=told.cell,
        limits=told.limits,
        again=bytes(source.batch_id),
    )
    prepared_write(batch, terms, laid)


def _end(lot: Lot, state: Lot.State, code: str) -> None:
    with transaction.atomic(using=HOME):
        advance(lot, using=HOME, state=state, reject_code=code, chunks=b"")
        live_notify(household=lot.household, topic="uploads", data={"lot": str(lot.pk), "state": state.value})
        activity_note(
            household=lot.household, kind=f"lot.{state.value}", topic="uploads", device=lot.device,
            facts={"lot": str(lot.pk), "code": code},
        )  # fmt: skip


def _batch_again(lot: Lot) -> Batch:
    """The batch that seals lots of the same source as often, if it is not laid out yet; else a new one. Inside the
    caller's transaction."""
    source = lot.batch.source or lot.batch
    seals = lot.batch.seals + 1
    rows = Batch.objects.using(HOME).filter(source=source, seals=seals, state=Batch.State.CLOSED, lease_token=None)
    waiting = rows.exclude(lots__series_id=bytes(lot.series_id)).first()
    # Touching the row keeps a worker from laying it out before the new lot is there.
    if waiting is not None and rows.filter(pk=waiting.pk).update(seals=seals):
        waiting.household = lot.household
        return waiting
    return Batch.objects.using(HOME).create(
        household=lot.household,
        number=batch_number_next(lot.household),
        batch_id=batch_id_next(lot.household),
        source=source,
        seals=seals,
        from_ms=source.from_ms,
        cut_ms=source.cut_ms,
    )


def _unused_child(lot: Lot, market: Market) -> int:
    """The first child from the device's counter on that is no lot of the market's, and none of ours."""
    operational = operational_of(lot.household)
    counter = Device.objects.using(HOME).values_list("next_child", flat=True).get(pk=lot.device_id)
    first = max(lot.child_index + 1, counter)
    for child in range(first, first + CHILDREN_MAX):
        if not market.lot_known(_lot_id(operational, lot.device, child)):
            return child
    raise ChildrenUsed()


def _lot_id(operational: Branch, device: Device, child: int) -> bytes:
    return lot_id_of(payee_child(operational, device.account_index, child).public_key)
