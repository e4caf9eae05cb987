"""The discrete Gaussian is the one of its formula, to a chi-square; parts of it add up to what was planned."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from chain.crypto.prg import SeededRandom
from fedlearn.protocol import noise
from fedlearn.protocol.errors import LengthWrong, NoiseInvalid
from fedlearn.protocol.noise import (
    central_variance,
    discrete_gaussian,
    discrete_laplace,
    hub_variance,
    noise_add,
    uniform_below,
)
from fedlearn.protocol.quantise import signed_of

COUNT = 100_000
QUANTILE_Z = 4.0


def chi_square_fits(samples: np.ndarray, chances: dict[int, float]) -> bool:
    """Whether samples fit the chances of single integers and of all others together, up to 1 in 30,000 by chance."""
    observed = [int((samples == value).sum()) for value in chances]
    observed.append(len(samples) - sum(observed))
    expected = [chance * len(samples) for chance in chances.values()]
    expected.append(len(samples) - sum(expected))
    assert min(expected) >= 5
    statistic = sum((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))
    freedom = len(expected) - 1
    # Wilson and Hilferty's cube root.
    return (statistic / freedom) ** (1 / 3) < 1 - 2 / (9 * freedom) + QUANTILE_Z * math.sqrt(2 / (9 * freedom))


def gaussian_chances(variance: float, reach: int) -> dict[int, float]:
    total = sum(math.exp(-(x**2) / (2 * variance)) for x in range(-400, 401))
    return {x: math.exp(-(x**2) / (2 * variance)) / total for x in range(-reach, reach + 1)}


@pytest.mark.parametrize(
    ("variance", "reach"), [(Fraction(1, 4), 1), (Fraction(1), 3), (Fraction(10, 3), 5), (Fraction(50), 20)]
)
def test_the_samples_fit_the_formula(variance, reach):
    samples = discrete_gaussian(variance, COUNT, SeededRandom(b"g" * 32))
    assert chi_square_fits(samples, gaussian_chances(float(variance), reach))
    assert not chi_square_fits(samples, gaussian_chances(float(variance) * 1.1, reach))


def test_laplace_samples_fit_the_formula():
    samples = discrete_laplace(3, COUNT, SeededRandom(b"l" * 32))
    total = sum(math.exp(-abs(x) / 3) for x in range(-300, 301))
    assert chi_square_fits(samples, {x: math.exp(-abs(x) / 3) / total for x in range(-12, 13)})


@pytest.mark.parametrize("variance", [Fraction(9), Fraction(10**9, 7), Fraction(2**45), Fraction(2**62)])
def test_the_variance_is_the_planned_one_and_the_mean_is_zero(variance):
    samples = discrete_gaussian(variance, COUNT, SeededRandom(b"v" * 32)).astype(float)
    # The standard error of a Gaussian's variance is sqrt(2 / count) of it.
    assert samples.var() == pytest.approx(float(variance), rel=5 * math.sqrt(2 / COUNT))
    assert abs(samples.mean()) < 5 * math.sqrt(float(variance) / COUNT)


def test_decisions_in_floating_point_and_by_digits_are_the_same(monkeypatch):
    """With a margin of a thousandth every thousandth decision takes the exact way; the samples stay the same."""
    quick = discrete_gaussian(Fraction(1000, 7), 3000, SeededRandom(b"d" * 32))
    calls = []
    decide = noise._decide

    def counted(word: int, gamma: Fraction, random: object) -> bool:
        calls.append(gamma)
        return decide(word, gamma, random)  # type: ignore[arg-type]

    monkeypatch.setattr(noise, "_decide", counted)
    monkeypatch.setattr(noise, "_ABSOLUTE_ERROR", 1e-3)
    assert (discrete_gaussian(Fraction(1000, 7), 3000, SeededRandom(b"d" * 32)) == quick).all()
    assert len(calls) > 10


def test_a_number_next_to_the_chance_draws_more_bits_until_it_is_decided():
    gamma = Fraction(1)
    word = math.floor(Fraction(math.e) ** -1 * 2**64)
    word = next(w for w in range(word - 4096, word + 4096) if _straddles(w))
    draws = []

    def random_of(filling: bytes):
        def random(count: int) -> bytes:
            draws.append(count)
            return filling * count

        return random

    assert noise._decide(word, gamma, random_of(b"\x00")) is True
    assert noise._decide(word, gamma, random_of(b"\xff")) is False
    assert draws


def _straddles(word: int) -> bool:
    """Whether exp(-1) lies within the numbers that begin with these 64 bits, by its series."""
    chance = sum(Fraction((-1) ** k, math.factorial(k)) for k in range(40))
    return Fraction(word, 2**64) < chance < Fraction(word + 1, 2**64)


def test_uniform_numbers_are_below_their_bound_and_spread():
    for bound in (1, 3, 10, 2**40 + 1, 2**63):
        samples = uniform_below(bound, 2000, SeededRandom(b"u" * 32))
        assert samples.min() >= 0 and int(samples.max()) < bound and len(samples) == 2000
    assert chi_square_fits(uniform_below(6, COUNT, SeededRandom(b"u" * 32)), dict.fromkeys(range(5), 1 / 6))


def test_the_parts_of_the_fewest_survivors_add_up_to_the_planned_variance():
    planned = central_variance(1.5, 800.0)
    assert planned == Fraction(1_440_000)
    part = hub_variance(planned, 70)
    random = SeededRandom(b"p" * 32)
    total = sum(discrete_gaussian(part, 20_000, random) for _ in range(70))
    assert total.astype(float).var() == pytest.approx(float(planned), rel=5 * math.sqrt(2 / 20_000))


def test_equal_seeds_give_equal_noise_and_no_two_hubs_share_any():
    first = discrete_gaussian(Fraction(10**6), 100, SeededRandom(b"1" * 32))
    assert (discrete_gaussian(Fraction(10**6), 100, SeededRandom(b"1" * 32)) == first).all()
    assert (discrete_gaussian(Fraction(10**6), 100, SeededRandom(b"2" * 32)) != first).any()


def test_noise_is_added_modulo_2_to_32():
    words = np.array([0, 5, 2**32 - 1], dtype=np.uint32)
    assert noise_add(words, np.array([-1, -6, 2])).tolist() == [2**32 - 1, 2**32 - 1, 1]
    assert signed_of(noise_add(words, np.array([-1, -6, 2]))).tolist() == [-1, -1, 1]
    with pytest.raises(LengthWrong):
        noise_add(words, np.zeros(2, dtype=np.int64))


def test_no_noise_is_zeros_and_impossible_noise_is_refused():
    assert not discrete_gaussian(Fraction(0), 10, SeededRandom(b"z" * 32)).any()
    for variance in (Fraction(-1), Fraction(2**62 + 1)):
        with pytest.raises(NoiseInvalid):
            discrete_gaussian(variance, 1, SeededRandom(b"z" * 32))
    for multiplier, sensitivity in ((-1.0, 1.0), (float("nan"), 1.0), (1.0, 0.0), (1.0, float("inf"))):
        with pytest.raises(NoiseInvalid):
            central_variance(multiplier, sensitivity)
    with pytest.raises(NoiseInvalid):
        hub_variance(Fraction(1), 0)
