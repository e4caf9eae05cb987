"""One series of a batch as arrays, and the even grid on which series are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from households.privacy.classes import Quantity

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """One device's values of one quantity in one batch, in rising order of time.

    ``times_ms`` and ``values`` have the shape (readings,); values are in the quantity's fixed point.
    """

    series_id: bytes
    device_id: bytes
    quantity: Quantity
    times_ms: Ints
    values: Ints

    def in_units(self) -> Floats:
        """The values in the quantity's unit."""
        return self.values / 10.0**self.quantity.decimals


def usual_step_ms(series: list[Series]) -> int:
    """The slowest of the series' median steps in ms, at least 1; what a grid must not be finer than."""
    steps = [int(np.median(np.diff(entry.times_ms))) for entry in series if len(entry.times_ms) > 1]
    return max([1, *steps])


def grid_of(series: list[Series], bucket_ms: int) -> tuple[int, Floats]:
    """Mean values of several series in common buckets of ``bucket_ms``.

    Returns the start in ms (a multiple of the bucket) and a matrix (series, buckets) in units, NaN where nothing was
    read.
    """
    start = min(int(entry.times_ms[0]) for entry in series) // bucket_ms
    end = max(int(entry.times_ms[-1]) for entry in series) // bucket_ms
    width = end - start + 1
    rows = [bucket_means(entry.times_ms // bucket_ms - start, entry.in_units(), width) for entry in series]
    return start * bucket_ms, np.stack(rows)


def bucket_means(index: Ints, values: Floats, width: int) -> Floats:
    """The mean of the values that fall into each of ``width`` buckets, NaN for empty ones; all arrays
    one-dimensional."""
    totals = np.bincount(index, values, width)
    counts = np.bincount(index, minlength=width)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def median_over(matrix: Floats) -> Floats:
    """The median over the series of a matrix (series, buckets), NaN where no series was read; without a warning."""
    seen = ~np.isnan(matrix).all(axis=0)
    medians = np.full(matrix.shape[1], np.nan)
    if matrix.size and seen.any():
        medians[seen] = np.nanmedian(matrix[:, seen], axis=0)
    return medians
