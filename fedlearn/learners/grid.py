"""Readings on an even grid of UTC buckets, NaN where nothing, or not enough, was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fedlearn.learners.errors import SeriesInvalid
from fedlearn.learners.table import DAY_MS, HOUR_MS, MINUTE_MS, Floats, Ints, RawSeries

BUCKETS_MAX: Final = 2_000_000
W_PER_KW: Final = 1000.0
EPOCH_WEEKDAY: Final = 3
"""The first of January 1970 was a Thursday; Monday is 0."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Buckets ``start .. start + count - 1`` of ``step_ms`` since 1970 UTC."""

    start: int
    count: int
    step_ms: int

    @property
    def times_ms(self) -> Ints:
        """The starts of the buckets (count,)."""
        return (self.start + np.arange(self.count, dtype=np.int64)) * self.step_ms

    def index(self, series: RawSeries) -> Ints:
        """The bucket of each reading, relative to the start."""
        return series.times_ms // self.step_ms - self.start


def grid_over(series: Sequence[RawSeries], step_ms: int) -> Grid:
    """The grid that covers all readings. Raises ``SeriesInvalid`` for more than ``BUCKETS_MAX`` buckets or none."""
    held = [entry for entry in series if len(entry.values)]
    if not held:
        raise SeriesInvalid
    start = min(int(entry.times_ms[0]) for entry in held) // step_ms
    end = max(int(entry.times_ms[-1]) for entry in held) // step_ms
    if end - start >= BUCKETS_MAX:
        raise SeriesInvalid("The readings lie too far apart in time.")
    return Grid(start, end - start + 1, step_ms)


def means(grid: Grid, series: Sequence[RawSeries]) -> Floats:
    """The mean of all series' readings in each bucket (count,)."""
    totals, counts = np.zeros(grid.count), np.zeros(grid.count)
    for entry in series:
        index, values = _inside(grid, entry)
        totals += np.bincount(index, values, grid.count)
        counts += np.bincount(index, minlength=grid.count)
    return _where_any(counts, totals)


def highest(grid: Grid, series: Sequence[RawSeries]) -> Floats:
    """The highest reading of all series in each bucket (count,)."""
    found = np.full(grid.count, -np.inf)
    for entry in series:
        np.maximum.at(found, *_inside(grid, entry))
    return np.where(np.isfinite(found), found, np.nan)


def energy_kwh(grid: Grid, series: Sequence[RawSeries]) -> Floats:
    """The energy in kWh of each bucket (count,), summed over meters; NaN unless every meter covers the bucket.

    ``series`` are of one quantity: ``energy`` (kWh used since the reading before), ``energy_total`` (a counter, whose
    reset makes a gap) or ``power`` (W, by the mean).
    """
    parts = [_METERS[entry.quantity](grid, entry) for entry in series]
    total: Floats = np.sum(parts, axis=0)
    return total


def _amount(grid: Grid, series: RawSeries) -> Floats:
    """Sums; a bucket with fewer readings than usual would be too low and counts as a gap."""
    index, values = _inside(grid, series)
    counts = np.bincount(index, minlength=grid.count)
    totals = np.bincount(index, values, grid.count)
    return np.where(counts >= _usual(counts), totals, np.nan)


def _power(grid: Grid, series: RawSeries) -> Floats:
    """Mean power over the bucket; half of the usual readings are enough."""
    index, values = _inside(grid, series)
    counts = np.bincount(index, minlength=grid.count)
    totals: Floats = np.bincount(index, values, grid.count).astype(np.float64)
    kwh = _where_any(counts, totals) / W_PER_KW * (grid.step_ms / HOUR_MS)
    return np.where(2 * counts >= _usual(counts), kwh, np.nan)


def _counter(grid: Grid, series: RawSeries) -> Floats:
    """What the counter rose from the last reading of the bucket before to the last of this one."""
    index, values = _inside(grid, series)
    last = np.full(grid.count, np.nan)
    last[index] = values
    rise = np.diff(last, prepend=np.nan)
    with np.errstate(invalid="ignore"):
        return np.where(rise >= 0, rise, np.nan)


_METERS = {"energy": _amount, "energy_total": _counter, "power": _power}


def _usual(counts: Ints) -> float:
    """The median number of readings in the buckets that have any."""
    return float(np.median(counts[counts > 0])) if (counts > 0).any() else 1.0


def _inside(grid: Grid, series: RawSeries) -> tuple[Ints, Floats]:
    index = grid.index(series)
    inside = (index >= 0) & (index < grid.count)
    return index[inside], series.values[inside]


def _where_any(counts: NDArray[Any], totals: Floats) -> Floats:
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def lagged(values: Floats, steps: int) -> Floats:
    """The values ``steps`` buckets earlier (count,); NaN before the start."""
    moved = np.full(len(values), np.nan)
    if steps < len(values):
        moved[steps:] = values[: len(values) - steps]
    return moved


def local_ms(times_ms: Ints, utc_offset_min: int) -> Ints:
    """Times on the home's clock, as if that were UTC."""
    return times_ms + utc_offset_min * MINUTE_MS


def hour_of_day(local: Ints) -> Floats:
    """The hour 0..24 with its fraction."""
    return (local % DAY_MS) / HOUR_MS


def weekday(local: Ints) -> Ints:
    """Monday 0 .. Sunday 6."""
    return (local // DAY_MS + EPOCH_WEEKDAY) % 7


def harmonics(local: Ints, period_ms: int, orders: int) -> list[Floats]:
    """Sine and cosine of the place in the period, for the orders 1..n: sin 1, cos 1, sin 2, ..."""
    angle = 2.0 * math.pi * (local % period_ms) / period_ms
    return [wave(order * angle) for order in range(1, orders + 1) for wave in (np.sin, np.cos)]
