"""A home's own readings as they come, and the table of features and labels that a template makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fedlearn.learners.errors import SeriesInvalid, TableInvalid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
FEATURE_LIMIT: Final = 8.0
"""Scaled features are cut off here, so that no reading of one home weighs more than this in a sum."""


@dataclass(frozen=True, slots=True)
class RawSeries:
    """One device's readings of one quantity.

    ``times_ms`` (readings,) rises strictly, in milliseconds since 1970 UTC; ``values`` (readings,) are in the
    quantity's unit (kWh, C, ppm ...; ``households.privacy.classes``).

    Raises:
        SeriesInvalid
    """

    device_class: str
    quantity: str
    times_ms: Ints
    values: Floats

    def __post_init__(self) -> None:
        if self.times_ms.ndim != 1 or self.times_ms.shape != self.values.shape:
            raise SeriesInvalid
        if self.times_ms.dtype != np.int64 or not np.isfinite(self.values).all():
            raise SeriesInvalid
        if (np.diff(self.times_ms) <= 0).any():
            raise SeriesInvalid


@dataclass(frozen=True, slots=True)
class Feature:
    """A column of X: ``(raw - offset) / scale`` in ``unit``. ``optional`` ones are 0 where nothing was measured."""

    name: str
    unit: str
    offset: float = 0.0
    scale: float = 1.0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """What a home learns from.

    ``x`` (rows, features) in fixed scales, ``y`` (rows,), ``times_ms`` (rows,) the start of the time that the label
    is about (UTC), ``baseline`` (rows,) what a guess without learning says of y, ``names`` of the features.
    ``skipped`` counts times that had a label but not all they need.
    """

    x: Floats
    y: Floats
    times_ms: Ints
    baseline: Floats
    names: tuple[str, ...]
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.y)

    def rows(self, chosen: Any) -> Table:
        """The rows of an index, mask or slice."""
        return Table(
            self.x[chosen], self.y[chosen], self.times_ms[chosen], self.baseline[chosen], self.names, self.skipped
        )

    def split(self, share: float) -> tuple[Table, Table]:
        """The earlier ``share`` (0..1) of the rows and the later rest, so that no test row lies before a learnt one."""
        cut = round(len(self) * share)
        return self.rows(slice(0, cut)), self.rows(slice(cut, None))


@dataclass(frozen=True, slots=True)
class NotSuited:
    """Why a home is not asked: a result, not a fault. ``missing`` names device classes and quantities."""

    code: str
    missing: tuple[str, ...] = ()


LACKS_DEVICES: Final = "home_lacks_devices"
LACKS_ROWS: Final = "home_lacks_rows"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a template reads, and the (device class, quantity) pairs that may give it, best first."""

    sources: tuple[tuple[str, str], ...]
    optional: bool = False

    @property
    def text(self) -> str:
        """The pairs as ``air:co2|multi:co2``."""
        return "|".join(":".join(source) for source in self.sources)


@dataclass(frozen=True, slots=True)
class Template:
    """A task: what it needs of a home, and what it makes of it.

    ``build`` makes the table of series and the home's offset from UTC in minutes. ``binary`` says whether labels are
    0 and 1. ``step_ms`` is the time between rows, ``minimum_rows`` the fewest with which a home is asked.
    """

    name: str
    title: str
    needs: tuple[Need, ...]
    features: tuple[Feature, ...]
    label: str
    unit: str
    binary: bool
    step_ms: int
    minimum_rows: int
    make: Callable[[Readings, int], Table] = field(repr=False)
    mock_series: Callable[[np.random.Generator], list[RawSeries]] = field(repr=False)

    def build(self, series: Iterable[RawSeries], utc_offset_min: int) -> Table | NotSuited:
        """A home's table, or why it is not suited.

        ``utc_offset_min`` is the home's fixed offset from UTC in minutes (no daylight saving: hours stay 24 a day).
        """
        readings = Readings(tuple(series))
        missing = tuple(need.text for need in self.needs if not need.optional and not readings.of(need))
        if missing:
            return NotSuited(LACKS_DEVICES, missing)
        table = self.make(readings, utc_offset_min)
        return table if len(table) >= self.minimum_rows else NotSuited(LACKS_ROWS)

    def mock(self, rng: np.random.Generator) -> Table:
        """A small table of made-up readings with the same columns, for a dry run; it holds nothing of any home."""
        table = self.build(self.mock_series(rng), 0)
        if isinstance(table, NotSuited):
            raise TableInvalid
        return table

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, in the order of the columns."""
        return tuple(feature.name for feature in self.features)


@dataclass(frozen=True, slots=True)
class Readings:
    """A home's series, to be asked for by need."""

    series: tuple[RawSeries, ...]

    def of(self, need: Need) -> list[RawSeries]:
        """All series of the first source that the home has, or none."""
        for source in need.sources:
            found = [
                entry for entry in self.series if (entry.device_class, entry.quantity) == source and len(entry.values)
            ]
            if found:
                return found
        return []
