"""Templates: what they ask of a home, what they make of gaps, and that no row knows its own future."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedlearn.learners.errors import SeriesInvalid, TemplateUnknown
from fedlearn.learners.grid import BUCKETS_MAX, energy_kwh, grid_over
from fedlearn.learners.table import (
    FEATURE_LIMIT,
    HOUR_MS,
    LACKS_DEVICES,
    LACKS_ROWS,
    MINUTE_MS,
    NotSuited,
    RawSeries,
    Table,
)
from fedlearn.learners.templates import TEMPLATES, template
from fedlearn.learners.templates.comfort import LOW_C
from households.privacy.classes import quantity_of

START_MS = 1_660_000_000_000 // HOUR_MS * HOUR_MS


def hourly(device_class: str, quantity: str, values: np.ndarray, start_ms: int = START_MS) -> RawSeries:
    times = start_ms + np.arange(len(values), dtype=np.int64) * HOUR_MS
    return RawSeries(device_class, quantity, times, values.astype(np.float64))


def without(series: RawSeries, rows: list[int]) -> RawSeries:
    return RawSeries(
        series.device_class, series.quantity, np.delete(series.times_ms, rows), np.delete(series.values, rows)
    )


def built(name: str, series: list[RawSeries], offset_min: int = 0) -> Table:
    table = template(name).build(series, offset_min)
    assert isinstance(table, Table)
    return table


def column(table: Table, name: str) -> np.ndarray:
    feature = next(entry for entry in all_features() if entry.name == name and entry.name in table.names)
    return table.x[:, table.names.index(name)] * feature.scale + feature.offset


def all_features() -> list:
    return [feature for entry in TEMPLATES.values() for feature in entry.features]


def load_of(hours: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, 0.5, hours)


# What they ask for.


@pytest.mark.parametrize("task", TEMPLATES.values(), ids=lambda entry: entry.name)
def test_every_source_is_a_quantity_that_the_class_measures(task):
    for need in task.needs:
        for device_class, quantity in need.sources:
            assert quantity_of(device_class, quantity)


@pytest.mark.parametrize("task", TEMPLATES.values(), ids=lambda entry: entry.name)
def test_a_home_without_the_devices_is_not_suited_and_told_what_it_lacks(task):
    found = task.build([], 0)
    assert isinstance(found, NotSuited)
    assert found.code == LACKS_DEVICES
    assert found.missing == tuple(need.text for need in task.needs if not need.optional)


def test_a_home_with_too_few_hours_is_not_suited():
    assert template("next_hour_load").build([hourly("mains", "energy", load_of(60))], 0) == NotSuited(LACKS_ROWS)


def test_an_unknown_template_is_refused():
    with pytest.raises(TemplateUnknown):
        template("weather")


@pytest.mark.parametrize("task", TEMPLATES.values(), ids=lambda entry: entry.name)
def test_the_mock_has_the_template_s_columns_and_is_the_same_for_a_seed(task):
    first, second = (task.mock(np.random.default_rng(5)) for _ in range(2))
    assert first.names == task.names
    assert first.x.shape == (len(first), len(task.features))
    assert (first.x == second.x).all()
    assert np.isfinite(first.x).all()
    assert len(set(first.y)) > 1


# Next-hour load.


def test_lags_are_the_loads_of_those_hours_before():
    load = load_of(400)
    table = built("next_hour_load", [hourly("mains", "energy", load)])
    rows = (table.times_ms - START_MS) // HOUR_MS
    assert (table.y == load[rows]).all()
    assert (table.baseline == load[rows - 1]).all()
    for lag in (1, 2, 3, 24):
        assert column(table, f"load_{lag}h") == pytest.approx(load[rows - lag])
    day = np.array([load[max(0, row - 24) : row].mean() for row in rows])
    assert column(table, "load_day_mean") == pytest.approx(day)
    late = rows >= 168
    assert column(table, "load_168h")[late] == pytest.approx(load[rows[late] - 168])
    assert (table.x[~late, table.names.index("load_168h")] == 0.0).all()


@given(st.integers(200, 399), st.floats(0.0, 20.0))
@settings(max_examples=20)
def test_no_row_knows_its_own_hour_or_a_later_one(hour, other):
    load, warmth = load_of(400), np.linspace(10, 20, 400)
    before = built(
        "next_hour_load", [hourly("mains", "energy", load), hourly("weather", "outdoor_temperature", warmth)]
    )
    load[hour:], warmth[hour:] = other, -other
    after = built("next_hour_load", [hourly("mains", "energy", load), hourly("weather", "outdoor_temperature", warmth)])
    known = before.times_ms <= START_MS + hour * HOUR_MS
    assert (before.x[known] == after.x[known]).all()


def test_a_missing_hour_takes_the_rows_that_need_it_and_no_others():
    load = hourly("mains", "energy", load_of(400))
    whole, gap = built("next_hour_load", [load]), built("next_hour_load", [without(load, [300])])
    lost = set(whole.times_ms.tolist()) - set(gap.times_ms.tolist())
    assert lost == {START_MS + (300 + lag) * HOUR_MS for lag in (0, 1, 2, 3, 24)}
    assert gap.skipped == whole.skipped + 4


def test_the_home_s_clock_moves_the_hours_and_nothing_else():
    load = [hourly("mains", "energy", load_of(400))]
    here, east = built("next_hour_load", load), built("next_hour_load", load, 6 * 60)
    sine, cosine = (here.names.index(f"hour_{wave}1") for wave in ("sin", "cos"))
    # A quarter of a day later the sine is what the cosine was.
    assert east.x[:, sine] == pytest.approx(here.x[:, cosine], abs=1e-12)
    assert east.x[:, cosine] == pytest.approx(-here.x[:, sine], abs=1e-12)
    others = [place for place, name in enumerate(here.names) if not name.startswith(("hour", "week"))]
    assert (east.x[:, others] == here.x[:, others]).all()


def test_energy_counter_and_power_tell_the_same_load():
    load = np.round(load_of(300), 3)
    energy = built("next_hour_load", [hourly("mains", "energy", load)])
    counter = built("next_hour_load", [hourly("mains", "energy_total", 100 + np.cumsum(load))])
    minutes = START_MS + np.arange(300 * 60, dtype=np.int64) * MINUTE_MS
    power = built("next_hour_load", [RawSeries("mains", "power", minutes, np.repeat(load * 1000.0, 60))])
    assert power.y == pytest.approx(energy.y)
    shared = np.isin(energy.times_ms, counter.times_ms)
    assert counter.y == pytest.approx(energy.y[shared])
    assert shared.sum() >= len(energy) - 1


def test_a_counter_that_was_reset_makes_a_gap_and_no_negative_load():
    total = np.cumsum(load_of(300))
    total[150:] -= total[150]
    table = built("next_hour_load", [hourly("mains", "energy_total", total)])
    assert (table.y >= 0).all()
    assert START_MS + 150 * HOUR_MS not in table.times_ms


def test_an_hour_of_which_a_part_is_missing_is_no_low_hour():
    quarters = START_MS + np.arange(40, dtype=np.int64) * 15 * MINUTE_MS
    series = without(RawSeries("mains", "energy", quarters, np.full(40, 0.25)), [9])
    kwh = energy_kwh(grid_over([series], HOUR_MS), [series])
    assert np.isnan(kwh[2])
    assert np.delete(kwh, 2) == pytest.approx(1.0)


def test_the_phases_of_a_home_add_up():
    load = load_of(300)
    one = built("next_hour_load", [hourly("mains", "energy", load)])
    three = built("next_hour_load", [hourly("mains", "energy", load / 3) for _ in range(3)])
    assert three.y == pytest.approx(one.y)


def test_features_are_cut_off_at_the_limit():
    load = load_of(300)
    load[100] = 1e9
    table = built("next_hour_load", [hourly("mains", "energy", load)])
    assert np.abs(table.x).max() == FEATURE_LIMIT


# Occupancy and comfort.


def test_a_bucket_is_occupied_if_any_sensor_saw_motion_in_it():
    steps = START_MS + np.arange(120, dtype=np.int64) * 5 * MINUTE_MS
    still = RawSeries("motion", "motion", steps, np.zeros(120))
    blips = np.sort(np.concatenate([steps, steps[50:60] + MINUTE_MS]))
    seen = RawSeries("motion", "motion", blips, np.isin(blips, steps[50:60] + MINUTE_MS).astype(float))
    co2 = RawSeries("air", "co2", steps, np.full(120, 600.0))
    table = built("occupancy", [still, seen, co2])
    assert np.flatnonzero(table.y).tolist() == list(range(50, 60))
    assert table.baseline.tolist() == [0.0, *table.y[:-1].tolist()]


def test_what_is_not_measured_is_zero_where_it_is_optional():
    steps = START_MS + np.arange(120, dtype=np.int64) * 5 * MINUTE_MS
    series = [RawSeries("motion", "motion", steps, np.zeros(120)), RawSeries("air", "co2", steps, np.full(120, 900.0))]
    table = built("occupancy", series)
    assert (table.x[:, table.names.index("co2")] == 1.0).all()
    for name in ("temperature", "humidity", "light_log"):
        assert (table.x[:, table.names.index(name)] == 0.0).all()


def test_comfort_ends_where_a_limit_is_passed():
    warm = np.where(np.arange(100) < 60, LOW_C + 1, LOW_C - 1)
    table = built(
        "comfort", [hourly("climate", "temperature", warm), hourly("climate", "humidity", np.full(100, 40.0))]
    )
    hour = (table.times_ms - START_MS) // HOUR_MS
    assert (table.y == (hour < 60)).all()
    assert (table.baseline == (hour < 61)).all()
    damp = built(
        "comfort",
        [hourly("climate", "temperature", np.full(100, 22.0)), hourly("climate", "humidity", np.full(100, 61.0))],
    )
    assert not damp.y.any()


# Series.


@pytest.mark.parametrize(
    ("times", "values"),
    [([1, 1], [0.0, 0.0]), ([2, 1], [0.0, 0.0]), ([1], [0.0, 1.0]), ([1, 2], [0.0, np.nan])],
)
def test_series_that_are_no_readings_are_refused(times, values):
    with pytest.raises(SeriesInvalid):
        RawSeries("mains", "energy", np.array(times, dtype=np.int64), np.array(values))


def test_readings_centuries_apart_do_not_fill_the_memory():
    series = RawSeries("mains", "energy", np.array([0, (BUCKETS_MAX + 1) * HOUR_MS], dtype=np.int64), np.zeros(2))
    with pytest.raises(SeriesInvalid):
        template("next_hour_load").build([series], 0)
