"""Where Hearth steps into allauth's flows."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse

from marketplace.accounts.models import Kind, User


class HearthAccountAdapter(DefaultAccountAdapter):
    """Writes the chosen kind on a new user, and sends everyone to their own first page."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user.kind = getattr(request, "signup_kind", Kind.OWNER)
        saved: User = super().save_user(request, user, form, commit=commit)
        return saved

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return reverse("start")

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        return reverse("start")
