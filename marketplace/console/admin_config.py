"""Django's admin app with Hearth's site in place of its own. Apart from ``apps``, which must declare one app only."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class HearthAdminConfig(AdminConfig):
    default = False
    default_site = "marketplace.console.site.ConsoleSite"
