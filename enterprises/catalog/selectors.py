"""Reads of the catalog: what is on sale, how it divides, one lot."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.http import QueryDict
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from chain.contracts.market.rows import LISTED
from enterprises.catalog.cells import cells_shown
from enterprises.catalog.filters import FACETS, LotFilter, without
from enterprises.catalog.models import CatalogLot, StoredObject
from enterprises.errors import LotUnknown


def lots_on_sale() -> QuerySet[CatalogLot]:
    """Listed lots whose object is in the store, whose offer runs, and whose cell has enough homes."""
    stored = StoredObject.objects.filter(state=StoredObject.State.STORED).values("object_id")
    return CatalogLot.objects.filter(
        status=LISTED,
        object_id__in=stored,
        expires_at__gt=timezone.now(),
        cell__in=cells_shown().values("cell"),
    )


def lots_found(params: QueryDict) -> QuerySet[CatalogLot]:
    """Lots on sale that pass the filters of ``LotFilter``.

    Raises:
        ValidationError: a filter's value is malformed.
    """
    lots = LotFilter(params, queryset=lots_on_sale())
    if not lots.is_valid():
        raise ValidationError(lots.errors)
    found: QuerySet[CatalogLot] = lots.qs
    return found


def lot(lot_id: str) -> CatalogLot:
    """A lot that may be shown: on sale, or once on sale in a cell with enough homes. Raises ``LotUnknown``."""
    row = CatalogLot.objects.filter(lot_id=lot_id.lower(), cell__in=cells_shown().values("cell")).first()
    if row is None:
        raise LotUnknown
    return row


def facets(params: QueryDict) -> dict[str, Any]:
    """For each facet the values and how many lots each would give with all the *other* filters as they are."""
    found = lots_found(params)
    bounds = found.aggregate(
        price_min=Min("price"), price_max=Max("price"), start=Min("period_start"), end=Max("period_end")
    )
    return {
        "count": found.order_by().count(),
        "bounds": bounds,
        "facets": {name: _facet(params, name) for name in FACETS},
    }


def _facet(params: QueryDict, name: str) -> list[dict[str, Any]]:
    found = lots_found(without(params, name)).order_by()
    rows = found.values(name).annotate(count=Count("pk")).order_by("-count", name)
    chosen = set(params.getlist(name))
    return [{"value": row[name], "count": row["count"], "chosen": str(row[name]) in chosen} for row in rows]
