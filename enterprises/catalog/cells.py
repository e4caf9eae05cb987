"""Homes counted by account for each cell. Nothing is listed in a cell with fewer than k homes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.utils import timezone

from enterprises.catalog.models import CellHome
from enterprises.partners.models import HubAccount
from marketplace.common.errors import InputError

CELL = re.compile(r"[A-Za-z0-9._:+-]{1,64}")
FORGET_AFTER_DAYS = 90


def cell_minimum() -> int:
    """k: how many homes a cell must have before anything in it is shown."""
    return int(getattr(settings, "HEARTH_K_CELL", 5))


def cell_home_record(*, hub: HubAccount, cell: str) -> None:
    """Note that the account has a home in ``cell``. Says nothing of which lots are its own."""
    if not CELL.fullmatch(cell):
        raise InputError("A cell is up to 64 letters, digits and . _ : + -")
    CellHome.objects.update_or_create(hub=hub, cell=cell)


def cells_shown() -> QuerySet[Any, Any]:
    """``{"cell", "homes"}`` for each cell with at least k homes that were heard of in the last 90 days."""
    return (
        CellHome.objects.filter(seen_on__gte=timezone.now().date() - timedelta(days=FORGET_AFTER_DAYS))
        .values("cell")
        .annotate(homes=Count("hub", distinct=True))
        .filter(homes__gte=cell_minimum())
        .order_by("cell")
    )
