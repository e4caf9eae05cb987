"""The app of the operator's console."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "marketplace.console"
    label = "console"
