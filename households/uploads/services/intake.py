"""Readings come in: each segment is checked as protocols.md 1 says, and stored as the device signed it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from households.consensus.errors import SegmentUnknownQuantity
from households.consensus.messages import QuantityFacts
from households.consensus.readings import (
    Segment,
    Signer,
    segment_parse,
    segment_verify,
    sequence_check,
    time_check,
)
from households.home.models import Series, StoredSegment
from households.models import HOME, Device, Household, RefusalCount
from households.privacy.classes import device_class
from households.services.activity import live_notify
from households.services.checks import checks_of
from households.services.members import home_membership
from marketplace.common.errors import Conflict, HearthError

LIVE_EVERY_S = 1


RETRY_CODE = "unavailable"


class SequenceTaken(Conflict):
    """Another connection stored readings of the series meanwhile; the agent sends the segment again."""

    code = "sequence_taken"
    title = "The series is written by another connection"


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a segment: ``code`` is empty when it is durable. Names what the acknowledgement must name."""

    quantity: str
    first_sequence: int
    code: str
    next_sequence: int


def series_begin(*, device: Device, quantities: Iterable[QuantityFacts]) -> None:
    """Make the rows of what a device announced to measure."""
    for facts in quantities:
        Series.objects.using(HOME).get_or_create(
            device=device,
            quantity=facts.quantity,
            defaults={"unit": facts.unit, "low": facts.low, "high": facts.high},
        )


def next_sequences(device: Device) -> tuple[tuple[str, int], ...]:
    """The next expected sequence of each of the device's quantities, sorted by name."""
    found = Series.objects.using(HOME).filter(device=device).order_by("quantity")
    return tuple(found.values_list("quantity", "next_sequence"))


def segments_store(*, device: Device, raws: Sequence[bytes], received_ms: int) -> list[Stored]:
    """Check and store segments that arrived on a device's connection, in their order; one answer for each.

    A segment that is refused changes nothing but the count of refusals. All that are accepted become durable in one
    transaction. A device may only deliver its own readings and those of devices for which it is the bridge.
    """
    household = device.household
    signers = _signers_for(household, device)
    arrival = _Arrival(household, _series_for(household, signers), signers, received_ms)
    answers = [arrival.take(raw) for raw in raws]
    if not arrival.write():
        answers = [replace(answer, code=answer.code or RETRY_CODE) for answer in answers]
    refusals_count(household=household, device=device, counts=arrival.refused)
    Device.objects.using(HOME).filter(pk=device.pk).update(last_seen_at=timezone.now())
    if cache.add(f"hearth:live:readings:{household.pk}", 1, timeout=LIVE_EVERY_S):
        live_notify(household=household, topic="readings")
    return answers


def refusals_count(*, household: Household, device: Device | None, counts: dict[str, tuple[int, int]]) -> None:
    """Add refused readings (and how often) to the counters by code."""
    for code, (readings, times) in counts.items():
        rows = RefusalCount.objects.using(HOME)
        rows.get_or_create(household=household, device=device, code=code)
        rows.filter(household=household, device=device, code=code).update(
            readings=F("readings") + readings, times=F("times") + times
        )


def _signers_for(household: Household, device: Device) -> dict[bytes, Signer]:
    """Whose readings may arrive on the device's connection: its own, and those of devices that it is the bridge of."""
    own = bytes(device.device_id)
    spoken_for = [m for m in home_membership(household).members if own in (m.device_id, m.bridge)]
    rows = Device.objects.using(HOME).filter(household=household).values_list("device_id", "account")
    accounts = {bytes(device_id): bytes(account) for device_id, account in rows}
    return {
        member.device_id: Signer(
            device_id=member.device_id,
            identity_key=member.signs_with,
            account=accounts[member.device_id],
            active=member.active and member.may_be_read,
            units={q.name: q.unit for q in device_class(member.device_class).quantities},
        )
        for member in spoken_for
        if member.device_id in accounts
    }


def _series_for(household: Household, signers: dict[bytes, Signer]) -> dict[tuple[bytes, str], Series]:
    found = Series.objects.using(HOME).select_related("device").filter(device__household=household)
    return {
        (bytes(series.device.device_id), series.quantity): series
        for series in found.filter(device__device_id__in=list(signers))
    }


class _Arrival:
    """Segments of one delivery: ``take`` checks and remembers, ``write`` makes all that was taken durable."""

    def __init__(
        self,
        household: Household,
        series: dict[tuple[bytes, str], Series],
        signers: dict[bytes, Signer],
        received_ms: int,
    ) -> None:
        self.refused: dict[str, tuple[int, int]] = {}
        self._household = household
        self._series = series
        self._signers = signers
        self._received_ms = received_ms
        self._tolerance_ms = checks_of(household).clock_tolerance_ms
        self._before = {key: row.next_sequence for key, row in series.items()}
        self._rows: dict[tuple[bytes, str], list[tuple[Segment, bytes]]] = {}

    def take(self, raw: bytes) -> Stored:
        """The answer to one segment, as if the write had succeeded."""
        try:
            signed = segment_parse(raw)
        except HearthError as error:
            self._count(error.code, 0)
            return Stored("", 0, error.code, 0)
        segment = signed.segment
        series = self._series.get((segment.device_id, segment.quantity))
        try:
            segment_verify(signed, self._household.ledger, self._signers.get(segment.device_id))
            if series is None:
                raise SegmentUnknownQuantity()
            sequence_check(segment, series.next_sequence)
            time_check(segment, self._received_ms, self._tolerance_ms)
        except HearthError as error:
            self._count(error.code, len(segment.values))
            following = series.next_sequence if series else 0
            return Stored(segment.quantity, segment.first_sequence, error.code, following)
        series.next_sequence = segment.last_sequence + 1
        self._rows.setdefault((segment.device_id, segment.quantity), []).append((segment, raw))
        return Stored(segment.quantity, segment.first_sequence, "", series.next_sequence)

    def write(self) -> bool:
        """Take the sequences by conditional UPDATEs and keep the segments; False if another connection was faster."""
        if not self._rows:
            return True
        try:
            with transaction.atomic(using=HOME):
                for key, taken in self._rows.items():
                    self._advance(key, [segment for segment, _ in taken])
                StoredSegment.objects.using(HOME).bulk_create(
                    [self._row(key, segment, raw) for key, taken in self._rows.items() for segment, raw in taken]
                )
        except (SequenceTaken, IntegrityError):
            return False
        return True

    def _advance(self, key: tuple[bytes, str], taken: list[Segment]) -> None:
        mine = Series.objects.using(HOME).filter(pk=self._series[key].pk, next_sequence=self._before[key])
        changed = mine.update(
            next_sequence=self._series[key].next_sequence,
            readings=F("readings") + sum(len(segment.values) for segment in taken),
            last_ms=taken[-1].times_ms[-1],
            last_value=taken[-1].values[-1],
        )
        if changed != 1:
            raise SequenceTaken()

    def _row(self, key: tuple[bytes, str], segment: Segment, raw: bytes) -> StoredSegment:
        return StoredSegment(
            household=self._household,
            series=self._series[key],
            first_sequence=segment.first_sequence,
            readings=len(segment.values),
            first_ms=segment.times_ms[0],
            last_ms=segment.times_ms[-1],
            backfilled=segment.backfilled,
            raw=raw,
            received_ms=self._received_ms,
        )

    def _count(self, code: str, readings: int) -> None:
        before = self.refused.get(code, (0, 0))
        self.refused[code] = (before[0] + readings, before[1] + 1)
