"""WebSocket of the market's board."""

from __future__ import annotations

from django.urls import path

from enterprises.board.consumers import BoardEvents

websocket_urlpatterns = [path("ws/v1/market/board", BoardEvents.as_asgi())]
