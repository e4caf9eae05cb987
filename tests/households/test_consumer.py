"""The agents' WebSocket with real keys and signatures: who is let in, what is answered, and that refusals change
nothing."""

from __future__ import annotations

import json

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator

from chain.consensus.validators import vote_sign
from chain.core.codec import encode
from chain.core.types import Vote
from chain.crypto.secp256k1 import sign
from chain.wallets.hd import hub_key
from households.consensus import messages as wire
from households.consensus.batch import BatchData, terms_parse
from households.consensus.proposal import Proposal, close_batch_of, proposal_parse
from households.consumers import OwnerLive
from households.home.models import StoredSegment
from households.models import Device, DeviceVote, Household, RefusalCount
from households.services.activity import activity_note
from households.services.devices import device_accept, device_set_permissions
from households.services.pairing import pairing_code_create
from households.services.secrets import operational_of
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from marketplace.accounts.models import User
from marketplace.asgi import application
from tests import factories
from tests.households.world import DAY_MS, START_MS, TestDevice, devices_new, home_new, share

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(databases="__all__", transaction=True)]


class Socket:
    """An agent's end of the line. (``channels.testing`` would need daphne, which Hearth does not use.)"""

    def __init__(self, home: Household) -> None:
        path = f"/ws/v1/home/{home.pk}/devices"
        headers = [(b"host", b"testserver")]
        self.line = ApplicationCommunicator(
            application,
            {"type": "websocket", "path": path, "headers": headers, "query_string": b"", "subprotocols": []},
        )

    async def open(self) -> Socket:
        await self.line.send_input({"type": "websocket.connect"})
        assert (await self.line.receive_output(timeout=10))["type"] == "websocket.accept"
        return self

    async def close(self) -> None:
        await self.line.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.line.wait(timeout=10)

    async def say(self, message: wire.Message | bytes) -> None:
        data = message if isinstance(message, bytes) else wire.message_encode(message)
        await self.line.send_input({"type": "websocket.receive", "bytes": data})

    async def hear(self) -> wire.FromHub:
        output = await self.line.receive_output(timeout=10)
        assert output["type"] == "websocket.send", output
        return wire.from_hub(output["bytes"])

    async def prove(self, device: TestDevice, code: str = "", secret: bytes = b"") -> wire.FromHub:
        await self.say(wire.Hello(wire.PROTOCOL_VERSION, device.key))
        challenge = await self.hear()
        assert isinstance(challenge, wire.Challenge)
        digest = wire.prove_digest(challenge.ledger, challenge.nonce, device.key, device.facts)
        await self.say(wire.Prove(device.facts, code, sign(secret or device.secret, digest)))
        return await self.hear()


@sync_to_async
def make_home(devices: int = 1) -> tuple[Household, list[TestDevice]]:
    home = home_new()
    return home, devices_new(home, devices)


async def test_an_enrolled_device_is_welcomed_and_its_readings_are_stored() -> None:
    home, (device,) = await make_home()
    line = await Socket(home).open()
    welcome = await line.prove(device)
    assert isinstance(welcome, wire.Welcome)
    row = await sync_to_async(lambda: device.row)()
    assert welcome.account == bytes(row.account) and row.connected
    raw = await sync_to_async(device.segment)("temperature", [START_MS, START_MS + 1000], [2000, 2001])
    for expected in ("", "segment_replayed"):
        await line.say(wire.SegmentUpload(raw))
        ack = await line.hear()
        assert (ack.code, ack.quantity, ack.first_sequence, ack.next_sequence) == (expected, "temperature", 1, 3)
    assert await StoredSegment.objects.using("home").acount() == 1
    await line.close()
    await row.arefresh_from_db()
    assert not row.connected


async def test_a_wrong_signature_is_refused_for_good() -> None:
    home, (device,) = await make_home()
    line = await Socket(home).open()
    refusal = await line.prove(device, secret=b"\x07" * 32)
    assert isinstance(refusal, wire.Refusal) and (refusal.code, refusal.final) == ("enrolment_refused", True)


