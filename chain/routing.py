"""WebSockets of the shared ledger."""

from __future__ import annotations

from django.urls import path

from chain.consumers import MarketEvents

websocket_urlpatterns = [path("ws/v1/market/events", MarketEvents.as_asgi())]
