"""Comfort: whether the next hour indoors stays comfortable.

Comfortable is 20 to 26 C and 25 to 60 % relative humidity, the limits of category II of EN 16798-1 for homes (winter's
lower and summer's upper temperature).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from fedlearn.learners.grid import grid_over, harmonics, lagged, local_ms, means
from fedlearn.learners.table import DAY_MS, HOUR_MS, Feature, Floats, Need, RawSeries, Readings, Table, Template
from fedlearn.learners.templates.columns import clock_features, table_of, week_features

TEMPERATURE: Final = Need((("climate", "temperature"), ("multi", "temperature"), ("air", "temperature")))
HUMIDITY: Final = Need((("climate", "humidity"), ("multi", "humidity"), ("air", "humidity")))
OUTDOOR: Final = Need((("weather", "outdoor_temperature"),), optional=True)
LOW_C, HIGH_C = 20.0, 26.0
LOW_PERCENT, HIGH_PERCENT = 25.0, 60.0

FEATURES: Final = (
    Feature("temperature_1h", "C", 22.0, 2.0),
    Feature("temperature_2h", "C", 22.0, 2.0, optional=True),
    Feature("temperature_24h", "C", 22.0, 2.0, optional=True),
    Feature("too_warm_1h", "C", 0.0, 1.0),
    Feature("too_cold_1h", "C", 0.0, 1.0),
    Feature("humidity_1h", "%", 42.0, 10.0),
    Feature("humidity_2h", "%", 42.0, 10.0, optional=True),
    Feature("humidity_24h", "%", 42.0, 10.0, optional=True),
    Feature("too_humid_1h", "%", 0.0, 5.0),
    Feature("too_dry_1h", "%", 0.0, 5.0),
    Feature("outdoor_temperature_1h", "C", 15.0, 10.0, optional=True),
    *clock_features(2),
    *week_features(1),
)


def _make(readings: Readings, utc_offset_min: int) -> Table:
    inside_series, humid_series = readings.of(TEMPERATURE), readings.of(HUMIDITY)
    grid = grid_over([*inside_series, *humid_series], HOUR_MS)
    warm, humid = means(grid, inside_series), means(grid, humid_series)
    before, damp = lagged(warm, 1), lagged(humid, 1)
    local = local_ms(grid.times_ms, utc_offset_min)
    columns = [
        before,
        lagged(warm, 2),
        lagged(warm, 24),
        np.maximum(before - HIGH_C, 0.0),
        np.maximum(LOW_C - before, 0.0),
        damp,
        lagged(humid, 2),
        lagged(humid, 24),
        np.maximum(damp - HIGH_PERCENT, 0.0),
        np.maximum(LOW_PERCENT - damp, 0.0),
        lagged(means(grid, readings.of(OUTDOOR)), 1),
        *harmonics(local, DAY_MS, 2),
        *harmonics(local, 7 * DAY_MS, 1),
    ]
    return table_of(grid, FEATURES, columns, _comfortable(warm, humid), _comfortable(before, damp))


def _comfortable(warm: Floats, humid: Floats) -> Floats:
    """1 within all limits, 0 outside one of them, NaN where temperature or humidity is unknown."""
    with np.errstate(invalid="ignore"):
        inside = (warm >= LOW_C) & (warm <= HIGH_C) & (humid >= LOW_PERCENT) & (humid <= HIGH_PERCENT)
    return np.where(np.isnan(warm) | np.isnan(humid), np.nan, inside.astype(np.float64))


def _mock_series(rng: np.random.Generator) -> list[RawSeries]:
    """Ten made-up days around the lower limit of temperature."""
    hours = np.arange(240, dtype=np.int64)
    drift = np.cumsum(rng.normal(0, 0.2, len(hours)))
    warm = 20.6 + 1.5 * np.sin(2 * np.pi * (hours - 9) / 24) + drift - np.linspace(0, drift[-1], len(hours))
    humid = 45.0 - 2.0 * (warm - 20.6) + rng.normal(0, 1.0, len(hours))
    times = hours * HOUR_MS
    return [
        RawSeries("climate", "temperature", times, np.round(warm, 2).astype(np.float64)),
        RawSeries("climate", "humidity", times, np.round(np.clip(humid, 0, 100), 2).astype(np.float64)),
        RawSeries("weather", "outdoor_temperature", times, np.round(warm - 12, 2).astype(np.float64)),
    ]


COMFORT: Final = Template(
    name="comfort",
    title="Comfort in the next hour",
    needs=(TEMPERATURE, HUMIDITY, OUTDOOR),
    features=FEATURES,
    label="comfortable in the hour",
    unit="1",
    binary=True,
    step_ms=HOUR_MS,
    minimum_rows=48,
    make=_make,
    mock_series=_mock_series,
)
