"""Occupancy: whether somebody is in the room, told by air, light and time, where a motion sensor gives the truth."""

from __future__ import annotations

from typing import Final

import numpy as np

from fedlearn.learners.grid import Grid, grid_over, harmonics, highest, lagged, local_ms, means, weekday
from fedlearn.learners.table import DAY_MS, MINUTE_MS, Feature, Floats, Need, RawSeries, Readings, Table, Template
from fedlearn.learners.templates.columns import clock_features, table_of

STEP_MS: Final = 5 * MINUTE_MS
MOTION: Final = Need((("motion", "motion"),))
CO2: Final = Need((("air", "co2"),))
TEMPERATURE: Final = Need((("climate", "temperature"), ("air", "temperature"), ("multi", "temperature")), optional=True)
HUMIDITY: Final = Need((("climate", "humidity"), ("air", "humidity"), ("multi", "humidity")), optional=True)
LIGHT: Final = Need((("light", "illuminance"), ("multi", "illuminance")), optional=True)
_TREND_STEPS = 3

FEATURES: Final = (
    Feature("co2", "ppm", 600.0, 300.0),
    Feature("co2_rise_15min", "ppm", 0.0, 50.0, optional=True),
    Feature("temperature", "C", 21.0, 1.5, optional=True),
    Feature("temperature_rise_15min", "C", 0.0, 0.3, optional=True),
    Feature("humidity", "%", 40.0, 10.0, optional=True),
    Feature("light_log", "ln lx", 3.0, 2.5, optional=True),
    *clock_features(2),
    Feature("weekend", "1"),
)


def _make(readings: Readings, utc_offset_min: int) -> Table:
    motion_series = readings.of(MOTION)
    grid = grid_over(motion_series, STEP_MS)
    co2 = means(grid, readings.of(CO2))
    temperature = means(grid, readings.of(TEMPERATURE))
    local = local_ms(grid.times_ms, utc_offset_min)
    columns = [
        co2,
        co2 - lagged(co2, _TREND_STEPS),
        temperature,
        temperature - lagged(temperature, _TREND_STEPS),
        means(grid, readings.of(HUMIDITY)),
        np.log1p(means(grid, readings.of(LIGHT))),
        *harmonics(local, DAY_MS, 2),
        (weekday(local) >= 5).astype(np.float64),
    ]
    occupied = _occupied(grid, motion_series)
    # Without learning, one would say that it stays as it was; the first bucket has no other and says "empty".
    before = np.nan_to_num(lagged(occupied, 1), nan=0.0)
    return table_of(grid, FEATURES, columns, occupied, before)


def _occupied(grid: Grid, motion: list[RawSeries]) -> Floats:
    """1 where any sensor saw motion in the bucket, 0 where none did, NaN where none reported."""
    seen = highest(grid, motion)
    return np.where(np.isnan(seen), np.nan, (seen > 0).astype(np.float64))


def _mock_series(rng: np.random.Generator) -> list[RawSeries]:
    """Two made-up days: somebody is in from 8 to 17 with breaks, CO2 follows slowly."""
    steps = np.arange(2 * 288, dtype=np.int64)
    hour = (steps % 288) / 12.0
    inside = ((hour >= 8) & (hour < 17) & (rng.random(len(steps)) < 0.85)).astype(np.float64)
    co2 = np.empty(len(steps))
    level = 450.0
    for step, somebody in enumerate(inside):
        level += 0.15 * (450.0 + 500.0 * somebody - level)
        co2[step] = level
    times = steps * STEP_MS
    return [
        RawSeries("motion", "motion", times, inside),
        RawSeries("air", "co2", times, np.round(co2 + rng.normal(0, 10, len(steps)))),
        RawSeries("climate", "temperature", times, np.round(20 + inside + rng.normal(0, 0.1, len(steps)), 2)),
        RawSeries("climate", "humidity", times, np.round(35 + 3 * inside + rng.normal(0, 0.5, len(steps)), 2)),
        RawSeries("light", "illuminance", times, np.round(5 + 300 * inside)),
    ]


OCCUPANCY: Final = Template(
    name="occupancy",
    title="Occupancy of a room",
    needs=(MOTION, CO2, TEMPERATURE, HUMIDITY, LIGHT),
    features=FEATURES,
    label="motion in the five minutes",
    unit="1",
    binary=True,
    step_ms=STEP_MS,
    minimum_rows=48,
    make=_make,
    mock_series=_mock_series,
)
