"""``manage.py ledger_node``: run the process that orders transactions and writes the shared ledger."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from chain.node.process import node_run
from marketplace.common.errors import HearthError


class Command(BaseCommand):
    help = "Run the ledger node until SIGTERM or Ctrl-C."
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            node_run()
        except HearthError as error:
            hint = f" {error.hint}" if error.hint else ""
            raise CommandError(f"{error.detail} ({error.code}).{hint}") from error
        except OperationalError as error:
            raise CommandError("The ledger's tables are missing. Run: manage.py migrate --database ledger") from error
