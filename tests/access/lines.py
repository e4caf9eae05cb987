"""Talking over WebSockets inside a test's transaction, as a device's agent does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from unittest.mock import patch

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from chain.crypto.secp256k1 import public_key, sign
from households.consensus import messages as wire
from tests.sockets import Socket

T = TypeVar("T")


def run(part: Callable[[], Awaitable[T]]) -> T:
    """Run it with the consumers' database calls in this thread, so that they stand in this test's transaction.

    As in Django's own test client, nothing may close the connections meanwhile: the transaction would end with them.
    """

    async def whole() -> T:
        try:
            return await part()
        finally:
            layer = get_channel_layer()
            assert layer is not None
            await layer.flush()

    with patch("channels.db.close_old_connections", lambda: None):
        return async_to_sync(whole)()


async def heard(socket: Socket) -> wire.FromHub:
    """The hub's next message."""
    frame = await socket.receive()
    assert isinstance(frame, bytes)
    return wire.from_hub(frame)


async def prove(socket: Socket, secret: bytes, facts: wire.DeviceFactsAnnounced) -> wire.FromHub:
    """Open the line, say hello and prove the key; the hub's answer."""
    key = public_key(secret)
    assert await socket.connect() is None
    await socket.send(wire.message_encode(wire.Hello(wire.PROTOCOL_VERSION, key)))
    challenge = await heard(socket)
    assert isinstance(challenge, wire.Challenge)
    digest = wire.prove_digest(challenge.ledger, challenge.nonce, key, facts)
    await socket.send(wire.message_encode(wire.Prove(facts, "", sign(secret, digest))))
    return await heard(socket)
