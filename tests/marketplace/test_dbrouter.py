"""Five databases that do not mix."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connections

from marketplace.accounts.models import ApiToken, User
from marketplace.dbrouter import HearthRouter, aliases_of

router = HearthRouter()


@pytest.mark.django_db
@pytest.mark.parametrize("alias", sorted(settings.DATABASES))
def test_a_database_holds_the_tables_of_its_own_models_and_no_others(alias: str):
    tables = set(connections[alias].introspection.table_names())
    models = [
        model for model in apps.get_models(include_auto_created=True) if not model.__module__.startswith("tests.")
    ]
    own = {model._meta.db_table for model in models if alias in aliases_of(model)}
    foreign = {model._meta.db_table for model in models if alias not in aliases_of(model)}
    assert own - tables == set()
    assert foreign & tables - own == set()


def test_no_foreign_key_crosses_databases():
    crossing = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.is_relation and field.related_model not in (None, "self") and not field.auto_created
        if set(aliases_of(model)) != set(aliases_of(field.related_model))
    ]
    assert crossing == []


def test_every_model_of_ours_lives_in_a_known_database():
    assert {alias for model in apps.get_models() for alias in aliases_of(model)} <= set(settings.DATABASES)


def test_accounts_are_read_and_written_in_default():
    assert router.db_for_read(User) == router.db_for_write(ApiToken) == "default"


def test_a_model_of_several_databases_has_no_default_alias():
    class Block:
        class _meta:  # noqa: N801
            auto_created = False

        hearth_dbs = ("ledger", "home")

    assert router.db_for_write(Block) is None  # type: ignore[arg-type]


def test_a_data_migration_runs_in_the_database_that_it_names():
    assert router.allow_migrate("home", "households", hearth_db="home")
    assert not router.allow_migrate("market", "households", hearth_db="home")
    assert not router.allow_migrate("home", "accounts")
