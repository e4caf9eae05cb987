"""What the databases hold, to compare before and after."""

from __future__ import annotations

from collections.abc import Collection

from django.apps import apps
from django.db import connections, models

from chain.crypto.hashing import sha256


def everything(*, but: Collection[str] = ()) -> dict[str, bytes]:
    """A hash of the rows of each table of each database, by ``alias/table``; ``but`` names tables to leave out."""
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True) if _is_ours(model)}
    found = {}
    for alias in connections:
        present = set(connections[alias].introspection.table_names()) & tables
        for table in sorted(present - set(but)):
            with connections[alias].cursor() as cursor:
                cursor.execute(f"SELECT * FROM {connections[alias].ops.quote_name(table)}")
                rows = sorted(repr(row).encode() for row in cursor.fetchall())
            found[f"{alias}/{table}"] = sha256(*rows)
    return found


def _is_ours(model: type[models.Model]) -> bool:
    return model._meta.app_label in ("accounts", "chain", "households", "enterprises")
