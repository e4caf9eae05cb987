"""``manage.py migrate_all``: bring every database of this deployment's roles up to date."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Migrate every database; one that is up to date costs a look."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        for alias in connections:
            executor = MigrationExecutor(connections[alias])
            plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
            if plan:
                call_command("migrate", database=alias, verbosity=0, skip_checks=True)
                self.stdout.write(f"{alias}: {len(plan)} migrations")