async def test_a_stranger_waits_in_the_inbox_and_comes_in_when_the_owner_says_yes() -> None:
    home, devices = await make_home()
    stranger = TestDevice(home, 99)
    line = await Socket(home).open()
    assert isinstance(await line.prove(stranger), wire.Pending)
    await line.say(wire.SegmentUpload(b"x"))
    answer = await line.hear()
    assert isinstance(answer, wire.Refusal) and answer.code == "message_out_of_turn"
    assert (await line.line.receive_output(timeout=10))["type"] == "websocket.close"
    assert await Device.objects.using("home").filter(household=home).acount() == 1

    again = await Socket(home).open()
    assert isinstance(await again.prove(stranger), wire.Pending)

    @sync_to_async
    def let_in() -> None:
        device_accept(candidate=home.candidates.using("home").get(state="waiting"))
        ledger_advance(home)
        devices[0].vote()
        ledger_advance(home)

    await let_in()
    heard = [await again.hear()]
    while isinstance(heard[-1], wire.Pending):
        heard.append(await again.hear())
    assert isinstance(heard[-1], wire.Welcome)
    await again.close()


async def test_a_pairing_code_lets_the_first_device_in_at_once_and_only_once() -> None:
    home, _ = await make_home(0)
    code = await sync_to_async(pairing_code_create)(household=home)
    line = await Socket(home).open()
    assert isinstance(await line.prove(TestDevice(home, 1), code), wire.Pending)
    await sync_to_async(ledger_advance)(home)
    heard = await line.hear()
    while isinstance(heard, wire.Pending):
        heard = await line.hear()
    assert isinstance(heard, wire.Welcome)
    second = await Socket(home).open()
    refusal = await second.prove(TestDevice(home, 2), code)
    assert isinstance(refusal, wire.Refusal) and refusal.code == "pairing_code_wrong"
    await line.close()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"", "message_malformed"),
        (b"\xff" * 40, "message_malformed"),
        (b"\x00" * (1 << 20) + b"\x00", "message_too_large"),
    ],
)
async def test_a_frame_that_is_no_message_is_answered_with_its_code(frame: bytes, code: str) -> None:
    home, _ = await make_home(0)
    line = await Socket(home).open()
    await line.say(frame)
    answer = await line.hear()
    assert isinstance(answer, wire.Refusal) and answer.code == code


async def test_a_home_that_does_not_exist_has_no_socket() -> None:
    home, _ = await make_home(0)
    await sync_to_async(home.delete)()
    line = Socket(home)
    await line.line.send_input({"type": "websocket.connect"})
    answer = await line.line.receive_output(timeout=10)
    assert (answer["type"], answer["code"]) == ("websocket.close", 4404)


async def test_readings_that_are_refused_are_counted_and_not_stored() -> None:
    home, (device,) = await make_home()
    other = TestDevice(home, 50)
    times, values = [START_MS], [2000]

    @sync_to_async
    def bad_segments() -> dict[str, bytes]:
        good = device.segment("temperature", times, values, first_sequence=1)
        return {
            "segment_malformed": good[:-1],
            "segment_too_large": b"\x00" * 4000,
            "segment_bad_signature": good[:-1] + bytes([good[-1] ^ 1]),
            "segment_wrong_ledger": device.segment("temperature", times, values, ledger="home-other"),
            "segment_wrong_account": device.segment("temperature", times, values, account=b"\x01" * 20),
            "segment_unknown_device": device.segment("temperature", times, values, device_id=b"\x02" * 20),
            "segment_wrong_unit": device.segment("temperature", times, values, unit="K"),
            "segment_out_of_time": device.segment("temperature", times, values, backfilled=False),
        }

    line = await Socket(home).open()
    assert isinstance(await line.prove(device), wire.Welcome)
    segments = await bad_segments()
    for code, raw in segments.items():
        await line.say(wire.SegmentUpload(raw))
        answer = await line.hear()
        assert isinstance(answer, wire.SegmentAck) and answer.code == code
    assert await StoredSegment.objects.using("home").acount() == 0
    counted = {row.code async for row in RefusalCount.objects.using("home").all()}
    assert counted == set(segments) and other.key != device.key
    await line.close()


