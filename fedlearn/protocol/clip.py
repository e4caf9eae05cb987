"""Clipping an update to an L2 norm, always at the hub: it bounds what one home can do to a sum, and show by it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fedlearn.protocol.errors import ClipNormInvalid, ValueNotFinite

Vector = NDArray[np.float64]


def clip_to_norm(update: Vector, norm: float) -> Vector:
    """The update, scaled down to L2 norm ``norm`` if it is longer (Abadi et al. 2016), in an array of its own.

    ``update`` has one dimension. Raises ``ClipNormInvalid``; ``ValueNotFinite`` for infinities and values that are no
    numbers.
    """
    if not (math.isfinite(norm) and norm > 0):
        raise ClipNormInvalid
    if not np.isfinite(update).all():
        raise ValueNotFinite
    largest = float(np.max(np.abs(update), initial=0.0))
    if largest == 0.0:
        return update.astype(np.float64)
    # Over the largest value first: squares of very large or small ones would leave the range of a float.
    length = largest * float(np.linalg.norm(update / largest))
    if length <= norm:
        return update.astype(np.float64)
    clipped: Vector = (update / largest) * (norm / (length / largest))
    return clipped


def norm_of(update: Vector) -> float:
    """The L2 norm."""
    return float(np.linalg.norm(update))
