"""What every template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def page(request: HttpRequest) -> dict[str, Any]:
    """``demo``: true in the demo; ``roles``: the roles that this deployment plays."""
    return {"demo": settings.HEARTH_DEMO, "roles": settings.HEARTH_ROLES}
