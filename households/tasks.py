"""Celery's nudges. Each loads a home and calls one service; what a lost task left undone, ``sweep`` finds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from celery import shared_task
from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.utils import timezone

from households.advice.advancing import advice_advance as advance_advice
from households.advice.advancing import advice_waiting
from households.learning.participation.advance import homes_with_work as homes_with_learning
from households.learning.participation.advance import learning_advance as advance_learning
from households.learning.participation.advance import learning_hear, learning_rest_s
from households.models import HOME, Batch, BlockProposal, Household, HubOrder, Lot, MembershipChange, Sweep
from households.services import NUDGE_KEY
from households.services.market import market_of
from households.services.nudges import hub_nudge, uploads_nudge
from households.services.voting import ledger_advance as advance_ledger
from households.uploads.services.batches import batch_close_if_due
from households.uploads.services.pipeline import LOT_STEPS
from households.uploads.services.pipeline import uploads_advance as advance_uploads
from households.uploads.services.selling import OPEN, EventPages, events_follow
from households.uploads.services.selling import hub_advance as advance_hub
from households.uploads.services.sweeping import balances_refresh, sweeps_advance
from marketplace.common.errors import HearthError

log = logging.getLogger(__name__)
REST_MIN_S, REST_MAX_S = 0.1, 10.0
LEARNING_KEY_S = 20


@shared_task(ignore_result=True)
def batch_due(household_id: str) -> None:
    """Beat says that a home's batch is due."""
    _for_home(household_id, lambda home: batch_close_if_due(household=home, now=timezone.now()))
    _for_home(household_id, _upload)


@shared_task(ignore_result=True)
def ledger_advance(household_id: str) -> None:
    """Something waits for a block of a home's device ledger."""
    _for_home(household_id, advance_ledger)


@shared_task(ignore_result=True)
def uploads_advance(household_id: str) -> None:
    """A home's batch or lot has a next step."""
    _for_home(household_id, _upload)


@shared_task(ignore_result=True)
def hub_advance(household_id: str) -> None:
    """The market has news for a home, or an order of its has a next step."""
    _for_home(household_id, _sell)


@shared_task(ignore_result=True)
def advice_advance(household_id: str) -> None:
    """An inquiry for a service, or an order of one, has a next step."""
    _for_home(household_id, advance_advice)


@shared_task(ignore_result=True)
def learning_advance(household_id: str) -> None:
    """A home has something to do for training jobs. Work that comes again soon is nudged again from here."""
    cache.delete(_learning_key(household_id))
    _for_home(household_id, advance_learning)
    rest_s = learning_rest_s(household_id)
    if rest_s is not None and cache.add(f"hearth:later:learning:{household_id}", 1, timeout=1):
        learning_advance.apply_async((household_id,), countdown=rest_s)


@shared_task(ignore_result=True)
def market_event_nudge() -> None:
    """The follower heard of a new block of the shared ledger: every home that sells looks what is in it.

    Homes that have read equally far share one answer of the market. Homes with something to do are then served by
    tasks of their own, so that one does not wait for another while its deadlines run.
    """
    cache.delete(NUDGE_KEY)
    pages = EventPages()
    for household_id in _sellers():
        _for_home(str(household_id), lambda home: events_follow(home, market_of(home), pages))
    now = timezone.now()
    for household_id in _with_market_work(now) | _with_stale_balances():
        hub_advance.delay(str(household_id))
    learning_hear()
    _learn(homes_with_learning(now))


@shared_task(ignore_result=True)
def sweep() -> None:
    """Every two seconds: schedules that are due, and rows whose lease ran out or whose rest is over."""
    now = timezone.now()
    for home in Household.objects.using(HOME).filter(schedule__enabled=True, schedule__next_due_at__lte=now):
        _guarded(home, lambda home: batch_close_if_due(household=home, now=now))
    for household_id in _with_ledger_work():
        _for_home(str(household_id), advance_ledger)
    for household_id in _with_upload_work(now):
        _for_home(str(household_id), _upload)
    for household_id in _with_market_work(now):
        _for_home(str(household_id), _sell)
    for household_id in advice_waiting():
        advice_advance.delay(str(household_id))  # running models takes longer than a sweep should
    _learn(homes_with_learning(now))


