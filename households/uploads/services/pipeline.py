"""Going on with a home's batches and lots: every due row takes its next step, however often this is called.

Each row is claimed by lease, so several workers may call this at once; what fails rests and is tried again.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from households.errors import HouseholdHalted
from households.models import HOME, Batch, Household, Lot
from households.services.activity import activity_note, live_notify
from households.services.market import market_of
from households.services.market_port import Market
from households.uploads.services.batches import batch_prepare
from households.uploads.services.lots import lot_step
from households.uploads.services.resealing import batch_prepare_again
from marketplace.common.types import to_ms
from marketplace.common.work import advance, claim, leased

ROUNDS_MAX = 200
LEASE_S = 120.0
LOT_STEPS = (Lot.State.CERTIFIED, Lot.State.UPLOADED, Lot.State.ANCHORED)
LOT_OPEN = (Lot.State.PLANNED, *LOT_STEPS)


def uploads_advance(household: Household) -> int:
    """Take every step that is due; how many steps were taken. A halted home's batches stay where they are."""
    if household.state == Household.State.HALTED:
        return 0
    lots_expire(household)
    steps = _prepare_closed(household)
    steps += _lots(household)
    return steps + _finish_certified(household)


def lots_expire(household: Household) -> int:
    """Offers whose time is over are taken down; how many."""
    now = timezone.now()
    over = Lot.objects.using(HOME).filter(household=household, state=Lot.State.LISTED, expires_ms__lt=to_ms(now))
    return over.update(state=Lot.State.LEAVING, next_try_at=now)


def batches_waiting(household: Household) -> bool:
    """Whether anything is on its way."""
    going = (Batch.State.CLOSED, Batch.State.PREPARED, Batch.State.PROPOSED, Batch.State.CERTIFIED)
    return Batch.objects.using(HOME).filter(household=household, state__in=going).exists()


def require_running(household: Household) -> None:
    """Raise ``HouseholdHalted`` if the home's ledger has halted."""
    if household.state == Household.State.HALTED:
        raise HouseholdHalted()


def _prepare_closed(household: Household) -> int:
    closed = Batch.objects.filter(household=household, state=Batch.State.CLOSED)
    taken = claim(closed, using=HOME, limit=ROUNDS_MAX, lease_s=LEASE_S)
    for batch in taken:
        with leased(batch, using=HOME):
            batch_prepare_again(batch) if batch.source_id else batch_prepare(batch)
    return len(taken)


def _lots(household: Household) -> int:
    """Steps of lots, round by round, so that lots of one batch anchor in turn and none waits for another's preview."""
    gone = Q(state=Lot.State.GONE, object_removed_at__isnull=True)
    waiting = Lot.objects.filter(Q(state__in=(*LOT_STEPS, Lot.State.LEAVING)) | gone, household=household)
    market: Market | None = None
    steps = 0
    for _ in range(ROUNDS_MAX):
        taken = claim(waiting, using=HOME, limit=1, lease_s=LEASE_S)
        if not taken:
            break
        lot = taken[0]
        with leased(lot, using=HOME):
            market = market or market_of(household)
            lot_step(lot, market)
        steps += 1
    return steps


def _finish_certified(household: Household) -> int:
    """A batch is done when none of its lots has a step left."""
    certified = Batch.objects.filter(household=household, state=Batch.State.CERTIFIED)
    taken = claim(certified, using=HOME, limit=ROUNDS_MAX, lease_s=LEASE_S)
    done = 0
    for batch in taken:
        with leased(batch, using=HOME):
            if Lot.objects.using(HOME).filter(batch=batch, state__in=LOT_OPEN).exists():
                advance(batch, using=HOME, again_in_s=1.0)
                continue
            with transaction.atomic(using=HOME):
                advance(batch, using=HOME, state=Batch.State.DONE, done_at=timezone.now())
                activity_note(household=household, kind="batch.done", topic="uploads", facts={"batch": batch.number})
                live_notify(household=household, topic="uploads")
            done += 1
    return done
