"""Bad readings and bad frames from a device that is enrolled: each has its own code, and nothing is stored.

What each check refuses is proved in tests/pure/consensus, single refusals at the door in tests/households; here all
come through the door of one running connection, which must go on serving the device afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.core.codec import decode, encode
from chain.crypto.secp256k1 import ORDER
from households.consensus import messages as wire
from households.consensus.readings import MAX_READINGS, SignedSegment, segment_sign
from households.home.models import Series, StoredSegment
from marketplace.routing import websocket_application
from tests.access.lines import heard, prove, run
from tests.households.world import START_MS, TestDevice, devices_new, home_new
from tests.input.everything import everything
from tests.sockets import Socket

pytestmark = pytest.mark.django_db

YEAR_MS = 365 * 86_400_000
# A refusal is counted for the owner, and the device was seen; nothing else may change.
COUNTED = {"households_refusalcount", "households_device"}


@pytest.fixture
def device(_own_node: None) -> Iterator[TestDevice]:
    (found,) = devices_new(home_new(), 1)
    yield found


def socket_of(device: TestDevice) -> Socket:
    return Socket(websocket_application, f"/ws/v1/home/{device.household.pk}/devices")


def answers(device: TestDevice, frames: list[bytes | wire.Message]) -> list[wire.FromHub]:
    """What the hub says to each frame, one after the other on one proved connection."""

    async def talk() -> list[wire.FromHub]:
        socket = socket_of(device)
        assert isinstance(await prove(socket, device.secret, device.facts), wire.Welcome)
        said = []
        for frame in frames:
            await socket.send(frame if isinstance(frame, bytes) else wire.message_encode(frame))
            said.append(await heard(socket))
        await socket.disconnect()
        return said

    return run(talk)


def codes(device: TestDevice, raws: list[bytes]) -> list[str]:
    """The code of the acknowledgement of each segment."""
    said = answers(device, [wire.SegmentUpload(raw) for raw in raws])
    assert all(isinstance(each, wire.SegmentAck) for each in said), said
    return [each.code for each in said if isinstance(each, wire.SegmentAck)]


def fresh(device: TestDevice, times: list[int], values: list[int], **changes: object) -> bytes:
    """A signed segment that begins at sequence 3 unless told otherwise."""
    raw = device.segment("temperature", times, values, first_sequence=3)
    return segment_sign(msgspec.structs.replace(decode(SignedSegment, raw).segment, **changes), device.secret)


def high_s(raw: bytes) -> bytes:
    """The same segment under the other of the two signatures that plain ECDSA would take."""
    signed = decode(SignedSegment, raw)
    other = ORDER - int.from_bytes(signed.signature[32:], "big")
    return encode(msgspec.structs.replace(signed, signature=signed.signature[:32] + other.to_bytes(32, "big")))


def wide_array(raw: bytes) -> bytes:
    """The same segment with its outer array announced in more bytes than needed."""
    assert raw[0] == 0x92
    return b"\xdc\x00\x02" + raw[1:]


def test_each_bad_segment_has_its_own_code_and_changes_nothing(device: TestDevice) -> None:
    stored = device.segment("temperature", [START_MS, START_MS + 1], [2000, 2001])
    assert codes(device, [stored]) == [""]
    t, good = START_MS + 5, fresh(device, [START_MS + 5], [2002])
    many = list(range(t, t + MAX_READINGS + 1))
    cases = [
        (good[:-1], "segment_malformed"),
        (good + b"\x00", "segment_malformed"),
        (wide_array(good), "segment_malformed"),
        (b"", "segment_malformed"),
        (fresh(device, [], []), "segment_malformed"),
        (fresh(device, [t, t + 1], [2000]), "segment_malformed"),
        (fresh(device, many, [2000] * len(many)), "segment_too_large"),
        (bytes(wire.MAX_MESSAGE_BYTES - 64), "segment_too_large"),
        (high_s(good), "segment_bad_signature"),
        (fresh(device, [t + 1, t], [2000, 2000]), "segment_out_of_order"),
        (fresh(device, [t], [2000], quantity="dew_point", unit="C"), "segment_unknown_quantity"),
        (fresh(device, [t + 50 * YEAR_MS], [2000]), "segment_out_of_time"),
        (stored, "segment_replayed"),
        (fresh(device, [t], [9999], first_sequence=2), "segment_replayed"),
    ]
    before = everything(but=COUNTED)
    assert codes(device, [raw for raw, _ in cases]) == [code for _, code in cases]
    assert everything(but=COUNTED) == before
    series = Series.objects.using("home").get(device=device.row, quantity="temperature")
    assert (series.next_sequence, series.readings) == (3, 2)
    assert codes(device, [good]) == [""], "the device goes on after its mistakes"


def test_a_segment_signed_by_a_colleague_is_refused(device: TestDevice) -> None:
    """Two devices of one home: neither can speak for the other, whoever's connection it comes by."""
    other = TestDevice(device.household, 2).join([device])
    right = decode(SignedSegment, fresh(device, [START_MS], [2000], first_sequence=1)).segment
    forged, before = segment_sign(right, other.secret), everything(but=COUNTED)
    assert codes(device, [forged]) == ["segment_bad_signature"]
    assert codes(other, [forged]) == ["segment_unknown_device"]
    assert everything(but=COUNTED) == before


