"""Figures are those of scikit-learn where it has them, and defined or left out elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from fedlearn.learners import metrics
from fedlearn.learners.errors import MeasureInvalid

CHANCES = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])), min_size=2, max_size=40)
PAIRS = st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=2, max_size=40)


@given(CHANCES)
def test_figures_of_chances_are_scikit_learn_s_ties_included(pairs):
    y, chance = (np.array(part, dtype=float) for part in zip(*pairs, strict=True))
    if len(set(y)) == 2:
        assert metrics.auc(y, chance) == pytest.approx(reference.roc_auc_score(y, chance))
    inside = np.clip(chance, 1e-12, 1 - 1e-12)
    assert metrics.log_loss(y, chance) == pytest.approx(reference.log_loss(y, inside, labels=[0, 1]))
    assert metrics.brier(y, chance) == pytest.approx(reference.mean_squared_error(y, chance))
    assert metrics.accuracy(y, chance) == pytest.approx(reference.accuracy_score(y, chance >= 0.5))


@given(PAIRS)
def test_figures_of_numbers_are_scikit_learn_s(pairs):
    y, guess = (np.array(part) for part in zip(*pairs, strict=True))
    assert metrics.mae(y, guess) == pytest.approx(reference.mean_absolute_error(y, guess))
    assert metrics.rmse(y, guess) == pytest.approx(reference.root_mean_squared_error(y, guess))
    if np.ptp(y) > 1e-3:
        assert metrics.r2(y, guess) == pytest.approx(reference.r2_score(y, guess), rel=1e-6, abs=1e-6)


def test_a_figure_without_meaning_is_left_out():
    one_class = metrics.metrics_of(np.ones(3), np.array([0.2, 0.5, 0.9]), binary=True)
    assert set(one_class) == set(metrics.BINARY) - {"auc"}
    assert set(metrics.metrics_of(np.ones(3), np.zeros(3), binary=False)) == {"mae", "rmse"}


def test_baselines_are_persistence_and_the_training_share():
    y, before = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
    found = metrics.baseline_metrics(y, before, 0.3, binary=True)
    assert found["persistence"]["accuracy"] == 0.75
    assert found["majority"]["accuracy"] == 0.5
    assert found["majority"]["auc"] == 0.5
    assert found["majority"]["brier"] == pytest.approx((2 * 0.09 + 2 * 0.49) / 4)


@pytest.mark.parametrize(("y", "guess"), [([], []), ([1.0], [1.0, 2.0]), ([1.0], [np.nan])])
def test_what_cant_be_measured_is_refused(y, guess):
    with pytest.raises(MeasureInvalid):
        metrics.mae(np.array(y), np.array(guess))


def test_figures_for_the_ledger_are_sorted_millionths():
    assert metrics.to_micro({"r2": 0.81, "mae": 0.25}) == (("mae", 250_000), ("r2", 810_000))
