"""The live socket of an enterprise's pages: says that something changed, never what is in it."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from enterprises.checkout.selectors import member_of
from enterprises.errors import NotMember
from marketplace.accounts.models import Kind
from marketplace.accounts.permissions import has_kind
from marketplace.accounts.selectors import user_by_id
from marketplace.common.events import enterprise_group

UNAUTHORISED, FORBIDDEN = 4401, 4403


class EnterpriseLive(AsyncJsonWebsocketConsumer):
    """``/ws/v1/enterprise/live``: members only; each message is ``{"kind", "data"}``. Nothing is taken from the page."""

    group = ""

    async def connect(self) -> None:
        user = self.scope.get("user")
        await self.accept()
        if user is None or not user.is_authenticated:
            await self.close(UNAUTHORISED)
            return
        self.group = await self._group_of(user.pk)
        if not self.group:
            await self.close(FORBIDDEN)
            return
        await self.channel_layer.group_add(self.group, self.channel_name)

    async def disconnect(self, code: int) -> None:
        if self.group:
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def live_event(self, message: dict[str, Any]) -> None:
        """Pass an event on, if the user is still a member of the same enterprise."""
        if await self._group_of(self.scope["user"].pk) != self.group:
            await self.close(FORBIDDEN)
            return
        await self.send_json({"kind": message["kind"], "data": message["data"]})

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        """The page has nothing to say; what it sends is dropped."""

    @database_sync_to_async
    def _group_of(self, user_id: int) -> str:
        """Asked anew each time: the user may have been locked, or have left the enterprise."""
        if not has_kind(user_by_id(user_id), Kind.ENTERPRISE):
            return ""
        try:
            return enterprise_group(member_of(user_id).enterprise_id)
        except NotMember:
            return ""
