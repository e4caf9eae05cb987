"""Segments: every way in which one can be wrong has its own code, and nothing of it passes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core.codec import encode
from chain.crypto.hashing import address_of, tagged
from chain.crypto.secp256k1 import public_key
from households.consensus import errors
from households.consensus.readings import (
    Segment,
    SignedSegment,
    Signer,
    segment_accept,
    segment_digest,
    segment_parse,
    segment_sign,
)  # fmt: skip

SECRET = tagged("hearth/test", b"device")
DEVICE = address_of(public_key(SECRET))
ACCOUNT = b"\7" * 20
NOW_MS = 1_700_000_000_000
SIGNER = Signer(DEVICE, public_key(SECRET), ACCOUNT, True, {"temperature": "C"})
GOOD = Segment("home-1", DEVICE, ACCOUNT, "temperature", "C", 61, False, (NOW_MS - 2000, NOW_MS - 1000), (2100, 2101))


def accept(raw: bytes, signer: Signer = SIGNER, next_sequence: int = 61) -> SignedSegment:
    return segment_accept(raw, "home-1", {signer.device_id: signer}, next_sequence, NOW_MS)


def test_a_good_segment_is_taken_whole() -> None:
    assert accept(segment_sign(GOOD, SECRET)).segment == GOOD


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"ledger": "home-2"}, errors.SegmentWrongLedger),
        ({"device_id": b"\1" * 20}, errors.SegmentUnknownDevice),
        ({"account": b"\1" * 20}, errors.SegmentWrongAccount),
        ({"quantity": "humidity"}, errors.SegmentUnknownQuantity),
        ({"unit": "F"}, errors.SegmentWrongUnit),
        ({"first_sequence": 60}, errors.SegmentReplayed),
        ({"first_sequence": 0}, errors.SegmentMalformed),
        ({"values": (1,)}, errors.SegmentMalformed),
        ({"values": (), "times_ms": ()}, errors.SegmentMalformed),
        ({"values": tuple(range(61)), "times_ms": tuple(range(NOW_MS, NOW_MS + 61))}, errors.SegmentTooLarge),
        ({"times_ms": (NOW_MS, NOW_MS)}, errors.SegmentOutOfOrder),
        ({"times_ms": (NOW_MS - 400_000, NOW_MS)}, errors.SegmentOutOfTime),
        ({"times_ms": (NOW_MS, NOW_MS + 400_000)}, errors.SegmentOutOfTime),
    ],
)
def test_each_fault_of_a_segment_is_refused_with_its_own_class(changes: dict[str, object], refusal: type) -> None:
    with pytest.raises(refusal):
        accept(segment_sign(msgspec.structs.replace(GOOD, **changes), SECRET))


def test_old_readings_pass_when_they_are_marked_as_backfilled() -> None:
    old = msgspec.structs.replace(GOOD, times_ms=(1000, 2000), backfilled=True)
    assert accept(segment_sign(old, SECRET)).segment == old


def test_future_readings_do_not_pass_even_as_backfilled() -> None:
    future = msgspec.structs.replace(GOOD, times_ms=(NOW_MS, NOW_MS + 400_000), backfilled=True)
    with pytest.raises(errors.SegmentOutOfTime):
        accept(segment_sign(future, SECRET))


def test_a_segment_signed_by_another_key_is_refused() -> None:
    with pytest.raises(errors.SegmentBadSignature):
        accept(segment_sign(GOOD, tagged("hearth/test", b"other")))


def test_an_inactive_device_is_refused() -> None:
    with pytest.raises(errors.DeviceInactive):
        accept(segment_sign(GOOD, SECRET), msgspec.structs.replace(SIGNER, active=False))


def test_oversized_truncated_and_padded_bytes_are_refused() -> None:
    raw = segment_sign(GOOD, SECRET)
    with pytest.raises(errors.SegmentTooLarge):
        segment_parse(raw + bytes(4000))
    for broken in (raw[:-1], raw + b"\0", b"", b"\xc0"):
        with pytest.raises(errors.SegmentMalformed):
            segment_parse(broken)


def test_every_refusal_has_a_code_of_its_own() -> None:
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    codes = [kind.code for kind in classes]
    assert len(set(codes)) == len(codes) > 25


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_survives(place: int, bit: int) -> None:
    raw = bytearray(segment_sign(GOOD, SECRET))
    raw[place % len(raw)] ^= 1 << bit
    with pytest.raises((errors.SegmentRefused, errors.DeviceInactive)):
        accept(bytes(raw))


def test_the_digest_of_a_fixed_segment_does_not_change() -> None:
    fixed = Segment("home-1", b"\1" * 20, b"\2" * 20, "temperature", "C", 1, False, (1000, 2000), (2100, -5))
    assert encode(fixed).hex().startswith("99a6686f6d652d31")
    assert segment_digest(fixed).hex() == "889a2f64688e69d3ace21844f0bffc253d50cb037fdf27bfefbb7e7cb6cc54fa"
