"""Tells whoever listens on the channel layer that a block is there. Best effort: who missed it polls."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from channels.layers import get_channel_layer

log = logging.getLogger("chain.node")
TIMEOUT_S: Final = 2.0


def group_of(ledger: str) -> str:
    """The channel layer's group for a ledger's blocks, by its id or its kind."""
    return f"ledger.{ledger}"


class Announcer:
    """Sends ``{"type": "ledger.block", "ledger", "height"}``, the newest height only when sending is slow."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._reachable = True

    def block(self, ledger: str, height: int) -> None:
        """Announce a block without waiting."""
        self._newest[ledger] = height
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send())

    async def close(self) -> None:
        """Wait for what is being sent."""
        if self._task is not None:
            await self._task

    async def _send(self) -> None:
        while self._newest:
            ledger, height = self._newest.popitem()
            message = {"type": "ledger.block", "ledger": ledger, "height": height}
            kind = ledger.split("-", 1)[0]
            try:
                layer = get_channel_layer()
                async with asyncio.timeout(TIMEOUT_S):
                    for group in dict.fromkeys((group_of(ledger), group_of(kind))):
                        await layer.group_send(group, message)
            except Exception as fault:  # noqa: BLE001 - whatever a layer raises, blocks go on
                self._say(False, type(fault).__name__)
            else:
                self._say(True, "")

    def _say(self, reachable: bool, reason: str) -> None:
        if reachable != self._reachable:
            self._reachable = reachable
            log.log(
                logging.INFO if reachable else logging.WARNING,
                "the channel layer is reachable again" if reachable else f"blocks are not announced: {reason}",
            )
