"""The local rows of a job: raw readings of licensed lots, proven to be those that the home's devices approved.

For each lot the votes of the batch's certificate are verified, and the lot's rows are computed again from the stored
readings and compared with the root that the devices signed. So a changed, added or missing reading is noticed before
anything is learnt from it. Segments are read a few at a time; what is kept of them is two arrays for each series.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from chain.consensus.ballot import PlainRoot
from chain.core.codec import decode
from chain.core.errors import Malformed
from chain.exchange.certificate import QuorumCertificate, certificate_check
from chain.exchange.errors import LotFault
from chain.exchange.rows import chunk_read, plain_root
from fedlearn.learners.table import NotSuited, RawSeries, Table, Template
from households.consensus.batch import terms_parse
from households.consensus.readings import segment_parse
from households.consensus.roots import series_chunks
from households.consensus.series import Series
from households.home.models import StoredSegment
from households.learning.errors import RowsDoNotMatch
from households.learning.lots import lots_for_training, lots_licensed
from households.models import HOME, Household, Lot, UploadSchedule
from households.privacy.classes import quantity_of

READINGS_MAX = 4_000_000
SEGMENTS_AT_ONCE = 256
MOCK_ROWS = 168
KEY_BYTES = 33


def table_of(
    household: Household, template: Template, lot_ids: Iterable[bytes], classes: Collection[str], now: datetime
) -> Table | NotSuited:
    """What a job learns from in this home: the template's table of the licensed lots of the allowed classes.

    Raises ``LotNotForTraining``, ``RowsDoNotMatch``.
    """
    return template.build(series_of(household, lot_ids, classes), utc_offset_min(household, now))


def mock_table_of(
    household: Household, template: Template, classes: Collection[str], now: datetime
) -> Table | NotSuited:
    """What an enterprise may try its plan on before it pays: the template's table of ``mock_series_of``.

    Raises ``RowsDoNotMatch``.
    """
    return template.build(mock_series_of(household, classes), utc_offset_min(household, now))


def series_of(
    household: Household, lot_ids: Iterable[bytes], classes: Collection[str], *, limit: int = READINGS_MAX
) -> list[RawSeries]:
    """The raw readings behind licensed lots, one series for each device and quantity, always in the same order.

    At most ``limit`` readings, of the newest lots. Raises ``LotNotForTraining``; ``RowsDoNotMatch`` if what is stored
    is not what the devices approved.
    """
    parts: dict[tuple[int, str, str], list[Series]] = {}
    left = limit
    for lot in lots_licensed(household, lot_ids, classes):
        series = lot_series(lot)
        left -= len(series.times_ms)
        if left < 0:
            break
        parts.setdefault(_place(lot), []).append(series)
    return [_joined(place, parts[place]) for place in sorted(parts)]


def mock_series_of(household: Household, classes: Collection[str], *, rows: int = MOCK_ROWS) -> list[RawSeries]:
    """A small sample of what is on offer: the last ``rows`` rows of the newest lot of each device and quantity.

    They are rows of the lot itself, made coarser by the owner's own rule; never raw readings. Raises
    ``RowsDoNotMatch``.
    """
    newest: dict[tuple[int, str, str], Lot] = {}
    offered = [bytes(lot.lot_id) for lot in lots_for_training(household, offered=True)]
    for lot in lots_licensed(household, offered, classes):
        newest.setdefault(_place(lot), lot)
    return [_sample(newest[place], rows) for place in sorted(newest)]


def lot_series(lot: Lot) -> Series:
    """The raw readings of one lot, as its devices approved them. Raises ``RowsDoNotMatch``."""
    return _proven(lot)[0]


def utc_offset_min(household: Household, now: datetime) -> int:
    """The home's fixed offset from UTC in minutes, without daylight saving, by the time zone of its schedule."""
    name = UploadSchedule.objects.using(HOME).filter(pk=household.pk).values_list("zone", flat=True).first() or "UTC"
    local = now.astimezone(ZoneInfo(name))
    return int(((local.utcoffset() or timedelta()) - (local.dst() or timedelta())).total_seconds()) // 60


def _proven(lot: Lot) -> tuple[Series, list[bytes]]:
    """The stored readings, and the chunks of rows that are made of them: those whose root the devices signed."""
    terms = terms_parse(bytes(lot.batch.terms))
    entry = next((entry for entry in terms.series if entry.series_id == bytes(lot.series_id)), None)
    if entry is None or entry.lot is None:
        raise RowsDoNotMatch
    series = _stored(lot)
    chunks = series_chunks(series, entry.lot.rule, terms.seed) if len(series.times_ms) else []
    if not chunks or plain_root(entry.lot.salts, chunks) != _signed_root(lot).plain_root:
        raise RowsDoNotMatch
    return series, chunks


def _signed_root(lot: Lot) -> PlainRoot:
    """The root that a quorum of the home's devices signed for this series, once their signatures are verified."""
    keys = bytes(lot.comparable)
    try:
        certificate = decode(QuorumCertificate, bytes(lot.batch.certificate))
        roots = [root for root in certificate.plain_roots if root.series_id == bytes(lot.series_id)]
        if not roots:
            raise RowsDoNotMatch
        certificate_check(certificate, roots[0], [keys[i : i + KEY_BYTES] for i in range(0, len(keys), KEY_BYTES)])
    except (Malformed, LotFault):
        raise RowsDoNotMatch from None
    return roots[0]


def _stored(lot: Lot) -> Series:
    times, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for raw in _raws(lot):
        segment = segment_parse(raw).segment
        times.append(np.array(segment.times_ms, dtype=np.int64))
        values.append(np.array(segment.values, dtype=np.int64))
    return Series(
        series_id=bytes(lot.series_id),
        device_id=bytes(lot.device.device_id),
        quantity=quantity_of(lot.device.device_class, lot.quantity),
        times_ms=np.concatenate(times),
        values=np.concatenate(values),
    )


def _raws(lot: Lot) -> Iterator[bytes]:
    rows = StoredSegment.objects.using(HOME).filter(batch_key=lot.batch.readings_key, series__device=lot.device_id)
    rows = rows.filter(series__quantity=lot.quantity).order_by("first_sequence")
    for raw in rows.values_list("raw", flat=True).iterator(chunk_size=SEGMENTS_AT_ONCE):
        yield bytes(raw)


def _place(lot: Lot) -> tuple[int, str, str]:
    return lot.device.account_index, lot.device.device_class, lot.quantity


def _sample(lot: Lot, rows: int) -> RawSeries:
    series, chunks = _proven(lot)
    coarse = [row for chunk in chunks for row in chunk_read(chunk).rows][-rows:]
    return RawSeries(
        device_class=lot.device.device_class,
        quantity=lot.quantity,
        times_ms=np.array([row[0] for row in coarse], dtype=np.int64),
        values=np.array([row[1] for row in coarse], dtype=np.float64) / 10.0**series.quantity.decimals,
    )


def _joined(place: tuple[int, str, str], parts: list[Series]) -> RawSeries:
    """The batches of one series as one, in order of time; of two readings with one time the newer batch's counts."""
    times, first = np.unique(np.concatenate([part.times_ms for part in parts]), return_index=True)
    values = np.concatenate([part.in_units() for part in parts])
    return RawSeries(device_class=place[1], quantity=place[2], times_ms=times, values=values[first])
