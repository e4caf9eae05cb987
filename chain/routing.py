"""WebSockets of the node's ledgers: the shared one, and each by its kind."""

from __future__ import annotations

from django.urls import path

from chain.consumers import MarketEvents

websocket_urlpatterns = [
    path("ws/v1/market/events", MarketEvents.as_asgi()),
    path("ws/v1/market/events/<str:kind>", MarketEvents.as_asgi()),
]
