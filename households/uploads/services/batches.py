"""Closing a batch and laying it out for the vote: terms, raw segments, and the lots that would come of it.

Everything here is deterministic given the rows and the home's cloud secret, so each step may run again after a crash
and gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec
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
    BatchTerms,
    LotTerms,
    SeriesTerms,
)
from households.consensus.roots import series_chunks
from households.home.models import StoredSegment
from households.models import HOME, Batch, Device, Household, Lot, UploadSchedule
from households.privacy.levels import rule_encode
from households.services.activity import activity_note
from households.services.checks import limits_of
from households.services.households import consent_present
from households.services.ledgers import device_ledger
from households.services.nudges import ledger_nudge, uploads_nudge
from households.services.rules import Terms, privacy_rule, terms_of
from households.services.secrets import operational_of
from households.uploads.schedule import next_due, schedule_parse
from households.uploads.services.contents import SeriesData, series_of_batch
from marketplace.common.types import to_ms
from marketplace.common.work import advance, renew

_DAY_MS = 86_400_000
_UPDATE_ROWS = 500


@dataclass(frozen=True, slots=True)
class LaidOut:
    """A shared series, ready for the vote."""

    terms: LotTerms
    root: BatchLot
    chunks: list[bytes]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a lot is offered for: credits, the licence's hash, and until when."""

    price: int
    licence: bytes
    expires_ms: int


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
                number=batch_number_next(household),
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
    return tagged("hearth/batch", household.ledger.encode(), batch_number_next(household).to_bytes(8, "big"))


def batch_number_next(household: Household) -> int:
    """The number that the home's next batch will have, from 1."""
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
    shared = series_shared(batch.household, found)
    secret = cloud_secret(operational_of(batch.household))
    seed = batch_seed(secret, bytes(batch.batch_id))
    with transaction.atomic(using=HOME):
        renew(batch, using=HOME)
        for data in found:
            if data.series.series_id in shared:
                _lot_plan(batch, data, shared[data.series.series_id])
    rules = {data.sid: _rule(data, shared[data.sid]) for data in found if data.sid in shared}
    laid = {data.sid: lay_out(batch, data, rules[data.sid], seed, secret) for data in found if data.sid in rules}
    series = series_terms(found, laid)
    terms = BatchTerms(
        ledger=batch.household.ledger,
        batch_id=bytes(batch.batch_id),
        opened_ms=batch.from_ms,
        closed_ms=batch.cut_ms,
        seed=seed,
        series=series,
        cell=batch.household.cell,
        limits=limits_of(batch.household),
    )
    prepared_write(batch, terms, laid)


def prepared_write(batch: Batch, terms: BatchTerms, laid: Mapping[bytes, LaidOut]) -> None:
    """Keep what was laid out: terms, roots to propose, and the chunks to seal later. The caller holds the lease."""
    with transaction.atomic(using=HOME):
        advance(
            batch,
            using=HOME,
            state=Batch.State.PREPARED,
            terms=encode(terms),
            roots=msgspec.msgpack.encode([laid[sid].root for sid in sorted(laid)]),
            series_count=len(terms.series),
        )
        for sid, lot in laid.items():
            chunks = msgspec.msgpack.encode(lot.chunks)
            Lot.objects.using(HOME).filter(batch=batch, series_id=sid).update(chunks=chunks, reject_code="")
        ledger_nudge(batch.household)


def series_shared(household: Household, found: list[SeriesData]) -> dict[bytes, Terms]:
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


def series_terms(found: Iterable[SeriesData], laid: Mapping[bytes, LaidOut]) -> tuple[SeriesTerms, ...]:
    """The series of a batch as its terms have them."""
    return tuple(
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
    )


def _rule(data: SeriesData, terms: Terms) -> bytes:
    return rule_encode(privacy_rule(terms, data.row.quantity, (data.row.low, data.row.high)))


def lay_out(batch: Batch, data: SeriesData, rule: bytes, seed: bytes, secret: bytes) -> LaidOut:
    """Desensitise a series once, for the lot that is planned: what voters check, the roots to propose, and the chunks
    to seal later. ``secret`` is the home's cloud secret."""
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
    if Lot.objects.using(HOME).filter(batch=batch, series_id=data.sid).exists():
        return
    device = Device.objects.using(HOME).get(pk=data.row.device_id)
    Device.objects.using(HOME).filter(pk=device.pk).update(next_child=F("next_child") + 1)
    offer = Offer(terms.price, terms.licence_text.digest, to_ms(timezone.now()) + terms.expiry_days * _DAY_MS)
    lot_new(batch, device, data.row.quantity, data.sid, device.next_child, offer)


def lot_new(batch: Batch, device: Device, quantity: str, sid: bytes, child_index: int, offer: Offer) -> Lot:
    """The row of a lot under this child of the device's micro-wallet, which no other lot may use."""
    operational = operational_of(batch.household)
    payee = payee_child(operational, device.account_index, child_index)
    secrets = LotSecrets.derive(cloud_secret(operational), payee.public_key)
    return Lot.objects.using(HOME).create(
        household=batch.household,
        batch=batch,
        device=device,
        quantity=quantity,
        series_id=sid,
        child_index=child_index,
        payee_key=payee.public_key,
        payee=payee.address,
        lot_id=secrets.lot_id,
        object_id=secrets.object_id,
        price=offer.price,
        licence=offer.licence,
        expires_ms=offer.expires_ms,
    )
