"""Exactly what would leave with the next batch, beside what the devices measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from households.models import Household
from households.privacy.levels import LEVEL_TEXTS, Level
from households.selectors.households import schedule_of
from households.services.households import consent_present
from households.services.rules import privacy_rule, terms_of
from households.uploads.pages import raw_window
from households.uploads.selectors import readings_total, readings_waiting
from households.uploads.services.preview import SeriesPreview, preview_of_next_batch
from households.views import words
from households.views.access import owner_page, show
from households.views.sharing import bucket_text
from marketplace.common.types import from_ms

ROWS_SHOWN = 8
READINGS_SHOWN = 3
Window = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Pair:
    """One row that would leave, and the readings that it is made of, each as (time in UTC, value)."""

    readings: tuple[tuple[str, str], ...]
    more: int
    after_time: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One series of the list."""

    series: SeriesPreview
    key: str
    title: str
    why_not: str
    level: str


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """The list of series, and one of them in full (``?series=``)."""
    entries = [_entry(series) for series in preview_of_next_batch(home)]
    asked = request.GET.get("series", "")
    leaving = [entry for entry in entries if entry.series.leaves]
    first = next(iter(leaving or entries), None)
    chosen = next((entry for entry in entries if entry.key == asked), first)
    context: dict[str, Any] = {
        "home": home,
        "leaving": leaving,
        "staying": [entry for entry in entries if not entry.series.leaves],
        "series_count": len(entries),
        "chosen": chosen,
        "consent": consent_present(home),
        "waiting": readings_waiting(home),
        "total": readings_total(home),
        "schedule": schedule_of(home),
    }
    if chosen is not None and chosen.series.preview is not None:
        context |= _in_full(home, chosen.series)
    return show(request, "households/data.html", context, part="body")


def _entry(series: SeriesPreview) -> Entry:
    return Entry(
        series=series,
        key=f"{series.device.pk}.{series.quantity}",
        title=words.quantity_title(series.quantity),
        why_not=words.reason_text(series.why_not),
        level=LEVEL_TEXTS[Level(series.level)],
    )


def _in_full(home: Household, series: SeriesPreview) -> dict[str, Any]:
    """Before and after of one series: the first rows in a table, all that the preview has in a chart."""
    assert series.preview is not None
    rule = privacy_rule(terms_of(home)[series.device.device_class], series.quantity, (0, 0))
    unit, bucket_ms = rule.measured.unit, rule.bucket_s * 1000
    rows = [(int(row[0]), row[1]) for row in series.preview.rows]
    raw: Window = []
    if rows:
        until_ms = rows[-1][0] + bucket_ms
        raw = raw_window(device=series.device, quantity=series.quantity, from_ms=rows[0][0], until_ms=until_ms)
    return {
        "pairs": [
            _pair(start, value, raw, bucket_ms, unit, rule.measured.decimals) for start, value in rows[:ROWS_SHOWN]
        ],
        "unit": words.unit_text(unit),
        "chart": _chart(raw, rows, bucket_ms),
        "drawn": len(rows),
        "risk": series.preview.risk,
        "risk_tone": {"low": "ok", "medium": "warn", "high": "bad"}[series.preview.risk.band],
        "bucket": words.span_text(rule.bucket_s),
    }


def _pair(start_ms: int, value: str, raw: Window, bucket_ms: int, unit: str, decimals: int) -> Pair:
    inside = [(t, v) for t, v in raw if start_ms <= t < start_ms + bucket_ms]
    shown = tuple(
        (f"{from_ms(t):%H:%M:%S}", words.value_text(f"{v:.{decimals}f}", unit)) for t, v in inside[:READINGS_SHOWN]
    )
    after_time = bucket_text(start_ms, bucket_ms // 1000)
    return Pair(shown, len(inside) - len(shown), after_time, words.value_text(value, unit))


def _chart(raw: Window, rows: Sequence[tuple[int, str]], bucket_ms: int) -> dict[str, Any]:
    """Two lines: readings as measured, and rows as steps over the time that each stands for."""
    steps: list[list[float]] = []
    for start_ms, value in rows:
        steps += [[start_ms, float(value)], [start_ms + bucket_ms - 1, float(value)]]
    return {
        "series": [
            {"name": "Leaves", "points": steps},
            {"name": "As measured", "points": [[t, v] for t, v in raw]},
        ]
    }
