"""Every WebSocket, opened by every role with the session or token that it has."""

from __future__ import annotations

import pytest
from channels.layers import get_channel_layer

from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import public_key, sign
from households.consensus import messages as wire
from households.models import Candidate, Household
from households.uploads.selectors import readings_total
from marketplace.common.events import owner_group
from marketplace.routing import websocket_application
from tests.access import rules
from tests.access.lines import heard, prove, run
from tests.access.routes import socket_routes
from tests.access.world import World
from tests.households.world import TestDevice
from tests.sockets import Socket

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("access"), pytest.mark.usefixtures("world")]

OPENED, NOT_ALLOWED = None, 4403
NOBODY = dict.fromkeys(rules.ROLES, NOT_ALLOWED)
DEVICES = "/ws/v1/home/{home_id}/devices"
# What each role is answered: None if the socket is open, else the code with which it was closed.
SOCKETS: dict[str, dict[str, int | None]] = {
    "/ws/v1/market/events": dict.fromkeys(rules.ROLES, OPENED),
    "/ws/v1/market/events/{kind}": dict.fromkeys(rules.ROLES, OPENED),
    # Open to all, and silent until a token of the market was said: tests/enterprises/test_board_socket.py
    "/ws/v1/market/board": dict.fromkeys(rules.ROLES, OPENED),
    "/ws/v1/home/live": {**NOBODY, rules.OWNER: OPENED, rules.OTHER_OWNER: OPENED},
    # An outsider hears of nothing but that he belongs to an enterprise from now on.
    "/ws/v1/enterprise/live": {**NOBODY, **dict.fromkeys((rules.MEMBER, rules.OTHER_MEMBER, rules.OUTSIDER), OPENED)},
    # Agents come without an account; only a key that the home has let in gets further than the door.
    DEVICES: dict.fromkeys(rules.ROLES, OPENED),
}


def line(world: World, role: str, route: str) -> Socket:
    """A socket with the role's session, or with its token in the header."""
    headers = []
    cookie = world.client(role, api=False).cookies.get("sessionid") if role in world.users else None
    if cookie is not None:
        headers.append((b"cookie", f"sessionid={cookie.value}".encode()))
    elif role in world.tokens:
        headers.append((b"authorization", f"Bearer {world.tokens[role]}".encode()))
    path = route.format(home_id=world.names["home"], kind="service_models")
    return Socket(websocket_application, path, headers=tuple(headers))


@pytest.mark.parametrize("route", SOCKETS)
def test_every_role_is_let_in_as_the_table_says(route: str, world: World) -> None:
    async def knock() -> dict[str, int | None]:
        got = {}
        for role, socket in lines.items():
            got[role] = await socket.connect()
            if got[role] is None:
                await socket.disconnect()
        return got

    lines = {role: line(world, role, route) for role in rules.ROLES}
    assert run(knock) == SOCKETS[route]


def test_no_socket_is_missing_in_the_table() -> None:
    assert socket_routes() == set(SOCKETS)


def test_an_owner_does_not_hear_of_another_owners_home(world: World) -> None:
    lines = {role: line(world, role, "/ws/v1/home/live") for role in (rules.OWNER, rules.OTHER_OWNER)}

    async def listen() -> None:
        for socket in lines.values():
            assert await socket.connect() is None
        layer = get_channel_layer()
        assert layer is not None
        event = {"type": "live.event", "kind": "devices", "data": {}}
        await layer.group_send(owner_group(world.users[rules.OWNER].pk), event)
        assert (await lines[rules.OWNER].receive_json())["kind"] == "devices"
        assert await lines[rules.OTHER_OWNER].receive_nothing(timeout=0.1)
        for socket in lines.values():
            await socket.disconnect()

    run(listen)


def test_a_home_that_is_not_there_has_no_door_for_devices(world: World) -> None:
    async def knock() -> int | None:
        path = DEVICES.format(home_id="00000000-0000-4000-8000-000000000000")
        return await Socket(websocket_application, path).connect()

    assert run(knock) == 4404


def test_an_enrolled_device_is_welcome(world: World) -> None:
    async def enter() -> wire.FromHub:
        socket = line(world, rules.STRANGER, DEVICES)
        answer = await prove(socket, world.device.secret, world.device.facts)
        await socket.disconnect()
        return answer

    assert isinstance(run(enter), wire.Welcome)


def test_a_device_of_nobody_waits_in_the_inbox_and_is_told_nothing_of_the_home(world: World) -> None:
    home = Household.objects.using("home").get(pk=world.names["home"])
    before = readings_total(home)
    stranger = sha256(b"a device of nobody")

    async def knock() -> list[wire.FromHub]:
        socket = line(world, rules.STRANGER, DEVICES)
        said = [await prove(socket, stranger, world.device.facts)]
        await socket.send(wire.message_encode(wire.BlocksFetch(0)))
        said.append(await heard(socket))
        assert await socket.closed() == NOT_ALLOWED
        await socket.disconnect()
        return said

    pending, refusal = run(knock)
    assert isinstance(pending, wire.Pending)
    assert isinstance(refusal, wire.Refusal) and refusal.code == "message_out_of_turn"
    assert Candidate.objects.using("home").filter(public_key=public_key(stranger), state="waiting").exists()
    assert readings_total(home) == before


def test_a_device_of_another_home_is_a_stranger_here(world: World) -> None:
    other = Household.objects.using("home").get(owner_id=world.users[rules.OTHER_OWNER].pk)

    async def enter() -> wire.FromHub:
        socket = Socket(websocket_application, DEVICES.format(home_id=other.pk))
        answer = await prove(socket, world.device.secret, world.device.facts)
        await socket.disconnect()
        return answer

    assert isinstance(run(enter), wire.Pending)


def test_a_proof_by_another_key_is_refused(world: World) -> None:
    """Who knows a device's public key and everything it said, and not its secret."""
    device: TestDevice = world.device

    async def pretend() -> wire.FromHub:
        socket = line(world, rules.STRANGER, DEVICES)
        assert await socket.connect() is None
        await socket.send(wire.message_encode(wire.Hello(wire.PROTOCOL_VERSION, device.key)))
        challenge = await heard(socket)
        assert isinstance(challenge, wire.Challenge)
        digest = wire.prove_digest(challenge.ledger, challenge.nonce, device.key, device.facts)
        await socket.send(wire.message_encode(wire.Prove(device.facts, "", sign(sha256(b"thief"), digest))))
        answer = await heard(socket)
        assert await socket.closed() == NOT_ALLOWED
        return answer

    refusal = run(pretend)
    assert isinstance(refusal, wire.Refusal) and refusal.code == "enrolment_refused"
