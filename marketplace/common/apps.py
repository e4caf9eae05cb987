"""The app of what every other app may use."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "marketplace.common"
    label = "common"

    def ready(self) -> None:
        # Makes Hearth's Celery application the default one, so that shared_task binds to it in every process.
        import_module("marketplace.celery")
