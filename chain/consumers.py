"""WebSocket of a ledger: says that there is a block, and nothing else. Public; whoever misses one polls."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from chain.contracts import CONTRACT_SETS, DEVICE
from chain.engine.ports import NoSuchLedger
from chain.node.announce import group_of
from chain.rpc import SHARED
from chain.selectors import ledger_store

ALIAS = "ledger"
KINDS = frozenset(CONTRACT_SETS) - {DEVICE}


class MarketEvents(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Sends ``{"ledger", "height"}`` at once and after each block. What the client sends is not read.

    The address names the ledger's kind; without one it is the shared ledger.
    """

    async def connect(self) -> None:
        """Join before reading the height, so that no block falls between the two."""
        self.kind = self.scope.get("url_route", {}).get("kwargs", {}).get("kind", SHARED)
        if self.kind not in KINDS:
            await self.close(code=4404)
            return
        await self.channel_layer.group_add(group_of(self.kind), self.channel_name)
        await self.accept()
        head = await database_sync_to_async(_head)(self.kind)
        if head is not None:
            await self.send_json(head)

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(group_of(self.kind), self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **options: Any) -> None:
        """The socket speaks in one direction; a client that talks is told so by the close."""
        await self.close(code=4400)

    async def ledger_block(self, message: dict[str, Any]) -> None:
        """A block was announced by the ledger node."""
        await self.send_json({"ledger": message["ledger"], "height": message["height"]})


def _head(kind: str) -> dict[str, Any] | None:
    try:
        store = ledger_store(alias=ALIAS, ledger=kind)
    except NoSuchLedger:
        return None
    return {"ledger": store.ledger, "height": store.height()}
