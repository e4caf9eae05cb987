"""Next-hour load: how much energy the home draws in the hour that begins now, from what it drew before."""

from __future__ import annotations

from typing import Final

import numpy as np

from fedlearn.learners.grid import energy_kwh, grid_over, harmonics, lagged, local_ms, means
from fedlearn.learners.table import DAY_MS, HOUR_MS, Feature, Floats, Need, RawSeries, Readings, Table, Template
from fedlearn.learners.templates.columns import clock_features, table_of, week_features

LOAD: Final = Need((("mains", "energy"), ("mains", "energy_total"), ("mains", "power")))
OUTDOOR: Final = Need((("weather", "outdoor_temperature"),), optional=True)
LAGS_H: Final = (1, 2, 3, 24)
WEEK_H: Final = 168
_MEAN_KWH, _SPREAD_KWH = 1.0, 1.0
_MILD_C, _SPREAD_C = 15.0, 10.0

FEATURES: Final = (
    *(Feature(f"load_{lag}h", "kWh", _MEAN_KWH, _SPREAD_KWH) for lag in LAGS_H),
    Feature("load_168h", "kWh", _MEAN_KWH, _SPREAD_KWH, optional=True),
    Feature("load_day_mean", "kWh", _MEAN_KWH, _SPREAD_KWH),
    *clock_features(3),
    *week_features(1),
    Feature("outdoor_temperature_1h", "C", _MILD_C, _SPREAD_C, optional=True),
)


def _make(readings: Readings, utc_offset_min: int) -> Table:
    load_series, outdoor_series = readings.of(LOAD), readings.of(OUTDOOR)
    grid = grid_over(load_series, HOUR_MS)
    load = energy_kwh(grid, load_series)
    # Only what lies before the hour may be known in it, so outdoor temperature comes from the hour before too.
    outdoor = lagged(means(grid, outdoor_series), 1)
    local = local_ms(grid.times_ms, utc_offset_min)
    columns = [
        *(lagged(load, lag) for lag in LAGS_H),
        lagged(load, WEEK_H),
        _day_mean(load),
        *harmonics(local, DAY_MS, 3),
        *harmonics(local, 7 * DAY_MS, 1),
        outdoor,
    ]
    return table_of(grid, FEATURES, columns, load, lagged(load, 1))


def _day_mean(load: Floats) -> Floats:
    """The mean over the 24 hours before each hour, of those that are known; NaN if fewer than half are."""
    known = np.isfinite(load)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, load, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    hours = np.arange(len(load))
    start = np.maximum(hours - 24, 0)
    count = counts[hours] - counts[start]
    return np.where(count >= 12, (sums[hours] - sums[start]) / np.maximum(count, 1), np.nan)


def _mock_series(rng: np.random.Generator) -> list[RawSeries]:
    """Fourteen made-up days: a base load, an evening peak and chance."""
    hours = np.arange(14 * 24, dtype=np.int64)
    evening = np.exp(-((hours % 24 - 19) ** 2) / 8.0)
    load = 0.4 + 1.2 * evening + rng.gamma(2.0, 0.15, len(hours))
    outdoor = 12.0 + 6.0 * np.sin(2 * np.pi * (hours - 9) / 24) + rng.normal(0, 0.5, len(hours))
    times = hours * HOUR_MS
    return [
        RawSeries("mains", "energy", times, np.round(load, 3)),
        RawSeries("weather", "outdoor_temperature", times, np.round(outdoor, 2)),
    ]


NEXT_HOUR_LOAD: Final = Template(
    name="next_hour_load",
    title="Next hour's load",
    needs=(LOAD, OUTDOOR),
    features=FEATURES,
    label="energy drawn in the hour",
    unit="kWh",
    binary=False,
    step_ms=HOUR_MS,
    minimum_rows=48,
    make=_make,
    mock_series=_mock_series,
)
