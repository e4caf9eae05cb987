"""Aggregation, groups and shares of the bonus: what they stand, and that they add up."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedlearn.protocol.aggregate import TrimTooWide, WeightsInvalid, mean_of, mean_of_sum, trimmed_groups, trimmed_mean
from fedlearn.protocol.errors import LengthWrong, ValueNotFinite
from fedlearn.protocol.groups import GROUP_MIN, GroupsImpossible, groups_of, groups_reached
from fedlearn.protocol.shapley import EXACT_MAX, MICRO, PlayersInvalid, gains, shapley, weights_micro

SEED = bytes(range(32))


# Aggregation.


def test_means_are_equal_or_weighted():
    updates = np.array([[1.0, 0.0], [3.0, 4.0]])
    assert mean_of(updates).tolist() == [2.0, 2.0]
    assert mean_of(updates, np.array([3.0, 1.0])).tolist() == [1.5, 1.0]
    assert mean_of_sum(np.array([4.0, 4.0]), 2).tolist() == [2.0, 2.0]


def test_the_trimmed_mean_stands_as_many_bad_groups_as_it_leaves_out_on_a_side():
    honest = np.random.default_rng(1).normal(1.0, 0.1, (10, 3))
    bad = trimmed_groups(10)
    assert bad == 2
    for wild in (1e12, -1e12):
        spoilt = honest.copy()
        spoilt[:bad] = wild
        found = trimmed_mean(spoilt)
        assert (found >= honest.min(axis=0)).all()
        assert (found <= honest.max(axis=0)).all()
        spoilt[: bad + 1] = wild
        assert np.abs(trimmed_mean(spoilt)).max() > 1e6


def test_trimming_nothing_is_the_mean_and_three_groups_lose_one_on_each_side():
    means = np.array([[1.0], [2.0], [9.0]])
    assert trimmed_mean(means, 0).tolist() == [4.0]
    assert trimmed_mean(means).tolist() == [2.0]


def test_what_cant_be_aggregated_is_refused():
    for wrong, refusal in (
        (lambda: mean_of(np.zeros((0, 2))), LengthWrong),
        (lambda: mean_of(np.array([[np.nan]])), ValueNotFinite),
        (lambda: mean_of(np.ones((2, 2)), np.ones(3)), LengthWrong),
        (lambda: mean_of(np.ones((2, 2)), np.zeros(2)), WeightsInvalid),
        (lambda: mean_of(np.ones((2, 2)), np.array([2.0, -1.0])), WeightsInvalid),
        (lambda: mean_of_sum(np.ones(2), 0), LengthWrong),
        (lambda: mean_of_sum(np.array([np.inf]), 1), ValueNotFinite),
        (lambda: trimmed_mean(np.ones((2, 2))), TrimTooWide),
        (lambda: trimmed_mean(np.ones((9, 2)), 500), TrimTooWide),
    ):
        with pytest.raises(refusal):
            wrong()


# Groups.


@given(st.integers(8, 400), st.integers(8, 60), st.binary(min_size=32, max_size=32))
def test_groups_hold_everybody_once_and_none_is_too_small(members, size, seed):
    if members < size:
        with pytest.raises(GroupsImpossible):
            groups_of(members, size, seed)
        return
    groups = groups_of(members, size, seed)
    assert sorted(index for group in groups for index in group) == list(range(members))
    sizes = [len(group) for group in groups]
    assert min(sizes) >= size
    assert max(sizes) - min(sizes) <= 1
    assert groups == groups_of(members, size, seed)


def test_another_seed_makes_other_groups_and_the_first_are_pinned():
    assert groups_of(24, 8, SEED)[0] == (0, 5, 10, 12, 17, 20, 22, 23)
    assert groups_of(24, 8, SEED) != groups_of(24, 8, SEED[::-1])


def test_small_groups_and_short_seeds_are_refused():
    for members, size, seed in ((100, GROUP_MIN - 1, SEED), (100, 8, b"")):
        with pytest.raises(GroupsImpossible):
            groups_of(members, size, seed)


def test_a_fifth_of_attackers_reaches_most_groups():
    assert groups_reached(1000, 8, 200) == pytest.approx(0.83, abs=0.005)
    assert groups_reached(1000, 8, 10) == pytest.approx(0.077, abs=0.005)
    assert groups_reached(20, 8, 0) == 0.0
    assert groups_reached(20, 8, 13) == 1.0
    with pytest.raises(GroupsImpossible):
        groups_reached(20, 8, 21)


# Shapley.


def by_all_orders(value, players):
    totals = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        for place, player in enumerate(order):
            totals[player] += value(frozenset(order[: place + 1])) - value(frozenset(order[:place]))
    return totals / len(orders)


@given(st.integers(1, 5), st.integers(0, 10**6))
def test_exact_values_are_the_mean_over_all_orders(players, seed):
    dice = np.random.default_rng(seed)
    table: dict[frozenset[int], float] = {}

    def value(coalition: frozenset[int]) -> float:
        return table.setdefault(coalition, float(dice.normal()))

    found = shapley(value, players, dice)
    assert found == pytest.approx(by_all_orders(value, players), abs=1e-9)
    assert math.fsum(found) == pytest.approx(value(frozenset(range(players))) - value(frozenset()))


def test_sampled_values_add_up_and_come_near_the_true_ones():
    weights = np.linspace(0, 1.1, EXACT_MAX + 2)

    def value(coalition: frozenset[int]) -> float:
        return float(sum(weights[member] for member in coalition)) + (1.0 if {0, 1} <= coalition else 0.0)

    found = shapley(value, len(weights), np.random.default_rng(4))
    assert math.fsum(found) == pytest.approx(float(weights.sum()) + 1.0)
    assert found[2:] == pytest.approx(weights[2:])
    assert found[0] == pytest.approx(weights[0] + 0.5, abs=0.1)
    assert found[0] + found[1] == pytest.approx(weights[0] + weights[1] + 1.0)


def test_a_group_that_points_the_wrong_way_has_the_lowest_value():
    goal = np.array([1.0, 1.0])
    means = np.array([[0.5, 0.5], [0.6, 0.4], [-0.5, -0.5]])
    value = gains(lambda at: float(((goal - at) ** 2).sum()), np.zeros(2), means)
    found = shapley(value, 3, np.random.default_rng(1))
    assert found[2] < 0 < min(found[:2])
    with pytest.raises(LengthWrong):
        gains(lambda at: 0.0, np.zeros(3), means)


def test_values_that_are_none_are_refused():
    with pytest.raises(ValueNotFinite):
        shapley(lambda coalition: math.nan, 2, np.random.default_rng(1))
    with pytest.raises(PlayersInvalid):
        shapley(lambda coalition: 0.0, 0, np.random.default_rng(1))


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=9), st.integers(1, 12))
def test_shares_of_the_bonus_add_up_exactly_and_follow_the_values(values, size):
    groups = [range(size * place, size * (place + 1)) for place in range(len(values))]
    shares = weights_micro(values, groups)
    assert sum(shares.values()) == MICRO
    assert min(shares.values()) >= 0
    if max(values) > 1e-3:
        best = values.index(max(values))
        assert shares[size * best] >= max(shares.values()) - 1
        for value, group in zip(values, groups, strict=True):
            assert value > 0 or not any(shares[member] for member in group)


def test_where_nobody_gained_anything_all_have_the_same():
    assert weights_micro([-1.0, 0.0], [[0, 1], [2, 3]]) == {0: 250_000, 1: 250_000, 2: 250_000, 3: 250_000}
    for values, groups in (([1.0], []), ([1.0], [[]]), ([1.0, 2.0], [[1]])):
        with pytest.raises(LengthWrong):
            weights_micro(values, groups)
    with pytest.raises(ValueNotFinite):
        weights_micro([math.nan], [[1]])
