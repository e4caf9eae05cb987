"""The market's ASGI application as a transport: the same requests without a network, for tests and single processes."""

from __future__ import annotations

from typing import Any

import httpx
from asgiref.sync import async_to_sync


class AsgiTransport(httpx.BaseTransport):
    """Runs each request through an ASGI application in the calling thread."""

    def __init__(self, application: Any) -> None:
        self._transport = httpx.ASGITransport(app=application)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request with the application's whole answer."""
        request.read()
        status, headers, body = async_to_sync(self._answer)(request)
        return httpx.Response(status, headers=headers, content=body)

    async def _answer(self, request: httpx.Request) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        response = await self._transport.handle_async_request(request)
        return response.status_code, response.headers.raw, await response.aread()


def market_in_process(application: Any, host: str = "market.test") -> httpx.Client:
    """An HTTP client whose requests never leave the process."""
    return httpx.Client(transport=AsgiTransport(application), base_url=f"http://{host}")
