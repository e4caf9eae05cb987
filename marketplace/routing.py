"""Every WebSocket of the deployment, behind the session's user and a check of the origin."""

from __future__ import annotations

from pathlib import Path

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.conf import settings
from django.utils.module_loading import import_string

_HERE = Path(settings.BASE_DIR)


def _patterns() -> list[object]:
    found: list[object] = []
    for role, app in (("home", "households"), ("market", "chain"), ("enterprise", "enterprises")):
        if role in settings.HEARTH_ROLES and (_HERE / app / "routing.py").exists():
            found += import_string(f"{app}.routing.websocket_urlpatterns")
    return found


websocket_application = AuthMiddlewareStack(URLRouter(_patterns()))