def test_two_copies_in_one_delivery_are_stored_once(device: TestDevice) -> None:
    raw = device.segment("temperature", [START_MS], [2000])

    async def both() -> list[str]:
        socket = socket_of(device)
        await prove(socket, device.secret, device.facts)
        for _ in range(2):
            await socket.send(wire.message_encode(wire.SegmentUpload(raw)))
        acks = [await heard(socket), await heard(socket)]
        await socket.disconnect()
        return [ack.code for ack in acks if isinstance(ack, wire.SegmentAck)]

    assert run(both) == ["", "segment_replayed"]
    assert StoredSegment.objects.using("home").count() == 1


def test_each_bad_frame_has_its_own_code_and_changes_nothing(device: TestDevice) -> None:
    hello = wire.message_encode(wire.Hello(wire.PROTOCOL_VERSION, device.key))
    fetch = wire.message_encode(wire.BlocksFetch(0))
    before = everything(but=COUNTED)
    cases: list[tuple[bytes | wire.Message, str]] = [
        (b"", "message_malformed"),
        (fetch[:-1], "message_malformed"),
        (fetch + fetch, "message_malformed"),
        (wire.message_encode(wire.Pending("I am the hub")), "message_malformed"),
        (fetch.replace(b"\x92", b"\xdc\x00\x02", 1), "message_not_canonical"),
        (bytes(wire.MAX_MESSAGE_BYTES + 1), "message_too_large"),
        (hello, "message_out_of_turn"),
        (wire.VoteCast(1, b"no vote"), "vote_malformed"),
        (wire.FaultNotice(b"no evidence"), "evidence_empty"),
    ]
    said = answers(device, [frame for frame, _ in cases])
    got = [each.code for each in said if isinstance(each, wire.Refusal | wire.VoteAck)]
    assert got == [code for _, code in cases]
    assert everything(but=COUNTED) == before


def test_a_device_that_sends_nothing_but_nonsense_is_put_out(device: TestDevice) -> None:
    async def rave() -> int:
        socket = socket_of(device)
        await prove(socket, device.secret, device.facts)
        for _ in range(21):
            await socket.send(b"nonsense")
            assert isinstance(await heard(socket), wire.Refusal)
        code = await socket.closed()
        await socket.disconnect()
        return code

    assert run(rave) == 4403


def test_numbers_at_the_edge_break_nothing(device: TestDevice) -> None:
    """The largest numbers that the protocol can carry are larger than some that a database can count on from."""
    top = 2**63 - 1
    last = decode(SignedSegment, fresh(device, [START_MS + 1], [2000], first_sequence=2**62 - 1)).segment
    beyond = encode(SignedSegment(msgspec.structs.replace(last, first_sequence=top), bytes(64)))
    frames: list[tuple[wire.Message, str]] = [
        (wire.SegmentUpload(fresh(device, [top], [2000])), "segment_out_of_time"),
        (wire.SegmentUpload(beyond), "segment_malformed"),
        (wire.SegmentUpload(fresh(device, [START_MS], [2**62])), ""),
        (wire.SegmentUpload(fresh(device, [START_MS + 1], [2000], first_sequence=2**62)), ""),
        (wire.VoteCast(top, b"x"), "vote_malformed"),
    ]

    async def talk() -> list[str]:
        socket = socket_of(device)
        await prove(socket, device.secret, device.facts)
        await socket.send(wire.message_encode(wire.BlocksFetch(top)))
        await socket.send(wire.message_encode(wire.BatchFetch(top, top, bytes(32))))
        said = []
        for frame, _ in frames:
            await socket.send(wire.message_encode(frame))
            said.append(await heard(socket))
        await socket.disconnect()
        return [each.code for each in said if isinstance(each, wire.VoteAck | wire.SegmentAck)]

    assert run(talk) == [code for _, code in frames]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_to_a_signed_segment_gets_past_the_door(device: TestDevice, data: st.DataObject) -> None:
    good = fresh(device, [START_MS + 5, START_MS + 9], [2002, 2003], first_sequence=1)
    raws = [_spoilt(good, data) for _ in range(12)]
    before = everything(but=COUNTED)
    assert all(codes(device, raws))
    assert everything(but=COUNTED) == before


def _spoilt(raw: bytes, data: st.DataObject) -> bytes:
    """The bytes with one of them changed, taken away or put in."""
    place = data.draw(st.integers(0, len(raw) - 1))
    kind = data.draw(st.sampled_from(("change", "cut", "insert", "truncate")))
    if kind == "change":
        return raw[:place] + bytes([raw[place] ^ data.draw(st.integers(1, 255))]) + raw[place + 1 :]
    if kind == "cut":
        return raw[:place] + raw[place + 1 :]
    if kind == "insert":
        return raw[:place] + bytes([data.draw(st.integers(0, 255))]) + raw[place:]
    return raw[:place]
