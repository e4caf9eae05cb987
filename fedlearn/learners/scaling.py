"""Federated-safe standardising: means and spreads of all homes' features from one masked sum, or fixed scales alone.

Templates put features into fixed scales and cut them off at ``FEATURE_LIMIT``, so each home's part of the sum is
bounded whatever it has measured. All homes weigh the same.
"""

from __future__ import annotations

import numpy as np

from chain.core.types import Record
from fedlearn.learners.errors import StatisticsInvalid, TableInvalid
from fedlearn.learners.table import FEATURE_LIMIT, Floats

_SPREAD_MIN = 1e-3


class Scaler(Record):
    """What is taken off each feature and what it is divided by, in billionths: the same on any machine."""

    means_nano: tuple[int, ...]
    spreads_nano: tuple[int, ...]

    def apply(self, x: Floats) -> Floats:
        """x (rows, features) with a mean of about 0 and a spread of about 1, cut off again at the limit.

        Raises ``TableInvalid``.
        """
        if x.ndim != 2 or x.shape[1] != len(self.means_nano):
            raise TableInvalid
        means, spreads = np.array(self.means_nano) / 1e9, np.array(self.spreads_nano) / 1e9
        return np.clip((x - means) / spreads, -FEATURE_LIMIT, FEATURE_LIMIT)


def scaler_fixed(features: int) -> Scaler:
    """The scaler that leaves the template's fixed scales as they are."""
    return Scaler((0,) * features, (10**9,) * features)


def statistics_of(x: Floats) -> Floats:
    """A home's part of the statistics round (2 features,): means and mean squares, each within -1 .. 1.

    ``x`` (rows, features) is within ``FEATURE_LIMIT``. The L2 norm is at most the root of the length. A home without
    rows must not take part. Raises ``TableInvalid``.
    """
    if x.ndim != 2 or not len(x) or not np.isfinite(x).all() or (np.abs(x) > FEATURE_LIMIT).any():
        raise TableInvalid
    return np.concatenate((x.mean(axis=0) / FEATURE_LIMIT, (x**2).mean(axis=0) / FEATURE_LIMIT**2))


def scaler_of(total: Floats, homes: int) -> Scaler:
    """The scaler of a sum of ``statistics_of`` over so many homes.

    Noise may have made a variance negative; a spread is never below 0.001. Raises ``StatisticsInvalid``.
    """
    if total.ndim != 1 or len(total) % 2 or homes < 1 or not np.isfinite(total).all():
        raise StatisticsInvalid
    means, squares = np.split(total / homes, 2)
    means = means * FEATURE_LIMIT
    variances = squares * FEATURE_LIMIT**2 - means**2
    spreads = np.sqrt(np.maximum(variances, _SPREAD_MIN**2))
    return Scaler(_nano(means), _nano(spreads))


def _nano(values: Floats) -> tuple[int, ...]:
    return tuple(round(value * 1e9) for value in values.tolist())
