"""What the templates share: scaled columns, gaps in optional ones, rows that are complete."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fedlearn.learners.grid import Grid
from fedlearn.learners.table import FEATURE_LIMIT, Feature, Floats, Ints, Table


def table_of(
    grid: Grid, features: Sequence[Feature], columns: Sequence[Floats], label: Floats, baseline: Floats
) -> Table:
    """The rows of a grid that have a label and every feature that is not optional.

    ``columns`` are raw, one for each feature, NaN where nothing was measured; optional ones become 0 there.
    """
    scaled = np.column_stack(
        [_scaled(feature, column) for feature, column in zip(features, columns, strict=True)]
    ).astype(np.float64)
    has_label = np.isfinite(label)
    complete = has_label & np.isfinite(baseline) & np.isfinite(scaled).all(axis=1)
    names = tuple(feature.name for feature in features)
    times: Ints = grid.times_ms
    skipped = int(has_label.sum() - complete.sum())
    return Table(scaled[complete], label[complete], times[complete], baseline[complete], names, skipped)


def clock_features(orders: int) -> tuple[Feature, ...]:
    """Features for ``grid.harmonics`` of the day."""
    return tuple(Feature(f"hour_{wave}{order}", "1") for order in range(1, orders + 1) for wave in ("sin", "cos"))


def week_features(orders: int) -> tuple[Feature, ...]:
    """Features for ``grid.harmonics`` of the week."""
    return tuple(Feature(f"week_{wave}{order}", "1") for order in range(1, orders + 1) for wave in ("sin", "cos"))


def _scaled(feature: Feature, column: Floats) -> Floats:
    scaled = np.clip((column - feature.offset) / feature.scale, -FEATURE_LIMIT, FEATURE_LIMIT)
    return np.nan_to_num(scaled, nan=0.0) if feature.optional else scaled
