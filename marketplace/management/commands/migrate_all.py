"""``manage.py migrate_all``: bring every database of this deployment's roles up to date.

``default`` gets all migrations, each other database those of the apps that have models in it: going through all of them
five times over, only to be told by the router to do nothing, took most of the time of a start.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from marketplace.dbrouter import DEFAULT, aliases_of


class Command(BaseCommand):
    help = "Migrate every database; one that is up to date costs a look."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        for alias in connections:
            executor = MigrationExecutor(connections[alias])
            wanted = executor.loader.migrated_apps if alias == DEFAULT else apps_in(alias)
            targets = [node for node in executor.loader.graph.leaf_nodes() if node[0] in wanted]
            missing = sorted({migration.app_label for migration, _ in executor.migration_plan(targets)} & wanted)
            if missing and alias == DEFAULT:
                self._migrate(alias)
            else:
                for app in missing:
                    self._migrate(alias, app)
            if missing:
                self.stdout.write(f"{alias}: {', '.join(missing)}")

    def _migrate(self, alias: str, *app: str) -> None:
        call_command("migrate", *app, database=alias, verbosity=0, skip_checks=True)


def apps_in(alias: str) -> set[str]:
    """Labels of the apps with at least one model in the database ``alias``."""
    return {model._meta.app_label for model in apps.get_models(include_auto_created=True) if alias in aliases_of(model)}
