"""WebSockets of the home role."""

from __future__ import annotations

from django.urls import path

from households.consumers import DeviceConsumer, OwnerLive

websocket_urlpatterns = [
    path("ws/v1/home/live", OwnerLive.as_asgi()),
    path("ws/v1/home/<uuid:home_id>/devices", DeviceConsumer.as_asgi()),
]
