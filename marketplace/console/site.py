"""The admin site that replaces Django's own."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.sites import UnfoldAdminSite

from marketplace.accounts.models import Kind
from marketplace.accounts.permissions import WrongKind, has_kind


class ConsoleSite(UnfoldAdminSite):
    """Only operators come in, whatever other rights a user has."""

    site_header = "Hearth"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return has_kind(user, Kind.OPERATOR)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Everybody logs in at one door, which asks for the second factor and counts wrong passwords."""
        wanted = request.GET.get("next", "")
        safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
        goal = wanted if safe else reverse("admin:index")
        if self.has_permission(request):
            return redirect(goal)
        if request.user.is_authenticated:
            raise WrongKind("The console is for operators.")
        return redirect_to_login(goal)
