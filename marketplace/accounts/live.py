"""The WebSocket behind live pages; each app derives one consumer that says who may listen to what."""

from __future__ import annotations

from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from marketplace.accounts.models import User

CLOSE_NOT_ALLOWED = 4403
CLOSE_JOIN_AGAIN = 4409


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Sends ``{"kind": ..., "data": {...}}`` for every event of the user's groups.

    A derived class gives ``groups_of(user)``: the groups this user may listen to now; empty means none. It is asked
    when the socket opens and again before every message, so that a user who lost the right hears nothing more: the
    socket closes, with 4403 for good, or with 4409 if the user may listen to other groups now and should come again.
    """

    def groups_of(self, user: User) -> tuple[str, ...]:
        raise NotImplementedError

    async def connect(self) -> None:
        self.joined = await self._allowed()
        if not self.joined:
            await self.close(code=CLOSE_NOT_ALLOWED)
            return
        for group in self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Pages only listen; what they say is not read."""

    async def live_event(self, message: dict[str, Any]) -> None:
        allowed = await self._allowed()
        if allowed != self.joined:
            await self.close(code=CLOSE_JOIN_AGAIN if allowed else CLOSE_NOT_ALLOWED)
            return
        await self.send_json({"kind": message["kind"], "data": message["data"]})

    @database_sync_to_async
    def _allowed(self) -> tuple[str, ...]:
        user = self.scope.get("user")
        if not isinstance(user, User):
            return ()
        present = User.objects.filter(pk=user.pk, is_active=True).first()
        return self.groups_of(present) if present else ()
