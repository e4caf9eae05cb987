"""A WebSocket client for tests that talks to the ASGI application in process.

Like channels.testing.WebsocketCommunicator, whose package can't be imported without daphne.
"""

from __future__ import annotations

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

TIMEOUT_S = 5.0


class Socket(ApplicationCommunicator):
    """With ``user``, an application without the session's middleware sees that one as logged in.

    ``code = await socket.connect()`` is None if it was accepted, otherwise the code it was closed with."""

    def __init__(
        self,
        application: Any,
        path: str,
        *,
        user: Any = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **scope: Any,
    ) -> None:
        where, _, query = path.partition("?")
        known = {"type": "websocket", "path": where, "query_string": query.encode(), "subprotocols": []}
        if user is not None:
            scope["user"] = user
        super().__init__(application, {**known, "headers": list(headers), **scope})

    async def connect(self) -> int | None:
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(TIMEOUT_S)
        return None if answer["type"] == "websocket.accept" else int(answer.get("code", 1000))

    async def send(self, data: bytes | str) -> None:
        key = "bytes" if isinstance(data, bytes) else "text"
        await self.send_input({"type": "websocket.receive", key: data})

    async def receive(self) -> bytes | str:
        answer = await self.receive_output(TIMEOUT_S)
        assert answer["type"] == "websocket.send", answer
        return answer["bytes"] if answer.get("bytes") is not None else answer["text"]

    async def receive_json(self) -> Any:
        return json.loads(await self.receive())

    async def closed(self) -> int:
        """Wait until the other side closes; its code."""
        answer = await self.receive_output(TIMEOUT_S)
        assert answer["type"] == "websocket.close", answer
        return int(answer.get("code", 1000))

    async def disconnect(self, code: int = 1000) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": code})
        await self.wait(TIMEOUT_S)
