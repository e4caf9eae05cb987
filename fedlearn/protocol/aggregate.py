"""The mean of updates, and the trimmed mean of group means, which stands a few bad groups (Yin et al. 2018)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from fedlearn.protocol.clip import Vector
from fedlearn.protocol.errors import LengthWrong, PlanInvalid, ValueNotFinite

Matrix = NDArray[np.float64]
TRIM_PM: Final = 200
"""The share of groups, per mille, that is left out on each side of a coordinate."""


class TrimTooWide(PlanInvalid):
    code = "aggregate_trim_too_wide"
    title = "Trimming would leave no group"


class WeightsInvalid(PlanInvalid):
    code = "aggregate_weights_invalid"
    title = "Weights must be finite, not negative and not all nothing"


def mean_of_sum(total: Vector, clients: int) -> Vector:
    """The mean update of a masked sum over so many clients. Raises ``LengthWrong``, ``ValueNotFinite``."""
    if clients < 1 or total.ndim != 1:
        raise LengthWrong
    if not np.isfinite(total).all():
        raise ValueNotFinite
    mean: Vector = total / clients
    return mean


def mean_of(updates: Matrix, weights: Vector | None = None) -> Vector:
    """The mean (length,) of updates (clients, length), equal or weighted by ``weights`` (clients,).

    Hearth's masked rounds are equal: weights would tell how much data a home has. Raises ``LengthWrong``,
    ``ValueNotFinite``, ``WeightsInvalid``.
    """
    _check(updates)
    if weights is None:
        return np.asarray(updates.mean(axis=0), dtype=np.float64)
    if weights.shape != (len(updates),):
        raise LengthWrong
    if not np.isfinite(weights).all() or (weights < 0).any() or weights.sum() <= 0:
        raise WeightsInvalid
    return np.asarray(weights @ updates / weights.sum(), dtype=np.float64)


def trimmed_mean(group_means: Matrix, trim_pm: int = TRIM_PM) -> Vector:
    """In each coordinate the mean (length,) of group means (groups, length) without the lowest and highest ones.

    On each side ``trim_pm`` per mille of the groups are left out, rounded down, but at least one if it is not 0. So it
    stands as many bad groups as are left out on one side, and no more. Raises ``LengthWrong``, ``ValueNotFinite``,
    ``TrimTooWide``.
    """
    _check(group_means)
    groups = len(group_means)
    cut = trimmed_groups(groups, trim_pm)
    if 2 * cut >= groups:
        raise TrimTooWide
    kept = np.sort(group_means, axis=0)[cut : groups - cut]
    return np.asarray(kept.mean(axis=0), dtype=np.float64)


def trimmed_groups(groups: int, trim_pm: int = TRIM_PM) -> int:
    """How many groups are left out on each side: so many bad ones are withstood. Raises ``TrimTooWide``."""
    if not 0 <= trim_pm < 500:
        raise TrimTooWide
    return max(1, groups * trim_pm // 1000) if trim_pm else 0


def _check(updates: Matrix) -> None:
    if updates.ndim != 2 or not len(updates):
        raise LengthWrong
    if not np.isfinite(updates).all():
        raise ValueNotFinite
