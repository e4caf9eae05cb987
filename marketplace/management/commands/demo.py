"""``manage.py demo``: the demo's homes and enterprises, with known log-ins; ``make up`` calls it."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DEFAULT_DB_ALIAS, connections, router

from marketplace.demo import builders
from marketplace.demo.homes import PASSWORD
from marketplace.management.commands.up import DEVICES_FILE


class Command(BaseCommand):
    help = "Make the demo's homes, enterprises and operator; what is there stays as it is."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--bare", action="store_true", help="Only migrate the databases and make the operator's account."
        )

    def handle(self, *args: Any, bare: bool, **options: Any) -> None:
        if not settings.HEARTH_DEMO:
            raise CommandError("These accounts have known passwords: they are made in the demo only (HEARTH_DEMO=1).")
        if bare:
            self._migrate_fresh()
            builders.operator_ensure()
            return
        logins = builders.demo_build(url=builders.market_url(), devices_file=settings.HEARTH_VAR / DEVICES_FILE)
        width = max(len(email) for email, _ in logins)
        for email, who in logins:
            self.stdout.write(f"  {email:<{width}}  {PASSWORD}  {who}")

    def _migrate_fresh(self) -> None:
        """Migrate empty databases: all of ``default``, and of the others only the apps that keep something there.

        ``migrate_all`` walks through every app's history in each database, which takes twice as long.
        """
        for alias in connections:
            labels = [
                config.label
                for config in apps.get_app_configs()
                if any(router.allow_migrate_model(alias, model) for model in config.get_models())
            ]
            for label in [""] if alias == DEFAULT_DB_ALIAS else labels:
                call_command("migrate", *filter(None, [label]), database=alias, verbosity=0, skip_checks=True)
