"""The app of the market role (catalog, partners) and of the enterprise role (checkout)."""

from __future__ import annotations

from django.apps import AppConfig


class EnterprisesConfig(AppConfig):
    """Two roles in one app: what the market keeps and what an enterprise's own node keeps never share a table."""

    name = "enterprises"
    verbose_name = "Market and enterprises"
    default_auto_field = "django.db.models.BigAutoField"
