"""A node's own secrets, and the markets that the tests of the apps use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from households.services.ledgers import device_ledgers_forget
from tests.households.market import MemoryConnector, MemoryMarket


@pytest.fixture
def _own_node(db: None, settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.HEARTH_SECRETS_DIR = tmp_path / "secrets"
    settings.HEARTH_HUB_CONNECTOR = "tests.households.market.MemoryConnector"
    MemoryConnector.market = MemoryMarket()
    device_ledgers_forget()
    yield
    device_ledgers_forget()
