"""Every WebSocket of the deployment, with the session's user in its scope and a check of the page it comes from."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.urls import re_path
from django.utils.module_loading import import_string

ROUTING_OF_ROLE = {
    "home": ("households.routing",),
    "market": ("chain.routing", "enterprises.board.routing"),
    "enterprise": ("enterprises.routing",),
}


def _patterns() -> list[object]:
    modules = [module for role in settings.HEARTH_ROLES for module in ROUTING_OF_ROLE[role]]
    return [pattern for module in modules for pattern in import_string(f"{module}.websocket_urlpatterns")]


class NoSuchSocket(AsyncWebsocketConsumer):
    """Closes a socket that nobody serves here, where the router alone would write a fault into the log."""

    async def connect(self) -> None:
        await self.close(code=4404)


class OwnPagesOnly(OriginValidator):
    """A browser says from which page a socket was opened; only Hearth's own may. Agents and followers are no pages."""

    def valid_origin(self, parsed_origin: object | None) -> bool:
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))


websocket_application = OwnPagesOnly(
    AuthMiddlewareStack(URLRouter([*_patterns(), re_path("", NoSuchSocket.as_asgi())])), settings.ALLOWED_HOSTS
)
