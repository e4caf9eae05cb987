"""Search and facets of the catalog, as query parameters."""

from __future__ import annotations

import re
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from enterprises.catalog.models import CatalogLot

FACETS = ("device_class", "quantity", "resolution_s", "cell", "label", "support", "licence_kind")
WORDS_MAX = 8
IDS_MAX = 100
LOT_ID = re.compile(r"[0-9a-fA-F]{64}")
SORTS = {
    "newest": ("-anchored_height", "lot_id"),
    "cheapest": ("price", "lot_id"),
    "dearest": ("-price", "lot_id"),
    "largest": ("-record_count", "lot_id"),
    "earliest": ("period_start", "lot_id"),
    "latest": ("-period_end", "lot_id"),
}


class LotFilter(django_filters.FilterSet):
    """``q`` finds lots that hold every word; facets may be given several times; the period overlaps ``start..end``.

    ``ids`` takes at most 100 lot ids with commas between them; those that are not on sale are not in the answer.
    """

    ids = django_filters.CharFilter(method="by_ids", label="Lot ids, with commas between them")
    q = django_filters.CharFilter(method="by_words", label="Words")
    device_class = django_filters.CharFilter(method="by_any")
    quantity = django_filters.CharFilter(method="by_any")
    resolution_s = django_filters.CharFilter(method="by_any")
    cell = django_filters.CharFilter(method="by_any")
    label = django_filters.CharFilter(method="by_any")
    support = django_filters.CharFilter(method="by_any")
    licence_kind = django_filters.CharFilter(method="by_any")
    price_min = django_filters.NumberFilter("price", lookup_expr="gte")
    price_max = django_filters.NumberFilter("price", lookup_expr="lte")
    start = django_filters.IsoDateTimeFilter("period_end", lookup_expr="gte")
    end = django_filters.IsoDateTimeFilter("period_start", lookup_expr="lte")
    sort = django_filters.ChoiceFilter(method="by_sort", choices=[(name, name) for name in SORTS])

    class Meta:
        model = CatalogLot
        fields: list[str] = []

    def by_ids(self, rows: QuerySet[CatalogLot], name: str, value: str) -> QuerySet[CatalogLot]:
        ids = value.lower().split(",")
        if len(ids) > IDS_MAX or not all(LOT_ID.fullmatch(each) for each in ids):
            raise ValidationError({name: [f"Give at most {IDS_MAX} lot ids, with commas between them."]})
        return rows.filter(lot_id__in=ids)

    def by_words(self, rows: QuerySet[CatalogLot], name: str, value: str) -> QuerySet[CatalogLot]:
        for word in value.lower().split()[:WORDS_MAX]:
            rows = rows.filter(search__contains=word)
        return rows

    def by_any(self, rows: QuerySet[CatalogLot], name: str, value: str) -> QuerySet[CatalogLot]:
        values: list[Any] = self.data.getlist(name) if isinstance(self.data, QueryDict) else [value]
        if name == "resolution_s":
            values = [int(item) for item in values if item.isdecimal() and len(item) < 10]
        return rows.filter(**{f"{name}__in": values})

    def by_sort(self, rows: QuerySet[CatalogLot], name: str, value: str) -> QuerySet[CatalogLot]:
        return rows.order_by(*SORTS[value])


def without(params: QueryDict, name: str) -> QueryDict:
    """A copy of the parameters without one of them."""
    rest = params.copy()
    rest.pop(name, None)
    return rest


def querydict(values: dict[str, Any]) -> QueryDict:
    """Query parameters from a mapping of name to value or list of values."""
    params = QueryDict(mutable=True)
    for name, value in values.items():
        params.setlist(name, [str(item) for item in (value if isinstance(value, list | tuple) else [value])])
    return params
