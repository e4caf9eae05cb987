"""The demo's app: builders that call services, and the story's actors. It has no models."""

from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "marketplace.demo"
