"""Segments: up to 60 readings of one quantity, signed at once by the device that measured them.

A value is an integer in the fixed point of its quantity (``households.privacy.classes``), so that hashing is exact. The
micro-wallet's address is inside what is signed: the data is bound to the account to which its reward goes. The sequence
numbers the readings of one device and quantity from 1 and never repeats; reading i of a segment has ``first_sequence
+ i``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Address, Name, PublicKey, Record, Signature, Uint
from chain.crypto.hashing import tagged
from chain.crypto.secp256k1 import sign, verify
from households.consensus.errors import (
    DeviceInactive,
    SegmentBadSignature,
    SegmentMalformed,
    SegmentOutOfOrder,
    SegmentOutOfTime,
    SegmentReplayed,
    SegmentTooLarge,
    SegmentUnknownDevice,
    SegmentUnknownQuantity,
    SegmentWrongAccount,
    SegmentWrongLedger,
    SegmentWrongUnit,
)

MAX_READINGS = 60
MAX_SEGMENT_BYTES = 2048
CLOCK_TOLERANCE_MS = 5 * 60_000

Value = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
# Far below what a database's integers hold, so that the sequence after the last one fits too.
SequenceNumber = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Segment(Record):
    """What a device signs. ``times_ms`` rise strictly; ``backfilled`` admits that they are older than the
    connection."""

    ledger: Name
    device_id: Address
    account: Address
    quantity: Name
    unit: Name
    first_sequence: SequenceNumber
    backfilled: bool
    times_ms: tuple[Uint, ...]
    values: tuple[Value, ...]

    @property
    def last_sequence(self) -> int:
        """The sequence of the last reading."""
        return self.first_sequence + len(self.values) - 1


class SignedSegment(Record):
    """A segment and the compact signature of the device's identity key over ``segment_digest``."""

    segment: Segment
    signature: Signature


class Signer(msgspec.Struct, frozen=True):
    """What the device ledger says of a device at this height, as far as its readings are concerned.

    ``identity_key`` is the key that signs: the device's own, or its bridge's. ``units`` has the unit of each quantity.
    """

    device_id: Address
    identity_key: PublicKey
    account: Address
    active: bool
    units: Mapping[str, str]


def segment_digest(segment: Segment) -> bytes:
    """The 32 bytes that are signed."""
    return tagged("hearth/segment", encode(segment))


def segment_sign(segment: Segment, secret: bytes) -> bytes:
    """The raw bytes of the segment signed with a 32-byte identity secret."""
    return encode(SignedSegment(segment, sign(secret, segment_digest(segment))))


def segment_parse(raw: bytes) -> SignedSegment:
    """Decode and check the shape. Raises ``SegmentTooLarge``, ``SegmentMalformed``, ``SegmentOutOfOrder``."""
    if len(raw) > MAX_SEGMENT_BYTES:
        raise SegmentTooLarge(f"{len(raw)} bytes, the limit is {MAX_SEGMENT_BYTES}")
    try:
        signed = decode(SignedSegment, raw)
    except Malformed as error:
        raise SegmentMalformed() from error
    segment = signed.segment
    if len(segment.values) > MAX_READINGS:
        raise SegmentTooLarge(f"{len(segment.values)} readings, the limit is {MAX_READINGS}")
    if not segment.values or len(segment.values) != len(segment.times_ms) or segment.first_sequence < 1:
        raise SegmentMalformed("A segment has one time for each value, at least one, and counts from 1")
    if any(earlier >= later for earlier, later in zip(segment.times_ms, segment.times_ms[1:], strict=False)):
        raise SegmentOutOfOrder()
    return signed


def segment_verify(signed: SignedSegment, ledger: str, signer: Signer | None) -> None:
    """Check that the device, as the ledger knows it, signed this for this home, account, quantity and unit.

    Raises ``SegmentWrongLedger``, ``SegmentUnknownDevice``, ``DeviceInactive``, ``SegmentWrongAccount``,
    ``SegmentUnknownQuantity``, ``SegmentWrongUnit`` or ``SegmentBadSignature``.
    """
    segment = signed.segment
    if segment.ledger != ledger:
        raise SegmentWrongLedger()
    if signer is None or signer.device_id != segment.device_id:
        raise SegmentUnknownDevice()
    if not signer.active:
        raise DeviceInactive()
    if segment.account != signer.account:
        raise SegmentWrongAccount()
    unit = signer.units.get(segment.quantity)
    if unit is None:
        raise SegmentUnknownQuantity()
    if segment.unit != unit:
        raise SegmentWrongUnit()
    if not verify(signer.identity_key, segment_digest(segment), signed.signature):
        raise SegmentBadSignature()


def sequence_check(segment: Segment, next_sequence: int) -> None:
    """Raises ``SegmentReplayed`` when any reading of the segment has a sequence below ``next_sequence``.

    A gap is allowed: the device may have lost readings, and says so by not using their numbers again.
    """
    if segment.first_sequence < next_sequence:
        raise SegmentReplayed(f"Sequence {segment.first_sequence} where {next_sequence} or more was expected")


def time_check(segment: Segment, received_ms: int, tolerance_ms: int = CLOCK_TOLERANCE_MS) -> None:
    """Raises ``SegmentOutOfTime``: readings may never lie in the future, and only backfilled ones in the past."""
    if segment.times_ms[-1] > received_ms + tolerance_ms:
        raise SegmentOutOfTime("The readings are dated in the future")
    if not segment.backfilled and segment.times_ms[0] < received_ms - tolerance_ms:
        raise SegmentOutOfTime("The readings are old and not marked as backfilled")


def segment_accept(
    raw: bytes, ledger: str, signers: Mapping[bytes, Signer], next_sequence: int, received_ms: int
) -> SignedSegment:
    """All checks of one arriving segment, in order; nothing may be stored unless this returns.

    ``next_sequence`` is the lowest unused sequence of the series, ``received_ms`` the hub's clock. Raises any of the
    ``SegmentRefused`` tree, or ``DeviceInactive``.
    """
    signed = segment_parse(raw)
    segment_verify(signed, ledger, signers.get(signed.segment.device_id))
    sequence_check(signed.segment, next_sequence)
    time_check(signed.segment, received_ms)
    return signed
