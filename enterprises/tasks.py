"""Celery tasks: each only wakes work that lies in rows, and may be lost or repeated without harm."""

from __future__ import annotations

import logging
from collections.abc import Callable

from celery import shared_task
from django.conf import settings

from enterprises.board.sweeping import board_sweep
from enterprises.catalog.indexing import catalog_advance
from enterprises.catalog.objects import objects_sweep
from enterprises.catalog.source import lot_source
from enterprises.checkout import rounds
from enterprises.nudges import nudge_training
from enterprises.offers import rounds as offers
from enterprises.training import rounds as training
from marketplace.common.errors import HearthError

log = logging.getLogger(__name__)


@shared_task(ignore_result=True)
def buyer_advance() -> None:
    """Move the purchases of this node's enterprises, and register new ones."""
    _guarded(rounds.buyer_advance)


@shared_task(ignore_result=True)
def training_advance() -> None:
    """Take this node's training jobs further, for a few seconds."""
    _guarded(training.training_advance)


@shared_task(ignore_result=True)
def offers_advance() -> None:
    """Take homes' orders further, and show the market what is offered."""
    _guarded(offers.offers_advance)


@shared_task(ignore_result=True)
def catalog_follow() -> None:
    """Bring the market's index of lots up to the ledger."""
    _guarded(_follow)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Every two seconds: whatever a lost task left behind, for each role that this deployment plays."""
    if "market" in settings.HEARTH_ROLES:
        _guarded(_market)
        _guarded(board_sweep)
    if "enterprise" in settings.HEARTH_ROLES:
        _guarded(rounds.buyer_advance)
        _guarded(offers.offers_advance)
        if training.jobs_open().exists():
            nudge_training()  # a task of its own, so that long rounds do not hold up purchases


def _follow() -> None:
    catalog_advance(lot_source())


def _market() -> None:
    catalog_advance(lot_source())
    objects_sweep()


def _guarded(work: Callable[[], object]) -> None:
    """One role's trouble (its ledger node is away, say) does not keep the other from its work."""
    try:
        work()
    except HearthError as error:
        log.warning("sweep of %s: %s", work.__name__, error.code)