def _learn(household_ids: Iterable[object]) -> None:
    """A task for each home, since training takes its time; one that waits in the queue already is enough."""
    for household_id in household_ids:
        if cache.add(_learning_key(household_id), 1, timeout=LEARNING_KEY_S):
            learning_advance.delay(str(household_id))


def _learning_key(household_id: object) -> str:
    return f"hearth:learning:{household_id}"


def _upload(home: Household) -> None:
    advance_uploads(home)
    rest_s = _rest_s(Lot.objects.using(HOME).filter(household=home, state__in=LOT_STEPS))
    if rest_s is not None:
        uploads_nudge(home, in_s=rest_s)


def _sell(home: Household) -> None:
    advance_hub(home)
    sweeps_advance(home)
    balances_refresh(home, market_of(home))
    rest_s = _rest_s(HubOrder.objects.using(HOME).filter(household=home, state__in=OPEN))
    if rest_s is not None:
        hub_nudge(home, in_s=rest_s)


def _rest_s(rows: QuerySet[Any]) -> float | None:
    """In how many seconds the first of some rows has its next step, if that is soon; the sweep finds the others."""
    first = rows.order_by("next_try_at").values_list("next_try_at", flat=True).first()
    if first is None:
        return None
    rest_s = max(REST_MIN_S, (first - timezone.now()).total_seconds())
    return rest_s if rest_s < REST_MAX_S else None


def _for_home(household_id: str, service: Callable[[Household], object]) -> None:
    home = Household.objects.using(HOME).filter(pk=household_id).first()
    if home is not None:
        _guarded(home, service)


def _guarded(home: Household, service: Callable[[Household], object]) -> None:
    """One home's trouble is not another's: a refusal is logged by its code, and the sweep comes again."""
    try:
        service(home)
    except HearthError as error:
        log.info("home %s: %s", str(home.pk)[:8], error.code)


def _due(now: object) -> Q:
    return Q(next_try_at__lte=now) & (Q(lease_until__isnull=True) | Q(lease_until__lte=now))


def _with_ledger_work() -> set[object]:
    changes = MembershipChange.objects.using(HOME).filter(state=MembershipChange.State.QUEUED)
    proposals = BlockProposal.objects.using(HOME).filter(state=BlockProposal.State.OPEN)
    batches = Batch.objects.using(HOME).filter(state=Batch.State.PREPARED)
    return {pk for rows in (changes, proposals, batches) for pk in rows.values_list("household_id", flat=True)}


def _with_upload_work(now: object) -> set[object]:
    batches = Batch.objects.using(HOME).filter(_due(now), state__in=(Batch.State.CLOSED, Batch.State.CERTIFIED))
    steps = (Lot.State.CERTIFIED, Lot.State.UPLOADED, Lot.State.ANCHORED, Lot.State.LEAVING)
    gone = Q(state=Lot.State.GONE, object_removed_at__isnull=True)
    lots = Lot.objects.using(HOME).filter(_due(now)).filter(Q(state__in=steps) | gone)
    return {pk for rows in (batches, lots) for pk in rows.values_list("household_id", flat=True)}


def _with_market_work(now: object) -> set[object]:
    orders = HubOrder.objects.using(HOME).filter(_due(now), state__in=OPEN)
    sweeps = Sweep.objects.using(HOME).filter(_due(now), state=Sweep.State.WAITING)
    return {pk for rows in (orders, sweeps) for pk in rows.values_list("household_id", flat=True)}


def _with_stale_balances() -> set[object]:
    lots = Lot.objects.using(HOME).filter(earned__gt=0, balance_checked_at__isnull=True)
    return set(lots.values_list("household_id", flat=True))


def _sellers() -> set[object]:
    listed = Lot.objects.using(HOME).filter(state=Lot.State.LISTED).values_list("household_id", flat=True)
    open_orders = HubOrder.objects.using(HOME).filter(state__in=OPEN).values_list("household_id", flat=True)
    return set(listed) | set(open_orders)
