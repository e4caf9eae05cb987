"""The app of what both sides of training share. It has no tables: rows belong to the roles."""

from __future__ import annotations

from django.apps import AppConfig


class FedlearnConfig(AppConfig):
    name = "fedlearn"
    verbose_name = "Training"
    default_auto_field = "django.db.models.BigAutoField"
