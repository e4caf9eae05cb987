"""What a model predicts for a home, as whole numbers by the hour: what offers are scored by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fedlearn.learners.errors import ForecastInvalid
from fedlearn.learners.grid import local_ms, weekday
from fedlearn.learners.recommend.offers import COMFORT, SETBACK, TARIFF
from fedlearn.learners.table import DAY_MS, HOUR_MS, Floats, Ints

YEAR_HOURS: Final = 8760
OFFSET_MAX_MIN: Final = 14 * 60
WH_MAX: Final = 1_000_000
_KIND_OF_TASK: Final = {"next_hour_load": TARIFF, "occupancy": SETBACK, "comfort": COMFORT}


@dataclass(frozen=True, slots=True)
class Forecast:
    """Predictions for whole hours.

    ``kind`` is the kind of offer that it can score, ``times_ms`` (hours,) the starts of the hours in UTC, rising and
    each once, ``values`` (hours,) the energy in Wh, or the chance of "occupied" or "comfortable" per mille.
    """

    kind: str
    times_ms: Ints
    values: Ints
    utc_offset_min: int

    @property
    def hours(self) -> int:
        """How many hours are covered."""
        return len(self.times_ms)

    @property
    def local(self) -> Ints:
        """The starts of the hours on the home's clock (hours,)."""
        return local_ms(self.times_ms, self.utc_offset_min)

    @property
    def hour(self) -> Ints:
        """The hour of the home's day, 0 .. 23 (hours,)."""
        return self.local % DAY_MS // HOUR_MS

    @property
    def week_hour(self) -> Ints:
        """The hour of the home's week, 0 (Monday 0 h) .. 167 (hours,)."""
        return weekday(self.local) * 24 + self.hour

    @property
    def months(self) -> list[tuple[str, slice]]:
        """The home's calendar months, as ``2022-08``, with the rows of each."""
        month = self.local.astype("datetime64[ms]").astype("datetime64[M]")
        names, starts = np.unique(month, return_index=True)
        ends = [*starts[1:].tolist(), self.hours]
        return [(str(name), slice(a, b)) for name, a, b in zip(names, starts.tolist(), ends, strict=True)]


def forecast_of(task: str, times_ms: Ints, predicted: Floats, utc_offset_min: int) -> Forecast:
    """The forecast that a template's predictions (rows,) at these times (rows,) make.

    Loads below 0 count as 0; rows of the same hour (occupancy has twelve) become their mean. Homes whose clock does not
    differ from UTC by whole hours have their hours cut at UTC's. Raises ``ForecastInvalid``.
    """
    kind = _KIND_OF_TASK.get(task)
    if kind is None or times_ms.ndim != 1 or times_ms.shape != predicted.shape or not len(times_ms):
        raise ForecastInvalid
    if not np.isfinite(predicted).all() or abs(utc_offset_min) > OFFSET_MAX_MIN:
        raise ForecastInvalid
    if kind == TARIFF and ((times_ms % HOUR_MS).any() or len(np.unique(times_ms)) != len(times_ms)):
        raise ForecastInvalid
    hours, index = np.unique(times_ms // HOUR_MS, return_inverse=True)
    means = np.bincount(index, predicted) / np.bincount(index)
    top = WH_MAX if kind == TARIFF else 1000
    values = np.rint(np.clip(means * 1000.0, 0, top)).astype(np.int64)
    return Forecast(kind, hours * HOUR_MS, values, utc_offset_min)


def runs_below(forecast: Forecast, level: int, at_least: int) -> Ints:
    """The rows of hours with a value below ``level`` of which ``at_least`` so many follow each other without a gap."""
    rows = np.flatnonzero(forecast.values < level)
    if not len(rows):
        return rows.astype(np.int64)
    breaks = np.flatnonzero(np.diff(forecast.times_ms[rows]) != HOUR_MS) + 1
    kept = [run for run in np.split(rows, breaks) if len(run) >= at_least]
    return np.concatenate(kept).astype(np.int64) if kept else np.zeros(0, dtype=np.int64)


def rounded(numerator: int, denominator: int) -> int:
    """The nearest whole number of a quotient, half away from zero."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def year_of(amount: int, hours: int) -> int:
    """What an amount over so many hours comes to in a year of 8,760."""
    return rounded(amount * YEAR_HOURS, hours)
