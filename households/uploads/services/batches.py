"""Closing a batch and laying it out for the vote: terms, raw segments, and the lots that would come of it.

Everything here is deterministic given the rows and the home's cloud secret, so each step may run again after a crash
and gives the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

import msgspec
import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import F, Max, Sum
from django.utils import timezone

from chain.contracts.devices import may
from chain.contracts.devices.rows import BatchLot
from chain.core.codec import encode
from chain.crypto.hashing import tagged
from chain.exchange.lots import LotSecrets, batch_seed, salts
from chain.exchange.rows import batch_root, batch_salt, plain_root
from chain.wallets.hd import cloud_secret, payee_child
from households.consensus.batch import (
    MAX_SEGMENTS,
    BatchData,
    BatchTerms,
    LotTerms,
    SeriesTerms,
    batch_order,
    series_id,
    terms_parse,
)
from households.consensus.readings import segment_parse
from households.consensus.roots import series_chunks
from households.consensus.series import Series
from households.home.models import Series as SeriesRow
from households.home.models import StoredSegment
from households.models import HOME, Batch, Device, Household, Lot, UploadSchedule
from households.privacy.classes import quantity_of
from households.privacy.levels import rule_encode
from households.services.activity import activity_note
from households.services.checks import limits_of
from households.services.households import consent_present
from households.services.ledgers import device_ledger
from households.services.nudges import ledger_nudge, uploads_nudge
from households.services.rules import Terms, privacy_rule, terms_of
from households.services.secrets import operational_of
from households.uploads.schedule import next_due, schedule_parse
from marketplace.common.types import to_ms
from marketplace.common.work import advance, renew

_DAY_MS = 86_400_000
_UPDATE_ROWS = 500


@dataclass(frozen=True, slots=True)
class SeriesData:
    """One series of a batch: its row, and its readings as voters see them."""

    row: SeriesRow
    series: Series

    @property
    def sid(self) -> bytes:
        """The series' id in its batch."""
        return self.series.series_id


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A shared series, ready for the vote."""

    terms: LotTerms
    root: BatchLot
    chunks: list[bytes]


def batch_close(*, household: Household, cut_ms: int) -> Batch | None:
    """Close a batch of all readings up to ``cut_ms`` that went into none; None when there are none."""
    waiting = StoredSegment.objects.using(HOME).filter(household=household, batch_key=None, last_ms__lt=cut_ms)
    try:
        with transaction.atomic(using=HOME):
            oldest = list(waiting.order_by("last_ms", "pk").values_list("pk", "first_ms")[:MAX_SEGMENTS])
            if not oldest:
                return None
            batch = Batch.objects.using(HOME).create(
                household=household,
                number=_number_next(household),
                batch_id=batch_id_next(household),
                from_ms=min(first for _, first in oldest),
                cut_ms=cut_ms,
                segments=len(oldest),
            )
            taken = [pk for pk, _ in oldest]
            for start in range(0, len(taken), _UPDATE_ROWS):
                waiting.filter(pk__in=taken[start : start + _UPDATE_ROWS]).update(batch_key=batch.pk)
            total = StoredSegment.objects.using(HOME).filter(batch_key=batch.pk).aggregate(n=Sum("readings"))["n"]
            Batch.objects.using(HOME).filter(pk=batch.pk).update(readings=total or 0)
            activity_note(household=household, kind="batch.closed", topic="uploads", facts={"batch": batch.number})
            uploads_nudge(household)
    except IntegrityError:
        return None  # another worker closed it
    batch.refresh_from_db(using=HOME)
    return batch


def batch_id_next(household: Household) -> bytes:
    """The 32-byte id that the home's next batch will have."""
    return tagged("hearth/batch", household.ledger.encode(), _number_next(household).to_bytes(8, "big"))


def _number_next(household: Household) -> int:
    last = Batch.objects.using(HOME).filter(household=household).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def batch_close_if_due(*, household: Household, now: datetime) -> Batch | None:
    """Close a batch if the home's schedule says so. Beat and the sweep both ask; the first one moves the row on."""
    schedule = UploadSchedule.objects.using(HOME).filter(household=household, enabled=True).first()
    if schedule is None or schedule.next_due_at is None or household.state != Household.State.ACTIVE:
        return None
    if now < schedule.next_due_at:
        return None
    following = next_due(schedule_parse(schedule.text), now, schedule.zone)
    mine = UploadSchedule.objects.using(HOME).filter(pk=schedule.pk, next_due_at=schedule.next_due_at)
    if mine.update(next_due_at=following) != 1:
        return None
    return batch_close(household=household, cut_ms=to_ms(now))


