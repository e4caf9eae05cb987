"""Desensitising: the same at hub and voters, coarse as the level says, and nothing but time and value ever passes."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.crypto.hashing import sha256
from chain.exchange.rows import chunk_count_for, data_chunks, rows_text
from households.privacy.classes import DEVICE_CLASSES
from households.privacy.levels import Level, Rule, RuleInvalid, columns_of, rule_for
from households.privacy.noise import SeededBits, discrete_laplace
from households.privacy.risk import preview_of, risk_of
from households.privacy.transforms import ReadingInvalid, desensitise, divided, limits, readings_of

SEED, SERIES = sha256(b"batch seed"), sha256(b"series")
HOUR_MS = 3_600_000
T0 = 1_700_000_400_000 - 1_700_000_400_000 % HOUR_MS
SENTINELS = ("SENTINEL-NAME-anna", "SENTINEL-ROOM-nursery", "192.168.77.66", "aa:bb:cc:dd:ee:ff")
RULES = [
    rule_for(entry.name, quantity.name, level, noise_steps=noise)
    for entry in DEVICE_CLASSES.values()
    for quantity in entry.quantities
    for level in Level
    for noise in (0, 2)
]
PINNED = [4, -9, -14, -25, 7, 26, -5, 1, -7, -1, -2, -23]
READINGS = st.lists(st.tuples(st.integers(0, 2**43), st.integers(-(2**40), 2**40)), max_size=60)


def run(readings, rule: Rule, seed: bytes = SEED, series: bytes = SERIES):
    return desensitise(readings, rule, batch_seed=seed, series_id=series)


def rule(quantity: str = "temperature", level: str = "coarse", name: str = "climate", **more: int) -> Rule:
    return rule_for(name, quantity, level, **more)


@settings(max_examples=150, deadline=None)
@given(READINGS, st.sampled_from(RULES), st.randoms(use_true_random=False))
def test_the_order_of_readings_changes_nothing(readings, some_rule, chance):
    shuffled = list(readings)
    chance.shuffle(shuffled)
    assert run(readings, some_rule) == run(shuffled, some_rule)


@settings(max_examples=200, deadline=None)
@given(READINGS, st.sampled_from(RULES))
def test_rows_lie_on_the_grid_in_range_and_rise_in_time(readings, some_rule):
    rows = run(readings, some_rule)
    low, high = limits(some_rule)
    assert [t for t, _ in rows] == sorted({t for t, _ in rows})
    assert all(t % (some_rule.bucket_s * 1000) == 0 for t, _ in rows)
    assert all(low <= value <= high for _, value in rows)
    assert all(value % some_rule.step == 0 or value in (low, high) for _, value in rows)
    columns = columns_of(some_rule)
    data_chunks(rows, columns, chunk_count_for(rows, columns))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["name", "room", "ip", "mac", "entity_id", "unit"]), st.sampled_from(SENTINELS)
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(RULES),
)
def test_names_rooms_and_network_ids_never_pass_whatever_the_input(extras, some_rule):
    records = [extra | {"t_ms": T0 + i * 60_000, "value": 20 * i} for i, extra in enumerate(extras)]
    rows = run(readings_of(records), some_rule)
    columns = columns_of(some_rule)
    shown = json.dumps(
        [list(rows_text(columns, rows)), repr(columns), repr(preview_of(some_rule, rows, homes_in_cell=3))]
    )
    raw = b"".join(data_chunks(rows, columns, chunk_count_for(rows, columns)))
    assert not any(sentinel in shown or sentinel.encode() in raw for sentinel in SENTINELS)


@pytest.mark.parametrize("field", ["t_ms", "value"])
@pytest.mark.parametrize("word", [*SENTINELS, None, 1.5, True, 2**80])
def test_a_name_in_the_place_of_a_number_is_refused_and_not_repeated(field, word):
    with pytest.raises(ReadingInvalid) as refusal:
        readings_of([{"t_ms": 1, "value": 2} | {field: word}])
    assert str(word) not in str(refusal.value)


def test_levels_are_means_of_their_bucket_rounded_to_the_step():
    readings = [(T0, 2010), (T0 + 60_000, 2040), (T0 + HOUR_MS, 2175), (T0 + HOUR_MS + 1, 2176)]
    assert run(readings, rule()) == [(T0, 2050), (T0 + HOUR_MS, 2200)]
    assert run(readings[:1], rule(level="exact")) == [(T0, 2010)]


def test_values_are_clipped_before_they_are_averaged():
    assert run([(T0, 10**9), (T0 + 1, 2000)], rule()) == [(T0, 4000)]
    assert run([(T0, -(10**9))], rule()) == [(T0, -2000)]


def test_amounts_are_summed_over_the_bucket():
    readings = [(T0 + i * HOUR_MS, 800) for i in range(24)]
    daily = run(readings, rule("energy", "summary", "mains"))
    assert sum(value for _, value in daily) == pytest.approx(24 * 800, abs=1000)


def test_motion_is_seen_if_it_was_seen_at_all():
    readings = [(T0, 0), (T0 + 30_000, 1), (T0 + 60_000, 0), (T0 + HOUR_MS, 0)]
    assert run(readings, rule("motion", "coarse", "motion")) == [(T0, 1), (T0 + HOUR_MS, 0)]


def test_a_counter_leaves_as_what_it_rose_and_hides_its_total():
    readings = [(T0, 7_654_321), (T0 + HOUR_MS, 7_655_021), (T0 + 2 * HOUR_MS, 100), (T0 + 3 * HOUR_MS, 400)]
    rows = run(readings, rule("energy_total", "exact", "mains"))
    assert rows == [(T0, 0), (T0 + HOUR_MS, 700), (T0 + 2 * HOUR_MS, 700), (T0 + 3 * HOUR_MS, 1000)]
    moved = [(t, value + 1_000_000) for t, value in readings[:2]]
    assert run(moved, rule("energy_total", "exact", "mains")) == rows[:2]


def test_of_two_readings_with_one_time_the_lower_counts():
    assert run([(T0, 3000), (T0, 1000)], rule(level="exact")) == [(T0, 1000)]


def test_noise_is_the_seeds_and_differs_between_series_and_buckets():
    noisy = rule(noise_steps=20)
    readings = [(T0 + i * HOUR_MS, 2000) for i in range(60)]
    rows = run(readings, noisy)
    assert rows == run(readings, noisy)
    assert rows != run(readings, noisy, seed=sha256(b"other"))
    assert rows != run(readings, noisy, series=sha256(b"other"))
    assert len({value for _, value in rows}) > 10
    assert run(readings[10:], noisy) == rows[10:]
    assert run(readings, rule()) == run(readings, rule(), seed=sha256(b"other"))


def test_a_rule_that_is_none_of_the_catalogues_is_refused():
    with pytest.raises(RuleInvalid):
        run([(T0, 1)], Rule("climate", "temperature", "coarse", 1, 1, -2000, 6000))


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_rounding_is_to_the_nearest_and_halves_go_away_from_zero(value, divisor):
    result = divided(value, divisor)
    exact = Fraction(value, divisor)
    assert abs(result - exact) <= Fraction(1, 2)
    assert divided(-value, divisor) == -result
    if abs(result - exact) == Fraction(1, 2):
        assert abs(result) > abs(exact)


@pytest.mark.parametrize("scale", [1, 4, 25])
def test_the_noise_has_the_spread_of_the_discrete_laplace(scale):
    draws = [discrete_laplace(scale, SeededBits(SEED, i.to_bytes(8, "big"))) for i in range(4000)]
    p = 2.718281828 ** (-1 / scale)
    expected = 2 * p / (1 - p * p)
    assert mean(map(abs, draws)) == pytest.approx(expected, rel=0.08)
    assert abs(mean(draws)) < 0.08 * scale + 0.05
    assert draws.count(0) / len(draws) == pytest.approx((1 - p) / (1 + p), abs=0.03)


def test_the_noise_is_pinned_so_that_a_voter_of_another_version_agrees():
    draws = [discrete_laplace(10, SeededBits(b"\x01" * 32, i.to_bytes(8, "big"))) for i in range(12)]
    assert draws == PINNED


def test_seeded_integers_are_uniform_and_below_their_bound():
    bits = SeededBits(SEED, b"label")
    draws = [bits.below(3) for _ in range(3000)]
    assert {draws.count(value) > 900 for value in (0, 1, 2)} == {True}
    assert {bits.below(1) for _ in range(5)} == {0}


def test_risk_falls_with_coarser_levels_more_homes_and_noise():
    day = 86_400_000
    points = [risk_of(rule("power", level, "mains"), homes_in_cell=5, period_ms=7 * day).points for level in Level]
    assert points == sorted(points, reverse=True) and points[0] > points[-1]
    alone, crowd = (risk_of(rule(), homes_in_cell=n, period_ms=day).points for n in (1, 500))
    assert alone > crowd
    plain, noisy = (risk_of(rule(noise_steps=n), homes_in_cell=5, period_ms=day).points for n in (0, 5))
    assert plain > noisy
    linked = risk_of(rule(), homes_in_cell=5, period_ms=day, linked=True)
    assert linked.points > plain and "belong together" in " ".join(linked.reasons)


def test_risk_says_in_words_what_counts():
    high = risk_of(rule("motion", "exact", "motion"), homes_in_cell=1, period_ms=40 * 86_400_000)
    assert high.band == "high" and "only home" in high.reasons[0]
    low = risk_of(rule("outdoor_temperature", "summary", "weather"), homes_in_cell=200, period_ms=86_400_000)
    assert low.band == "low" and "one time in 200" in low.reasons[0]


def test_a_preview_shows_exactly_the_rows_that_leave():
    readings = [(T0 + i * HOUR_MS, 2000 + random.Random(i).randrange(500)) for i in range(30)]
    rows = run(readings, rule())
    preview = preview_of(rule(), rows, homes_in_cell=6, limit=5)
    assert preview.columns == ("t (ms)", "temperature (C)")
    assert preview.rows == tuple(rows_text(columns_of(rule()), rows[:5])) and preview.row_count == 30
    assert preview_of(rule(), [], homes_in_cell=6).row_count == 0
