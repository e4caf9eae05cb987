"""What a voter keeps of earlier batches: sequences, last values, its series' past, and each group's median.

It is the voter's own: a hub can't make a device forget what it saw. A voter without memory (new, or restored) judges
by the batch alone until it has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from chain.core.types import Address, Name, Record, Uint
from households.consensus.config import CheckConfig
from households.consensus.corroborate import Past, lag_bucket_of
from households.consensus.series import Ints, Series, grid_of, median_over


class Curve(Record):
    """Means or medians in buckets: bucket numbers (int64) and values in units (float64), both little-endian."""

    bucket_ms: Uint
    index: bytes
    values: bytes

    @property
    def past(self) -> Past:
        """The curve as arrays."""
        return Past(
            bucket_ms=self.bucket_ms,
            index=np.frombuffer(self.index, dtype="<i8").astype(np.int64),
            values=np.frombuffer(self.values, dtype="<f8").astype(np.float64),
        )


class SeriesMemory(Record):
    """One device's quantity: the next unused sequence, the last time, and the tail of its values (int64,
    little-endian)."""

    device_id: Address
    quantity: Name
    next_sequence: Uint
    last_time_ms: Uint
    tail: bytes
    curve: Curve | None

    @property
    def values(self) -> Ints:
        """The remembered values, oldest first."""
        return np.frombuffer(self.tail, dtype="<i8").astype(np.int64)


class GroupMemory(Record):
    """The median of one area's comparable quantity."""

    area: Name
    quantity: Name
    curve: Curve


class Memory(Record):
    """All that a voter remembers of a home, in canonical order, so that it can be kept as bytes."""

    series: tuple[SeriesMemory, ...] = ()
    groups: tuple[GroupMemory, ...] = ()

    def by_series(self) -> dict[tuple[bytes, str], SeriesMemory]:
        """What is remembered of each (device id, quantity)."""
        return {(entry.device_id, entry.quantity): entry for entry in self.series}

    def by_group(self) -> dict[tuple[str, str], GroupMemory]:
        """What is remembered of each (area, quantity)."""
        return {(entry.area, entry.quantity): entry for entry in self.groups}


def remember(
    memory: Memory,
    seen: Iterable[tuple[Series, int]],
    groups: Mapping[tuple[str, str], list[Series]],
    config: CheckConfig,
) -> Memory:
    """The memory after a batch became final.

    ``seen`` are all its series with their highest sequence, good or bad: what a liar sent is old as well when it comes
    again. ``groups`` are the comparable series that were approved, by (area, quantity).
    """
    series, known = memory.by_series(), memory.by_group()
    for entry, last_sequence in seen:
        key = (entry.device_id, entry.quantity.name)
        series[key] = _series_after(series.get(key), entry, last_sequence, config)
    for place, members in groups.items():
        if members:
            before = known.get(place)
            known[place] = GroupMemory(*place, _curve_after(before.curve if before else None, members, config))
    return Memory(
        series=tuple(series[key] for key in sorted(series)),
        groups=tuple(known[place] for place in sorted(known)),
    )


def _series_after(old: SeriesMemory | None, series: Series, last_sequence: int, config: CheckConfig) -> SeriesMemory:
    before = old.values if old else np.empty(0, dtype=np.int64)
    tail = np.concatenate((before, series.values))[-config.copy_memory :]
    compared = config.cross_limit(series.quantity.name) is not None
    return SeriesMemory(
        device_id=series.device_id,
        quantity=series.quantity.name,
        next_sequence=max(last_sequence + 1, old.next_sequence if old else 1),
        last_time_ms=max(int(series.times_ms[-1]), old.last_time_ms if old else 0),
        tail=tail.astype("<i8").tobytes(),
        curve=_curve_after(old.curve if old else None, [series], config) if compared else None,
    )


def _curve_after(old: Curve | None, members: list[Series], config: CheckConfig) -> Curve:
    """The curve with the members' median of this batch added, cut to ``lag_memory`` buckets."""
    bucket_ms = lag_bucket_of(members, config)
    start_ms, grid = grid_of(members, bucket_ms)
    medians = median_over(grid)
    known = np.flatnonzero(~np.isnan(medians))
    index, values = start_ms // bucket_ms + known, medians[known]
    if old is not None and old.bucket_ms == bucket_ms:
        earlier = old.past.index < index[0]
        index = np.concatenate((old.past.index[earlier], index))
        values = np.concatenate((old.past.values[earlier], values))
    index, values = index[-config.lag_memory :], values[-config.lag_memory :]
    return Curve(bucket_ms, index.astype("<i8").tobytes(), values.astype("<f8").tobytes())
