"""The ledgers as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ChainConfig(AppConfig):
    name = "chain"
    verbose_name = "Ledgers"
    default_auto_field = "django.db.models.BigAutoField"
