"""Rows as charts: points for the page's chart component and for the small line on a card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from chain.exchange.rows import ChunkBody, Column
from enterprises.checkout.preview import CheckedPreview
from enterprises.views import words
from marketplace.common.types import to_ms

POINTS_MAX = 600
SPARK_POINTS = 48
Point = list[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """What the chart component takes, and the titles of a table of the same rows."""

    data: dict[str, Any]
    unit: str
    titles: tuple[str, ...]
    shown: int


def preview_chart(preview: CheckedPreview, resolution_s: int) -> Chart:
    """The opened rows; parts of the lot that were not opened are gaps in the line."""
    times = [to_ms(datetime.fromisoformat(row[0])) for row in preview.rows]
    columns = [[float(row[at]) for row in preview.rows] for at in range(1, len(preview.columns))]
    return _chart(preview.columns, times, columns, gap_ms=3_000 * max(resolution_s, 1))


def bought_chart(columns: Sequence[Column], bodies: Iterable[ChunkBody], row_count: int, resolution_s: int) -> Chart:
    """Bought rows; of very many every k-th is drawn, so that the page stays light."""
    step = max(1, -(-row_count // POINTS_MAX))
    rows = list(islice((row for body in bodies for row in body.rows), 0, None, step))
    values = [[row[at] / 10 ** columns[at].decimals for row in rows] for at in range(1, len(columns))]
    gap_ms = 3_000 * max(resolution_s, 1) * step
    return _chart(columns, [row[0] for row in rows], values, gap_ms=gap_ms)


def table_rows(rows: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Rows as texts with their ISO times as people write them, in UTC, with seconds only where there are any."""
    return [(_time_text(datetime.fromisoformat(row[0])), *row[1:]) for row in rows]


def spark(preview: CheckedPreview) -> list[float]:
    """The first column of a preview, thinned for a small line."""
    values = [float(row[1]) for row in preview.rows]
    return values[:: max(1, -(-len(values) // SPARK_POINTS))]


def _chart(columns: Sequence[Column], times: list[int], values: list[list[float]], *, gap_ms: int) -> Chart:
    units = {words.unit_text(column.unit) for column in columns[1:]}
    series = [
        {"name": words.quantity_title(column.name), "points": _with_gaps(times, of_column, gap_ms)}
        for column, of_column in zip(columns[1:], values, strict=True)
    ]
    unit = units.pop() if len(units) == 1 else ""
    return Chart({"series": series}, unit, _titles(columns), len(times))


def _time_text(at: datetime) -> str:
    return f"{at:%-d %b %Y, %H:%M:%S}" if at.second else f"{at:%-d %b %Y, %H:%M}"


def _titles(columns: Sequence[Column]) -> tuple[str, ...]:
    named = []
    for column in columns[1:]:
        unit = words.unit_text(column.unit)
        named.append(words.quantity_title(column.name) + (f", {unit}" if unit else ""))
    return ("Time (UTC)", *named)


def _with_gaps(times: list[int], values: list[float], gap_ms: int) -> list[Point]:
    points: list[Point] = []
    for at, (time_ms, value) in enumerate(zip(times, values, strict=True)):
        if at and time_ms - times[at - 1] > gap_ms:
            points.append([times[at - 1] + 1, None])
        points.append([time_ms, value])
    return points
