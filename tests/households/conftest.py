"""What the tests of the home role share: a node key of their own, and the market in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from households.services.ledgers import device_ledgers_forget
from tests.households.market import MemoryConnector, MemoryMarket


@pytest.fixture(autouse=True)
def _own_node(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.HEARTH_SECRETS_DIR = tmp_path / "secrets"
    settings.HEARTH_HUB_CONNECTOR = "tests.households.market.MemoryConnector"
    device_ledgers_forget()
    yield
    device_ledgers_forget()


@pytest.fixture
def market() -> MemoryMarket:
    MemoryConnector.market = MemoryMarket()
    return MemoryConnector.market
