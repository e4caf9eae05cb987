"""WebSockets of the enterprise role."""

from __future__ import annotations

from django.urls import path

from enterprises.consumers import EnterpriseLive

websocket_urlpatterns = [path("ws/v1/enterprise/live", EnterpriseLive.as_asgi())]
