"""The statistics round gives what pooled standardising would, and no home can weigh more than its bound."""

from __future__ import annotations

import numpy as np
import pytest

from fedlearn.learners.errors import StatisticsInvalid, TableInvalid
from fedlearn.learners.scaling import scaler_fixed, scaler_of, statistics_of
from fedlearn.learners.table import FEATURE_LIMIT


def homes(seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.clip(rng.normal(rng.uniform(-1, 1), rng.uniform(0.5, 1.5), (50, 4)), -8, 8) for _ in range(6)]


def test_the_sum_of_homes_gives_the_mean_and_spread_of_all_rows():
    tables = homes()
    scaler = scaler_of(np.sum([statistics_of(x) for x in tables], axis=0), len(tables))
    rows = np.concatenate(tables)
    # Homes of one size weigh the same, so here the result is that of pooling.
    assert np.array(scaler.means_nano) / 1e9 == pytest.approx(rows.mean(axis=0), abs=1e-8)
    assert np.array(scaler.spreads_nano) / 1e9 == pytest.approx(rows.std(axis=0), rel=1e-6)
    scaled = scaler.apply(rows)
    assert scaled.mean(axis=0) == pytest.approx(0.0, abs=0.01)
    assert scaled.std(axis=0) == pytest.approx(1.0, abs=0.01)


def test_a_home_s_part_is_within_its_bound_whatever_it_measured():
    extreme = np.full((3, 5), FEATURE_LIMIT)
    part = statistics_of(extreme)
    assert np.abs(part).max() <= 1.0
    assert np.linalg.norm(part) <= np.sqrt(len(part))


def test_a_feature_that_never_changes_or_a_noisy_variance_below_nothing_does_no_harm():
    scaler = scaler_of(statistics_of(np.ones((9, 2))) - np.array([0, 0, 0.01, 0.01]), 1)
    assert np.isfinite(scaler.apply(np.ones((2, 2)))).all()
    assert min(scaler.spreads_nano) >= 10**6


def test_the_fixed_scaler_changes_nothing():
    x = homes()[0]
    assert (scaler_fixed(4).apply(x) == x).all()


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.full((2, 2), np.nan), np.full((2, 2), 8.1)])
def test_tables_outside_the_bound_are_refused(x):
    with pytest.raises(TableInvalid):
        statistics_of(x)


def test_a_total_that_is_none_is_refused():
    for total, count in ((np.zeros(3), 1), (np.zeros(4), 0), (np.full(4, np.inf), 1)):
        with pytest.raises(StatisticsInvalid):
            scaler_of(total, count)
    with pytest.raises(TableInvalid):
        scaler_fixed(3).apply(np.zeros((2, 4)))
