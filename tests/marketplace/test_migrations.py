"""Migrations say what the models say, and every database can be made by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connections

from marketplace.supervisor import Stack


def test_no_model_has_changed_without_a_migration(tmp_path: Path):
    stack = Stack(var=tmp_path, scratch=True, only=())
    assert "No changes detected" in stack.manage("makemigrations", "--check", "--dry-run")


@pytest.mark.django_db
def test_migrations_make_the_same_tables_as_the_models(tmp_path: Path):
    stack = Stack(var=tmp_path, scratch=True, only=())
    assert "default: " in stack.manage("migrate_all")
    assert stack.manage("migrate_all") == ""
    ours = {"accounts", "chain", "enterprises", "households"}
    for alias in connections:
        wanted = {name for name in connections[alias].introspection.table_names() if name.split("_")[0] in ours}
        made = tables_in(tmp_path / f"{alias}.sqlite3")
        assert wanted <= made, alias


def tables_in(file: Path) -> set[str]:
    found = connections.create_connection("default")
    found.settings_dict = {**found.settings_dict, "NAME": str(file)}
    try:
        return set(found.introspection.table_names())
    finally:
        found.close()
