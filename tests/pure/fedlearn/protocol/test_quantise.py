"""Clipping and quantising: what is bounded stays bounded, sums are exact, no sum wraps around."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chain.crypto.prg import SeededRandom
from fedlearn.protocol.clip import clip_to_norm, norm_of
from fedlearn.protocol.errors import (
    ClipNormInvalid,
    LengthWrong,
    QuantiserInvalid,
    SumOverflows,
    ValueNotFinite,
    ValueOutOfRange,
)
from fedlearn.protocol.quantise import HALF, LEVELS, Quantiser, dequantise, quantise, signed_of, words_of

SEEDS = st.binary(min_size=32, max_size=32)
UPDATES = arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6))
WIDE = arrays(np.float64, st.integers(1, 10), elements=st.floats(-1e300, 1e300))
NORMS = st.floats(1e-3, 1e3)


@given(WIDE, NORMS)
def test_a_clipped_update_is_no_longer_than_the_norm_and_points_the_same_way(update, norm):
    clipped = clip_to_norm(update, norm)
    assert norm_of(clipped) <= norm * (1 + 1e-12)
    assert (np.sign(clipped) * np.sign(update) >= 0).all()


@given(UPDATES, NORMS)
def test_a_short_update_is_left_as_it_is_and_clipping_twice_is_clipping_once(update, norm):
    clipped = clip_to_norm(update, norm)
    if norm_of(update) <= norm * (1 - 1e-12):
        assert (clipped == update).all()
    assert clip_to_norm(clipped, norm) == pytest.approx(clipped, rel=1e-12)


def test_clipping_does_not_write_into_the_update():
    update = np.array([3.0, 4.0])
    for norm in (1.0, 10.0):
        clip_to_norm(update, norm)[0] = 99.0
    assert update.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("norm", [0.0, -1.0, float("inf"), float("nan")])
def test_a_norm_that_bounds_nothing_is_refused(norm):
    with pytest.raises(ClipNormInvalid):
        clip_to_norm(np.ones(2), norm)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ValueNotFinite):
        clip_to_norm(np.array([1.0, value]), 1.0)
    with pytest.raises(ValueNotFinite):
        quantise(np.array([1.0, value]), Quantiser(1.0, 1), SeededRandom(b"s" * 32))


@given(UPDATES, SEEDS)
def test_a_value_is_rounded_to_one_of_its_two_neighbours(update, seed):
    quantiser = Quantiser(1e6, 100)
    back = dequantise(quantise(update, quantiser, SeededRandom(seed)), quantiser)
    assert (np.abs(back - update) <= quantiser.step * (1 + 1e-6)).all()


@given(st.integers(2, 2000), st.sampled_from([1.0, -1.0]), SEEDS)
def test_the_largest_sum_that_is_planned_for_does_not_wrap_around(clients, sign, seed):
    quantiser = Quantiser(2.5, clients)
    words = quantise(np.full(3, 2.5 * sign), quantiser, SeededRandom(seed))
    total = words * np.uint32(clients)
    assert dequantise(total, quantiser) == pytest.approx(2.5 * sign * clients, rel=1e-12)


@given(st.lists(arrays(np.float64, 5, elements=st.floats(-1, 1)), min_size=1, max_size=20), SEEDS)
def test_the_sum_of_words_stands_for_the_sum_of_values(updates, seed):
    quantiser, random = Quantiser(1.0, len(updates)), SeededRandom(seed)
    words = [quantise(update, quantiser, random) for update in updates]
    total = np.add.reduce(words, dtype=np.uint32)
    assert (signed_of(total) == sum(signed_of(word) for word in words)).all()
    assert (np.abs(dequantise(total, quantiser) - sum(updates)) <= len(updates) * quantiser.step * 1.0001).all()


def test_rounding_has_no_bias():
    quantiser = Quantiser(1.0, 1, levels=4)
    for value in (0.1, -0.1, 0.24, -0.999):
        words = quantise(np.full(40_000, value), quantiser, SeededRandom(b"s" * 32))
        # Five standard deviations of the mean of 40,000 roundings by a step of 0.25, each at most half a step.
        assert dequantise(words, quantiser).mean() == pytest.approx(value, abs=5 * 0.125 / 200)


def test_the_sensitivity_bounds_every_rounded_update():
    quantiser, random = Quantiser(1.0, 1, levels=16), SeededRandom(b"s" * 32)
    values = np.linspace(-1, 1, 1000)
    update = clip_to_norm(values, 1.0)
    for _ in range(20):
        assert norm_of(signed_of(quantise(update, quantiser, random)).astype(float)) <= quantiser.sensitivity(1.0, 1000)


def test_values_beyond_the_limit_are_refused_and_the_limit_itself_is_not():
    quantiser, random = Quantiser(0.1, 1), SeededRandom(b"s" * 32)
    assert signed_of(quantise(np.array([0.1, -0.1]), quantiser, random)).tolist() == [LEVELS, -LEVELS]
    for value in (0.1001, -0.1001, 1e300):
        with pytest.raises(ValueOutOfRange):
            quantise(np.array([value]), quantiser, random)
    with pytest.raises(LengthWrong):
        quantise(np.zeros((2, 2)), quantiser, random)


def test_a_sum_that_would_not_fit_is_refused_when_it_is_planned():
    assert Quantiser(1.0, 2047) and Quantiser(1.0, 1000, noise_stddev=7e7)
    for clients, noise in ((2048, 0.0), (1000, 8e7), (1, 2e8)):
        with pytest.raises(SumOverflows):
            Quantiser(1.0, clients, noise_stddev=noise)
    with pytest.raises(SumOverflows) as refusal:
        Quantiser(1.0, 4000)
    fits = int("".join(filter(str.isdigit, refusal.value.hint)))
    assert Quantiser(1.0, 4000, levels=fits)
    with pytest.raises(SumOverflows):
        Quantiser(1.0, 4000, levels=fits + 1)


@pytest.mark.parametrize(
    "fields", [{"limit": 0.0}, {"limit": float("nan")}, {"clients": 0}, {"levels": 0}, {"noise_stddev": -1.0}]
)
def test_limits_that_make_no_sense_are_refused(fields):
    with pytest.raises(QuantiserInvalid):
        Quantiser(**({"limit": 1.0, "clients": 1} | fields))


def test_words_are_twos_complement():
    numbers = np.array([0, 1, -1, HALF - 1, -HALF], dtype=np.int64)
    assert words_of(numbers).tolist() == [0, 1, 2**32 - 1, HALF - 1, HALF]
    assert (signed_of(words_of(numbers)) == numbers).all()