async def test_permissions_are_asked_of_the_ledger_at_every_use() -> None:
    home, (device,) = await make_home()
    line = await Socket(home).open()
    assert isinstance(await line.prove(device), wire.Welcome)

    @sync_to_async
    def forbid_reading() -> bytes:
        device_set_permissions(device=device.row, permissions=1)
        ledger_advance(home)
        device.vote()
        ledger_advance(home)
        return device.segment("temperature", [START_MS], [2000])

    raw = await forbid_reading()
    await line.say(wire.SegmentUpload(raw))
    answer = await line.hear()
    while not isinstance(answer, wire.SegmentAck):
        answer = await line.hear()
    assert answer.code == "device_inactive"
    await line.close()


async def test_a_vote_by_socket_makes_the_block_final_and_the_hub_can_not_cast_it() -> None:
    home, (device,) = await make_home()

    @sync_to_async
    def batch() -> None:
        share(home, "climate")
        device.measure("temperature", step_s=1800)
        batch_close(household=home, cut_ms=START_MS + DAY_MS)
        uploads_advance(home)
        ledger_advance(home)

    await batch()
    line = await Socket(home).open()
    assert isinstance(await line.prove(device), wire.Welcome)
    await line.say(wire.BlocksFetch(1))
    notice = await line.hear()
    assert isinstance(notice, wire.ProposalNotice)
    proposal = proposal_parse(notice.proposal)
    await line.say(wire.VoteCast(proposal.body.header.height, encode(_vote_of_another(home, proposal))))
    ack = await line.hear()
    assert isinstance(ack, wire.VoteAck) and ack.code == "vote_from_stranger"
    assert await DeviceVote.objects.using("home").filter(proposal__kind="batch").acount() == 0

    fetch = wire.BatchFetch(proposal.body.header.height, 0, close_batch_of(proposal).batch_id)
    await line.say(fetch)
    head, *parts = [await line.hear() for _ in range(3)]
    assert isinstance(head, wire.BatchHead) and isinstance(parts[-1], wire.BatchEnd)
    batch_data = BatchData(terms_parse(head.terms), parts[0].segments)
    vote = await sync_to_async(device.voter.vote)(proposal, batch_data)
    await line.say(wire.VoteCast(proposal.body.header.height, encode(vote)))
    ack, block = await line.hear(), await line.hear()
    assert isinstance(ack, wire.VoteAck) and ack.code == ""
    assert isinstance(block, wire.BlockNotice)
    await line.close()


def _vote_of_another(home: Household, proposal: Proposal) -> Vote:
    return vote_sign(hub_key(operational_of(home)).secret, proposal.body.header)


@pytest.mark.parametrize(("who", "let_in"), [("owner", True), ("member", False), ("operator", False), (None, False)])
async def test_only_owners_with_a_home_hear_of_it(who: str | None, let_in: bool) -> None:
    @sync_to_async
    def prepare() -> tuple[Household, User | None]:
        owner = factories.owner()
        users = {"owner": owner, "member": factories.member(), "operator": factories.operator()}
        return home_new(owner.pk), users[who] if who else None

    home, user = await prepare()
    scope = {"type": "websocket", "path": "/ws/v1/home/live", "headers": [], "query_string": b"", "user": user}
    line = ApplicationCommunicator(OwnerLive.as_asgi(), scope)
    await line.send_input({"type": "websocket.connect"})
    answer = await line.receive_output(timeout=10)
    assert answer["type"] == ("websocket.accept" if let_in else "websocket.close")
    if let_in:
        await sync_to_async(activity_note)(household=home, kind="test", topic="devices")
        event = json.loads((await line.receive_output(timeout=10))["text"])
        assert event == {"kind": "devices", "data": {"activity": "test"}}
    await line.send_input({"type": "websocket.disconnect", "code": 1000})
    await line.wait(timeout=10)