def batch_prepare(batch: Batch) -> None:
    """Lay a closed batch out for the vote: give each shared series a payee that was never used, desensitise it, and
    write terms and roots.

    The caller holds the batch's lease. Raises ``NodeKeyMissing``, ``BoxDamaged``.
    """
    found = series_of_batch(batch)
    shared = _shared(batch.household, found)
    secret = cloud_secret(operational_of(batch.household))
    seed = batch_seed(secret, bytes(batch.batch_id))
    with transaction.atomic(using=HOME):
        renew(batch, using=HOME)
        for data in found:
            if data.series.series_id in shared:
                _lot_plan(batch, data, shared[data.series.series_id])
    laid = {sid: _lay_out(batch, data, shared[sid], seed, secret) for data in found if (sid := data.sid) in shared}
    terms = _terms(batch, found, laid, seed)
    with transaction.atomic(using=HOME):
        advance(
            batch,
            using=HOME,
            state=Batch.State.PREPARED,
            terms=encode(terms),
            roots=msgspec.msgpack.encode([laid[data.sid].root for data in found if data.sid in laid]),
            series_count=len(found),
        )
        for sid, lot in laid.items():
            chunks = msgspec.msgpack.encode(lot.chunks)
            Lot.objects.using(HOME).filter(batch=batch, series_id=sid).update(chunks=chunks, reject_code="")
        ledger_nudge(batch.household)


def batch_data(batch: Batch) -> BatchData:
    """Terms and raw segments in batch order, as voters get them."""
    return BatchData(terms_parse(bytes(batch.terms)), tuple(batch_segments(batch)))


def batch_segments(batch: Batch) -> list[bytes]:
    """The raw signed segments of a batch, in the order in which they are hashed."""
    rows = StoredSegment.objects.using(HOME).filter(batch_key=batch.pk).select_related("series__device")
    fields = rows.values_list("series__device__device_id", "series__quantity", "first_sequence", "raw")
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
    rows = StoredSegment.objects.using(HOME).filter(batch_key=batch.pk)
    if device is not None:
        rows = rows.filter(series__device=device, series__quantity=quantity)
    raws: dict[int, list[bytes]] = defaultdict(list)
    for series_pk, raw in rows.order_by("series", "first_sequence").values_list("series_id", "raw"):
        raws[series_pk].append(bytes(raw))
    found = SeriesRow.objects.using(HOME).filter(pk__in=raws).select_related("device")
    series = [SeriesData(row, _series(bytes(batch.batch_id), row, raws[row.pk])) for row in found]
    return sorted(series, key=lambda data: data.sid)


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


def _shared(household: Household, found: list[SeriesData]) -> dict[bytes, Terms]:
    """Which series the owner shares: the class's rule says so, the owner consented, and the ledger lets the device."""
    if not consent_present(household):
        return {}
    terms = terms_of(household)
    with device_ledger(household) as ledger:
        return {
            data.series.series_id: own
            for data in found
            if (own := terms[data.row.device.device_class]).share
            and all(may(ledger.state, data.series.device_id, permission) for permission in own.permissions)
        }


def _terms(batch: Batch, found: list[SeriesData], laid: dict[bytes, LaidOut], seed: bytes) -> BatchTerms:
    return BatchTerms(
        ledger=batch.household.ledger,
        batch_id=bytes(batch.batch_id),
        opened_ms=batch.from_ms,
        closed_ms=batch.cut_ms,
        seed=seed,
        series=tuple(
            SeriesTerms(
                series_id=data.sid,
                device_id=data.series.device_id,
                quantity=data.row.quantity,
                account=bytes(data.row.device.account),
                low=data.row.low,
                high=data.row.high,
                lot=laid[data.sid].terms if data.sid in laid else None,
            )
            for data in found
        ),
        cell=batch.household.cell,
        limits=limits_of(batch.household),
    )


def _lay_out(batch: Batch, data: SeriesData, terms: Terms, seed: bytes, secret: bytes) -> LaidOut:
    """Desensitise a series once: what voters check, the roots to propose, and the chunks to seal later."""
    rule = rule_encode(privacy_rule(terms, data.row.quantity, (data.row.low, data.row.high)))
    lot = Lot.objects.using(HOME).get(batch=batch, series_id=data.sid)
    chunks = series_chunks(data.series, rule, seed)
    lot_terms = LotTerms(rule, tuple(salts(LotSecrets.derive(secret, bytes(lot.payee_key)), len(chunks) + 1)))
    root = BatchLot(
        series_id=data.sid,
        device=data.series.device_id,
        plain_root=plain_root(lot_terms.salts, chunks),
        batch_root=batch_root(batch_salt(seed, data.sid), chunks),
    )
    return LaidOut(lot_terms, root, chunks)


def _lot_plan(batch: Batch, data: SeriesData, terms: Terms) -> None:
    """Plan a lot under the next payee child of the device. Inside the caller's transaction; once for a series."""
    lots = Lot.objects.using(HOME)
    if lots.filter(batch=batch, series_id=data.series.series_id).exists():
        return
    device = Device.objects.using(HOME).get(pk=data.row.device_id)
    Device.objects.using(HOME).filter(pk=device.pk).update(next_child=F("next_child") + 1)
    operational = operational_of(batch.household)
    payee = payee_child(operational, device.account_index, device.next_child)
    secrets = LotSecrets.derive(cloud_secret(operational), payee.public_key)
    now_ms = int(timezone.now().timestamp() * 1000)
    lots.create(
        household=batch.household,
        batch=batch,
        device=device,
        quantity=data.row.quantity,
        series_id=data.series.series_id,
        child_index=device.next_child,
        payee_key=payee.public_key,
        payee=payee.address,
        lot_id=secrets.lot_id,
        object_id=secrets.object_id,
        price=terms.price,
        licence=terms.licence_text.digest,
        expires_ms=now_ms + terms.expiry_days * _DAY_MS,
    )
