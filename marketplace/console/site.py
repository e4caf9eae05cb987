"""The admin site that replaces Django's own."""

from __future__ import annotations

from django.http import HttpRequest
from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):
    """Only operators come in; superusers are operators by their kind."""

    site_header = "Hearth"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.is_authenticated and user.is_operator)
