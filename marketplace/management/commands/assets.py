"""``manage.py assets``: install the third-party assets of the pages, if package-lock.json has changed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from marketplace import assets
from marketplace.common.errors import HearthError


class Command(BaseCommand):
    help = "Install the pages' third-party assets into var/vendor."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            changed = assets.ensure(settings.BASE_DIR, settings.HEARTH_VENDOR)
        except HearthError as error:
            raise CommandError(f"{error.title}: {error.detail} {error.hint}") from None
        if changed:
            self.stdout.write("assets installed")
