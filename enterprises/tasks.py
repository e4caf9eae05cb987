"""Celery tasks: each only wakes work that lies in rows, and may be lost or repeated without harm."""

from __future__ import annotations

from celery import shared_task
from django.conf import settings

from enterprises import nudges
from enterprises.catalog.indexing import catalog_advance
from enterprises.catalog.objects import objects_sweep
from enterprises.catalog.source import lot_source
from enterprises.checkout import rounds


@shared_task(ignore_result=True)
def buyer_advance() -> None:
    """Move the purchases of this node's enterprises, and register new ones."""
    rounds.buyer_advance()


@shared_task(ignore_result=True)
def catalog_follow() -> None:
    """Bring the market's index of lots up to the ledger."""
    catalog_advance(lot_source())


@shared_task(ignore_result=True)
def objects_clean() -> None:
    """Delete objects that no lot needs."""
    objects_sweep()


@shared_task(ignore_result=True)
def market_sweep() -> None:
    """The market role's share of the sweep."""
    catalog_advance(lot_source())
    objects_sweep()


@shared_task(ignore_result=True)
def sweep() -> None:
    """Every two seconds: whatever a lost task left behind, for each role that this deployment plays."""
    if "market" in settings.HEARTH_ROLES:
        market_sweep()
    if "enterprise" in settings.HEARTH_ROLES:
        rounds.buyer_advance()


def market_event_nudge() -> None:
    """Hook of the follower: the shared ledger has a new block."""
    nudges.market_event_nudge()
