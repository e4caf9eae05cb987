"""How good a model is, as sums that can be masked: each home adds what its rows say, and only totals are seen.

A home fills the slots of its part, of those that train or of those that are held out, and leaves the others zero. All
slots lie in 0..1 and a home's slots have an L2 norm of at most ``NORM``, whatever its rows are.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from fedlearn.learners.families import Shape, family
from fedlearn.learners.table import Floats, Table

ROWS_CAP: Final = 10_000
"""Rows count up to here, so that a home with years of readings does not outweigh all others."""
VALUE_CAP: Final = 16.0
BINS: Final = 64
_SQUARE_CAP: Final = VALUE_CAP**2
_NUMBERS: Final = 6  # weight, y, y squared, error squared, error, baseline's error squared
_CHANCES: Final = 4 + 2 * BINS  # weight, ones, log loss, Brier; scores of ones and of zeros by bin
_LOSS_CAP: Final = 16.0
NORM: Final = 2.0


def slots(binary: bool) -> int:
    """How many values an evaluation has."""
    return 2 * (_CHANCES if binary else _NUMBERS)


def evaluate(parameters: Floats, table: Table, shape: Shape, held_out: bool) -> Floats:
    """A home's part of the evaluation (``slots``,), each value in 0..1."""
    part = np.zeros(slots(shape.binary) // 2)
    if len(table):
        predicted = family(shape.family).predict(parameters, table.x, shape)
        weight = min(len(table), ROWS_CAP) / ROWS_CAP
        part = weight * (_chances(predicted, table) if shape.binary else _numbers(predicted, table))
    nothing = np.zeros_like(part)
    return np.concatenate((nothing, part) if held_out else (part, nothing))


def figures(total: Floats, binary: bool) -> dict[str, float]:
    """What summed evaluations say, by name; ``held_out_`` before those of homes that did not train.

    Numbers: r2, mae, rmse, baseline_r2. Chances: auc, log_loss, brier, baseline_log_loss. A part without rows, or in
    which a figure has no meaning (one class only), leaves it out.
    """
    found: dict[str, float] = {}
    read = _read_chances if binary else _read_numbers
    for prefix, part in zip(("", "held_out_"), np.split(total, 2), strict=True):
        found.update({prefix + name: value for name, value in read(part).items() if np.isfinite(value)})
    return found


def _numbers(predicted: Floats, table: Table) -> Floats:
    y = np.clip(table.y, -VALUE_CAP, VALUE_CAP)
    error = np.clip(np.abs(predicted - table.y), 0.0, VALUE_CAP)
    usual = np.clip(np.abs(table.baseline - table.y), 0.0, VALUE_CAP)
    return np.array(
        [
            1.0,
            (np.mean(y) / VALUE_CAP + 1.0) / 2.0,
            np.mean(y**2) / _SQUARE_CAP,
            np.mean(error**2) / _SQUARE_CAP,
            np.mean(error) / VALUE_CAP,
            np.mean(usual**2) / _SQUARE_CAP,
        ]
    )


def _chances(predicted: Floats, table: Table) -> Floats:
    chance = np.clip(predicted, 1e-7, 1.0 - 1e-7)
    losses = -(table.y * np.log(chance) + (1.0 - table.y) * np.log1p(-chance))
    bins = np.minimum((chance * BINS).astype(np.int64), BINS - 1)
    ones, zeros = np.bincount(bins, table.y, BINS), np.bincount(bins, 1.0 - table.y, BINS)
    loss = np.mean(np.clip(losses, 0.0, _LOSS_CAP)) / _LOSS_CAP
    head = np.array([1.0, np.mean(table.y), loss, np.mean((chance - table.y) ** 2)])
    return np.concatenate((head, ones / len(table), zeros / len(table)))


def _read_numbers(part: Floats) -> dict[str, float]:
    weight = part[0]
    if weight <= 0:
        return {}
    _, mean, square, error_square, error, usual = part / weight
    mean = (2.0 * mean - 1.0) * VALUE_CAP
    spread = square * _SQUARE_CAP - mean**2
    if spread <= 0:
        return {"mae": error * VALUE_CAP, "rmse": _root(error_square)}
    return {
        "r2": 1.0 - error_square * _SQUARE_CAP / spread,
        "baseline_r2": 1.0 - usual * _SQUARE_CAP / spread,
        "mae": error * VALUE_CAP,
        "rmse": _root(error_square),
    }


def _root(square: float) -> float:
    return float(np.sqrt(max(square, 0.0) * _SQUARE_CAP))


def _read_chances(part: Floats) -> dict[str, float]:
    weight = part[0]
    if weight <= 0:
        return {}
    rate, loss, brier = part[1:4] / weight
    ones, zeros = np.maximum(part[4 : 4 + BINS], 0.0), np.maximum(part[4 + BINS :], 0.0)
    below = np.concatenate(([0.0], np.cumsum(zeros)[:-1]))
    pairs = ones.sum() * zeros.sum()
    found = {"log_loss": loss * _LOSS_CAP, "brier": brier}
    if 0.0 < rate < 1.0:
        found["baseline_log_loss"] = float(-(rate * np.log(rate) + (1.0 - rate) * np.log1p(-rate)))
    if pairs > 0:
        found["auc"] = float((ones * (below + zeros / 2.0)).sum() / pairs)
    return found
