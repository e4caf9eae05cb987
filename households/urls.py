"""Pages of the home role."""

from __future__ import annotations

from django.urls import URLPattern

app_name = "households"
urlpatterns: list[URLPattern] = []
