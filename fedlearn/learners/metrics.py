"""How good predictions are, beside what one would say without learning."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from fedlearn.learners.errors import MeasureInvalid
from fedlearn.learners.table import Floats

REGRESSION: Final = ("r2", "mae", "rmse")
BINARY: Final = ("auc", "log_loss", "brier", "accuracy")
_CHANCE_MIN = 1e-12


def r2(y: Floats, predicted: Floats) -> float:
    """The share of the labels' variance that is explained; NaN where all labels are equal."""
    _check(y, predicted)
    spread = float(((y - y.mean()) ** 2).sum())
    return 1.0 - float(((y - predicted) ** 2).sum()) / spread if spread > 0 else math.nan


def mae(y: Floats, predicted: Floats) -> float:
    """The mean absolute error, in the label's unit."""
    _check(y, predicted)
    return float(np.abs(y - predicted).mean())


def rmse(y: Floats, predicted: Floats) -> float:
    """The root of the mean squared error, in the label's unit."""
    _check(y, predicted)
    return float(np.sqrt(((y - predicted) ** 2).mean()))


def auc(y: Floats, score: Floats) -> float:
    """The chance that a 1 has a higher score than a 0, ties counting half (Mann-Whitney); NaN for one class only."""
    _check(y, score)
    ones = y == 1.0
    positive, negative = int(ones.sum()), int((~ones).sum())
    if not positive or not negative:
        return math.nan
    from scipy.stats import rankdata  # takes most of a second, and most processes never measure

    ranks = float(rankdata(score)[ones].sum())
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


def log_loss(y: Floats, chance: Floats) -> float:
    """The mean negative log likelihood of 0/1 labels, in nats."""
    _check(y, chance)
    inside = np.clip(chance, _CHANCE_MIN, 1.0 - _CHANCE_MIN)
    return float(-(y * np.log(inside) + (1.0 - y) * np.log1p(-inside)).mean())


def brier(y: Floats, chance: Floats) -> float:
    """The mean squared difference of chance and label."""
    _check(y, chance)
    return float(((y - chance) ** 2).mean())


def accuracy(y: Floats, chance: Floats) -> float:
    """How often the likelier class is the right one."""
    _check(y, chance)
    return float(((chance >= 0.5) == (y == 1.0)).mean())


def metrics_of(y: Floats, predicted: Floats, *, binary: bool) -> dict[str, float]:
    """All figures of a kind of task by name. A figure that is not defined on these labels is left out.

    Raises ``MeasureInvalid`` for no rows, other lengths or values that are no numbers.
    """
    found = {name: _FIGURES[name](y, predicted) for name in (BINARY if binary else REGRESSION)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def baseline_metrics(y: Floats, before: Floats, learnt_mean: float, *, binary: bool) -> dict[str, dict[str, float]]:
    """The figures of guesses without learning, by name.

    ``persistence`` says that it stays as it was (``before``, the table's ``baseline``). ``mean`` says the mean of the
    training labels (for binary tasks ``majority``: that share as the chance, so the more frequent class).
    """
    constant = np.full(len(y), learnt_mean)
    return {
        "persistence": metrics_of(y, before, binary=binary),
        "majority" if binary else "mean": metrics_of(y, constant, binary=binary),
    }


def to_micro(figures: Mapping[str, float]) -> tuple[tuple[str, int], ...]:
    """Figures in millionths, sorted by name: how the ledger has them."""
    return tuple((name, round(value * 1e6)) for name, value in sorted(figures.items()))


def _check(y: Floats, predicted: Floats) -> None:
    if y.ndim != 1 or y.shape != predicted.shape or not len(y):
        raise MeasureInvalid
    if not (np.isfinite(y).all() and np.isfinite(predicted).all()):
        raise MeasureInvalid


_FIGURES: Final = {
    "r2": r2,
    "mae": mae,
    "rmse": rmse,
    "auc": auc,
    "log_loss": log_loss,
    "brier": brier,
    "accuracy": accuracy,
}
