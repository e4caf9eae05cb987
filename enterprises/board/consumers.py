"""WebSocket of the board: tells bearers of market tokens that there is a notice or mail to look at, no more."""

from __future__ import annotations

import json
from typing import Any, Final

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from enterprises.board.events import NOTICES, owner_group
from enterprises.partners.models import MarketToken
from enterprises.partners.tokens import token_digest

TOKENS_MAX: Final = 256
SAID_MAX: Final = 64 * 1024
CLOSE_MALFORMED, CLOSE_NOT_ALLOWED = 4400, 4403


class BoardEvents(AsyncJsonWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Hears ``{"tokens": [...]}`` once, answers ``{"kind": "listening", "accounts": 2}``, then sends events.

    ``{"kind": "training.notice"}`` goes to all who listen, ``{"kind": "mail"}`` to the account whose mailbox got
    something. One node may listen for all its homes on one line. A token is looked at again before each event, so that
    one that was revoked hears nothing more. Events may get lost: whoever listens also looks by the clock.
    """

    async def connect(self) -> None:
        self.heard: dict[str, str] = {}
        await self.accept()

    async def disconnect(self, code: int) -> None:
        for group in (NOTICES, *self.heard):
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **options: Any) -> None:
        """The one thing that a client says."""
        tokens = _tokens(text_data or "")
        if self.heard or tokens is None:
            await self.close(code=CLOSE_MALFORMED)
            return
        self.heard = await _accounts(tokens)
        if not self.heard:
            await self.close(code=CLOSE_NOT_ALLOWED)
            return
        for group in (NOTICES, *self.heard):
            await self.channel_layer.group_add(group, self.channel_name)
        await self.send_json({"kind": "listening", "accounts": len(self.heard)})

    async def board_event(self, message: dict[str, Any]) -> None:
        """A notice or mail was announced by the board."""
        group = message["group"]
        digests = list(self.heard.values()) if group == NOTICES else [self.heard[group]]
        if await _any_valid(digests):
            await self.send_json({"kind": message["kind"]})


def _tokens(said: str) -> list[str] | None:
    """The tokens that a client said, or None if that is no list of at most 256."""
    try:
        told = json.loads(said) if len(said) <= SAID_MAX else None
    except (ValueError, RecursionError):
        return None
    tokens = told.get("tokens") if isinstance(told, dict) else None
    if not isinstance(tokens, list) or not 1 <= len(tokens) <= TOKENS_MAX:
        return None
    return tokens if all(isinstance(token, str) for token in tokens) else None


@database_sync_to_async
def _accounts(tokens: list[str]) -> dict[str, str]:
    """The group of each account that a token belongs to, with the token's digest."""
    digests = [token_digest(token) for token in tokens]
    rows = MarketToken.objects.select_related("hub", "organisation").filter(digest__in=digests, revoked_at__isnull=True)
    return {owner_group(owner): row.digest for row in rows if (owner := row.hub or row.organisation)}


@database_sync_to_async
def _any_valid(digests: list[str]) -> bool:
    return MarketToken.objects.filter(digest__in=digests, revoked_at__isnull=True).exists()
