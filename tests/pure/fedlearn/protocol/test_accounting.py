"""Epsilon: more rounds cost more, more noise less, the target is met, a sum of parts is no Gaussian for free."""

from __future__ import annotations

import math

import pytest

from fedlearn.protocol.accounting import Release, effective_multiplier, epsilon_of, multiplier_for
from fedlearn.protocol.errors import NoiseInvalid, PrivacyTargetInvalid, PrivacyUnreachable

DELTA = 1e-5


def test_more_rounds_cost_more_and_more_noise_costs_less():
    by_rounds = [epsilon_of([Release(4.0, rounds)], DELTA) for rounds in (1, 2, 10, 50)]
    by_noise = [epsilon_of([Release(multiplier, 10)], DELTA) for multiplier in (8.0, 4.0, 2.0, 1.0)]
    by_delta = [epsilon_of([Release(4.0, 10)], delta) for delta in (1e-3, 1e-5, 1e-7)]
    for costs in (by_rounds, by_noise, by_delta):
        assert costs == sorted(costs) and len(set(costs)) == len(costs)


def test_releases_add_up_however_they_are_written_down():
    apart = epsilon_of([Release(3.0, 2), Release(3.0), Release(5.0, 4)], DELTA)
    assert epsilon_of([Release(3.0, 3), Release(5.0, 4)], DELTA) == pytest.approx(apart)
    # Gaussians compose as their inverse squares: n rounds at z are one at z / sqrt(n).
    assert epsilon_of([Release(6.0, 9)], DELTA) == pytest.approx(epsilon_of([Release(2.0)], DELTA))


def test_epsilon_is_between_the_exact_value_and_the_simple_bound():
    # One Gaussian of multiplier 1 at delta 1e-5 is exactly 4.377 (Balle and Wang 2018); zCDP's bound is 5.299.
    assert 4.377 < epsilon_of([Release(1.0)], DELTA) < 0.5 + 2 * math.sqrt(0.5 * math.log(1 / DELTA))


def test_no_release_costs_nothing_and_one_without_noise_costs_everything():
    assert epsilon_of([], DELTA) == epsilon_of([Release(0.0, 0)], DELTA) == 0.0
    assert epsilon_of([Release(4.0), Release(0.0)], DELTA) == math.inf


def test_a_secret_sample_costs_less():
    sampled = epsilon_of([Release(2.0, 10, sampling_rate=0.1)], DELTA)
    assert 0 < sampled < epsilon_of([Release(2.0, 10)], DELTA)


@pytest.mark.parametrize("epsilon", [0.5, 2.0, 8.0])
def test_the_multiplier_for_a_target_reaches_it_and_hardly_more(epsilon):
    multiplier = multiplier_for(epsilon, DELTA, 20)
    assert epsilon_of([Release(multiplier, 20)], DELTA) <= epsilon
    assert epsilon_of([Release(multiplier * 0.998, 20)], DELTA) > epsilon


def test_the_sum_of_fine_parts_hides_as_much_as_one_gaussian():
    assert effective_multiplier(30.0, 100, 300.0, 10_000) == pytest.approx(1.0, rel=1e-12)


def test_the_sum_of_coarse_parts_hides_less_and_the_more_so_the_longer_the_vector():
    whole = math.sqrt(100) * 0.6 / 3.0
    short, long = (effective_multiplier(0.6, 100, 3.0, length) for length in (10, 10_000))
    assert long < short < whole


def test_the_closeness_term_is_that_of_the_paper():
    # n = 2: tau = 10 exp(-pi^2 s^2), for s^2 = 1/2 and d = 4 in e = sensitivity / (sqrt(2) s) + tau * 2.
    tau = 10 * math.exp(-(math.pi**2) * 0.5)
    assert effective_multiplier(math.sqrt(0.5), 2, 1.0, 4) == pytest.approx(1 / (1.0 + 2 * tau))


def test_targets_that_make_no_sense_are_refused():
    for delta in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(PrivacyTargetInvalid):
            epsilon_of([Release(1.0)], delta)
    for release in (Release(-1.0), Release(float("nan")), Release(1.0, -1), Release(1.0, 1, 0.0), Release(1.0, 1, 1.5)):
        with pytest.raises(PrivacyTargetInvalid):
            epsilon_of([release], DELTA)
    for epsilon, rounds in ((0.0, 1), (-1.0, 1), (float("inf"), 1), (1.0, 0)):
        with pytest.raises(PrivacyTargetInvalid):
            multiplier_for(epsilon, DELTA, rounds)
    with pytest.raises(PrivacyUnreachable):
        multiplier_for(1e-5, DELTA, 1000)
    for fields in ((0.4, 10, 1.0, 1), (1.0, 0, 1.0, 1), (1.0, 10, 0.0, 1), (1.0, 10, 1.0, 0)):
        with pytest.raises(NoiseInvalid):
            effective_multiplier(*fields)
