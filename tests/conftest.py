"""Fixtures for every test. All five databases are open to a test that asks for any."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.core.cache import cache

from marketplace.accounts.models import User
from tests import factories

# Playwright's sync interface keeps an event loop running in the thread that talks to the database.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

_DATABASE_FIXTURES = {"db", "transactional_db"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pytest-django opens only ``default`` unless it is told; here every test that may use a database gets all five."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        asked = _DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
        if mark is None and not asked:
            continue
        options = dict(mark.kwargs) if mark else {"transaction": "transactional_db" in asked}
        item.add_marker(pytest.mark.django_db(**{"databases": "__all__", **options}), append=False)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Throttles count in the cache; one test's calls are not the next one's."""
    cache.clear()
    yield


@pytest.fixture
def owner(db: None) -> User:
    return factories.owner()


@pytest.fixture
def other_owner(db: None) -> User:
    return factories.owner()


@pytest.fixture
def member(db: None) -> User:
    return factories.member()


@pytest.fixture
def other_member(db: None) -> User:
    return factories.member()


@pytest.fixture
def operator(db: None) -> User:
    return factories.operator()
