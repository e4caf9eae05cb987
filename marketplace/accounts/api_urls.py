"""Routes under /api/v1/auth/."""

from __future__ import annotations

from django.urls import path

from marketplace.accounts import api

urlpatterns = [
    path("token", api.Token.as_view(), name="token"),
    path("me", api.Me.as_view(), name="me"),
]
