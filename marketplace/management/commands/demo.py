"""``manage.py demo``: the demo's homes and enterprises, with known log-ins; ``make up`` calls it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

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
            call_command("migrate_all", verbosity=0)
            builders.operator_ensure()
            return
        logins = builders.demo_build(url=builders.market_url(), devices_file=settings.HEARTH_VAR / DEVICES_FILE)
        width = max(len(email) for email, _ in logins)
        for email, who in logins:
            self.stdout.write(f"  {email:<{width}}  {PASSWORD}  {who}")
