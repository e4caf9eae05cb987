"""What a batch holds: its terms, its segments in order, its series as arrays, and the chunks of its lots.

A batch that seals lots of another once more holds that one's readings.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import msgspec
import numpy as np
from django.db.models import Q, QuerySet

from chain.contracts.devices.rows import BatchLot
from households.consensus.batch import BatchData, batch_order, series_id, terms_parse
from households.consensus.readings import segment_parse
from households.consensus.roots import series_chunks
from households.consensus.series import Series
from households.home.models import Series as SeriesRow
from households.home.models import StoredSegment
from households.models import HOME, Batch, Device, Lot
from households.privacy.classes import quantity_of


@dataclass(frozen=True, slots=True)
class SeriesData:
    """One series of a batch: its row, and its readings as voters see them."""

    row: SeriesRow
    series: Series

    @property
    def sid(self) -> bytes:
        """The series' id in its batch."""
        return self.series.series_id


def batch_data(batch: Batch) -> BatchData:
    """Terms and raw segments in batch order, as voters get them."""
    return BatchData(terms_parse(bytes(batch.terms)), tuple(batch_segments(batch)))


def batch_segments(batch: Batch) -> list[bytes]:
    """The raw signed segments of a batch, in the order in which they are hashed."""
    fields = _segments(batch).values_list("series__device__device_id", "series__quantity", "first_sequence", "raw")
    return batch_order((bytes(device), quantity, first, bytes(raw)) for device, quantity, first, raw in fields)


def batch_lots(batch: Batch) -> tuple[BatchLot, ...]:
    """The lots that the hub proposes, with the roots it computed; in rising order of series."""
    return tuple(msgspec.msgpack.decode(bytes(batch.roots), type=list[BatchLot]))


def lot_chunks(lot: Lot, rule: bytes, seed: bytes) -> list[bytes]:
    """The plaintexts of a lot's data chunks: as laid out, or computed anew if they are kept no longer."""
    if lot.chunks:
        return msgspec.msgpack.decode(bytes(lot.chunks), type=list[bytes])
    (data,) = series_of_batch(lot.batch, device=lot.device, quantity=lot.quantity)
    return series_chunks(data.series, rule, seed)


def series_of_batch(batch: Batch, *, device: Device | None = None, quantity: str = "") -> list[SeriesData]:
    """The series of a batch (or one of them) with their readings, in rising order of series id."""
    rows = _segments(batch)
    if device is not None:
        rows = rows.filter(series__device=device, series__quantity=quantity)
    raws: dict[int, list[bytes]] = defaultdict(list)
    for series_pk, raw in rows.order_by("series", "first_sequence").values_list("series_id", "raw"):
        raws[series_pk].append(bytes(raw))
    found = SeriesRow.objects.using(HOME).filter(pk__in=raws).select_related("device")
    origin = bytes(batch.source.batch_id if batch.source else batch.batch_id)
    series = [SeriesData(row, _series(origin, row, raws[row.pk])) for row in found]
    return sorted(series, key=lambda data: data.sid)


def _segments(batch: Batch) -> QuerySet[StoredSegment]:
    """The stored segments of a batch; of one that seals again, those of the series that it seals."""
    rows = StoredSegment.objects.using(HOME).filter(batch_key=batch.readings_key)
    if batch.source_id is None:
        return rows
    wanted = Q(pk__in=[])
    lots = Lot.objects.using(HOME).filter(batch=batch).exclude(state=Lot.State.REJECTED)
    for device_pk, quantity in lots.values_list("device_id", "quantity"):
        wanted |= Q(series__device=device_pk, series__quantity=quantity)
    return rows.filter(wanted)


def _series(batch_id: bytes, row: SeriesRow, raws: list[bytes]) -> Series:
    segments = [segment_parse(raw).segment for raw in raws]
    device_id = bytes(row.device.device_id)
    return Series(
        series_id=series_id(batch_id, device_id, row.quantity),
        device_id=device_id,
        quantity=quantity_of(row.device.device_class, row.quantity),
        times_ms=np.array([t for segment in segments for t in segment.times_ms], dtype=np.int64),
        values=np.array([v for segment in segments for v in segment.values], dtype=np.int64),
    )
