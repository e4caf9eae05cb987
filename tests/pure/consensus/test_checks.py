"""Each check of one series, of a group, and between quantities, at its limit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from households.consensus.checks import check_alone, check_meter
from households.consensus.config import DEFAULT_CONFIG, CheckConfig
from households.consensus.copies import check_copied
from households.consensus.corroborate import group_findings
from households.consensus.meters import check_energy, check_plugs
from households.consensus.score import Score, score_mean, score_update, should_quarantine
from households.consensus.series import Series
from households.privacy.classes import ENERGY_TOTAL, HUMIDITY, POWER, TEMPERATURE, Quantity

CONFIG = DEFAULT_CONFIG
NO_RANGE = (0, 0)
MINUTE = 60_000


def made(quantity: Quantity, values: list[int], step_ms: int = MINUTE, name: bytes = b"a", start_ms: int = 0) -> Series:
    times = start_ms + np.arange(len(values), dtype=np.int64) * step_ms
    return Series(name, name, quantity, times, np.array(values, dtype=np.int64))


@pytest.mark.parametrize(
    ("quantity", "values", "reason"),
    [
        (TEMPERATURE, [-20_00, -19_00], None),
        (TEMPERATURE, [-20_01, -19_00], "out_of_range"),
        (TEMPERATURE, [59_00, 60_01], "out_of_range"),
        (TEMPERATURE, [20_00, 25_00], None),
        (TEMPERATURE, [20_00, 25_01], "rate_too_high"),
        (HUMIDITY, [40_00, 60_00], None),
        (HUMIDITY, [40_00, 60_01], "rate_too_high"),
        (HUMIDITY, [100_01, 100_01], "out_of_range"),
        (POWER, [25_000_0, 0], None),
        (POWER, [25_000_1, 0], "out_of_range"),
        (POWER, [-1, 0], "out_of_range"),
        (ENERGY_TOTAL, [1000, 1000, 1001], None),
        (ENERGY_TOTAL, [1000, 999], "meter_fell"),
        (ENERGY_TOTAL, [1000, 900], "meter_fell"),
        (ENERGY_TOTAL, [1000, 899, 900], None),
        (ENERGY_TOTAL, [-1, 5], "meter_negative"),
    ],
)
def test_range_rate_and_meter_hold_up_to_their_limits(
    quantity: Quantity, values: list[int], reason: str | None
) -> None:
    assert check_alone(made(quantity, values), NO_RANGE, None, CONFIG) == reason


def test_a_meter_is_held_against_the_batch_before() -> None:
    assert check_meter(made(ENERGY_TOTAL, [950, 960]), 1000) == "meter_fell"
    assert check_meter(made(ENERGY_TOTAL, [10, 20]), 1000) is None


def test_an_announced_range_narrows_and_never_widens() -> None:
    assert check_alone(made(TEMPERATURE, [45_00, 45_00]), (0, 40_00), None, CONFIG) == "out_of_range"
    assert check_alone(made(TEMPERATURE, [61_00, 61_00]), (0, 90_00), None, CONFIG) == "out_of_range"


def test_two_values_of_one_moment_are_refused() -> None:
    twice = Series(b"a", b"a", TEMPERATURE, np.array([1000, 1000]), np.array([2000, 2000]))
    assert check_alone(twice, NO_RANGE, None, CONFIG) == "time_not_rising"


def group(offsets: list[int], count: int = 120) -> list[Series]:
    chance = np.random.default_rng(3)
    shared = 2100 + np.cumsum(chance.normal(0, 2, count))
    return [
        made(TEMPERATURE, np.round(shared + offset + chance.normal(0, 2, count)).astype(int).tolist(), name=bytes([i]))
        for i, offset in enumerate(offsets)
    ]


def findings(series: list[Series]) -> list[str | None]:
    limit = CONFIG.cross_limit("temperature")
    assert limit is not None
    found = group_findings(series, None, {}, limit, CONFIG)
    return [found.get(entry.series_id) for entry in series]


def test_of_three_the_one_that_is_off_by_more_than_three_degrees_is_named() -> None:
    assert findings(group([0, 10, 400])) == [None, None, "off_the_median"]
    assert findings(group([0, 10, 250])) == [None, None, None]


def test_of_two_nobody_can_say_who_is_wrong() -> None:
    assert findings(group([0, 400])) == ["pair_disagrees", "pair_disagrees"]
    assert findings(group([0, 250])) == [None, None]


def test_one_alone_is_compared_with_nothing() -> None:
    assert findings(group([0])) == [None]


@given(st.lists(st.integers(-280, 280), min_size=3, max_size=7))
def test_sensors_within_three_degrees_of_their_median_are_never_off_it(offsets: list[int]) -> None:
    centred = [offset // 2 for offset in offsets]
    assert "off_the_median" not in findings(group(centred))


def test_the_owner_can_tune_the_limit() -> None:
    tight = CheckConfig(cross=tuple(limit.__class__(limit.quantity, 500, 300, 2) for limit in CONFIG.cross))
    limit = tight.cross_limit("temperature")
    assert limit is not None
    found = group_findings(group([0, 10, 90]), None, {}, limit, tight)
    assert [reason is None for reason in found.values()] == [True, True, False]


def power(watts: list[float], name: bytes = b"p") -> Series:
    return made(POWER, [round(value * 10) for value in watts], name=name)


def test_energy_agrees_with_the_integral_of_power_within_a_tenth() -> None:
    drawn = power([1000.0] * 241)
    for factor, reason in ((1.0, None), (1.09, None), (0.91, None), (1.12, "energy_power_mismatch")):
        counted = made(ENERGY_TOTAL, [round(5000 + i * 250 * factor) for i in range(17)], step_ms=15 * MINUTE)
        assert check_energy(drawn, counted, CONFIG) == reason


def test_power_with_gaps_says_nothing_about_energy() -> None:
    drawn = power([1000.0] * 241)
    keep = np.r_[0:60, 120:241]
    holey = Series(b"p", b"p", POWER, drawn.times_ms[keep], drawn.values[keep])
    counted = made(ENERGY_TOTAL, [5000 + 900 * i for i in range(17)], step_ms=15 * MINUTE)
    assert check_energy(holey, counted, CONFIG) is None


def test_the_plug_that_alone_explains_the_excess_over_the_mains_is_named() -> None:
    mains = power([300.0] * 120, b"m")
    plugs = [power([100.0] * 120, b"1"), power([90.0] * 120, b"2"), power([900.0] * 120, b"3")]
    assert check_plugs(mains, plugs, [], CONFIG) == {b"3": "plugs_over_mains"}
    assert check_plugs(mains, plugs, [power([800.0] * 120, b"s")], CONFIG) == {}
    assert check_plugs(mains, plugs[:2], [], CONFIG) == {}


def test_an_excess_that_two_plugs_explain_equally_blames_nobody() -> None:
    mains = power([300.0] * 120, b"m")
    plugs = [power([290.0] * 120, b"1"), power([290.0] * 120, b"2")]
    assert check_plugs(mains, plugs, [], CONFIG) == {}


def test_a_lamp_on_a_timer_is_no_copy() -> None:
    week = np.tile(np.repeat([0, 400], 30), 168)
    assert check_copied(week[:1440], week, CONFIG) is None


def test_noise_that_comes_again_is_a_copy_also_with_a_constant_added() -> None:
    past = np.random.default_rng(1).integers(2000, 2100, 2000)
    assert check_copied(past[500:900] + 37, past, CONFIG) == "copied_readings"
    assert check_copied(np.random.default_rng(2).integers(2000, 2100, 400), past, CONFIG) is None


@given(st.integers(0, 2**32 - 1))
def test_fresh_noise_is_never_taken_for_a_copy(seed: int) -> None:
    chance = np.random.default_rng(seed)
    walk = 2000 + np.cumsum(chance.integers(-1, 2, 3000) * 6 * (chance.random(3000) < 0.15))
    assert check_copied(walk[2000:], walk[:2000], CONFIG) is None


def test_a_device_rejected_again_and_again_is_quarantined_and_recovers() -> None:
    score = Score()
    for _ in range(10):
        score = score_update(score, approved=3, rejected=0)
    assert not should_quarantine(score)
    after: list[bool] = []
    for _ in range(4):
        score = score_update(score, approved=2, rejected=1)
        after.append(should_quarantine(score))
    assert after[0] is False and after[-1] is True
    for _ in range(4):
        score = score_update(score, approved=3, rejected=0)
    assert not should_quarantine(score) and score_mean(score) > 700_000


def test_one_bad_batch_quarantines_nobody() -> None:
    assert not should_quarantine(score_update(Score(), approved=0, rejected=1))
    assert score_update(Score(), approved=0, rejected=0) == Score()
