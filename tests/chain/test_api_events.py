"""The WebSocket that says that there is a block."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter

from chain.node.announce import Announcer
from chain.routing import websocket_urlpatterns
from tests.chain.market_node import MarketNode
from tests.pure.chain.contracts.world import secret_of


async def knocking(kind: str = "") -> ApplicationCommunicator:
    scope = {
        "type": "websocket",
        "path": f"/ws/v1/market/events/{kind}" if kind else "/ws/v1/market/events",
        "headers": [],
        "query_string": b"",
        "subprotocols": [],
    }
    socket = ApplicationCommunicator(URLRouter(websocket_urlpatterns), scope)
    await socket.send_input({"type": "websocket.connect"})
    return socket


async def connected(kind: str = "") -> ApplicationCommunicator:
    socket = await knocking(kind)
    assert (await socket.receive_output())["type"] == "websocket.accept"
    return socket


async def refused(kind: str) -> dict[str, Any]:
    """What a socket is told that is not let in."""
    told: dict[str, Any] = await (await knocking(kind)).receive_output()
    assert told["type"] == "websocket.close"
    return told


async def heard(socket: ApplicationCommunicator) -> Any:
    return json.loads((await socket.receive_output(timeout=5))["text"])


async def leave(socket: ApplicationCommunicator) -> None:
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait()


@pytest.mark.asyncio
async def test_whoever_joins_hears_the_height_at_once_and_then_each_block(node: MarketNode) -> None:
    await asyncio.to_thread(node.buyer, secret_of("acme"), 100)
    socket = await connected()
    assert await heard(socket) == {"ledger": node.id, "height": 2}
    announcer = Announcer()
    announcer.block(node.id, 3)
    await announcer.close()
    assert await heard(socket) == {"ledger": node.id, "height": 3}
    await leave(socket)


@pytest.mark.asyncio
async def test_before_the_ledger_has_begun_the_socket_waits_in_silence(transactional_db: None) -> None:
    socket = await connected()
    assert await socket.receive_nothing()
    await leave(socket)


@pytest.mark.asyncio
async def test_a_client_that_talks_is_sent_away(transactional_db: None) -> None:
    socket = await connected()
    await socket.send_input({"type": "websocket.receive", "text": "hello"})
    told: dict[str, Any] = await socket.receive_output()
    assert (told["type"], told["code"]) == ("websocket.close", 4400)


@pytest.mark.asyncio
async def test_announcements_hold_nothing_but_ledger_and_height(transactional_db: None) -> None:
    socket = await connected()
    message = {"type": "ledger.block", "ledger": "shared-x", "height": 1, "secret": "no"}
    await get_channel_layer().group_send("ledger.shared", message)
    assert await heard(socket) == {"ledger": "shared-x", "height": 1}
    await leave(socket)
