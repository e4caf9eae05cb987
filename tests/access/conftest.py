"""One world for the whole table; what a test changes in it is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chain import api as ledger_api
from tests.access.world import EngineNode, World, rolled_back, settings_of, world_make
from tests.enterprises import market as in_process


@pytest.fixture(scope="package")
def whole_world(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with django_db_blocker.unblock(), settings_of(tmp_path_factory.mktemp("access")), rolled_back():
        yield world_make()


@pytest.fixture
def _django_db_helper(whole_world: World) -> Iterator[None]:
    """In the place of pytest-django's own, which closes the connections after each test and the world with them.

    The mark ``django_db`` is still what has the five databases made."""
    with rolled_back():
        yield


@pytest.fixture
def world(whole_world: World, _django_db_helper: None, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(ledger_api, "ledger_node", lambda: EngineNode(in_process.source()))
    return whole_world
