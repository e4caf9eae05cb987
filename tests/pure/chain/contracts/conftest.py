from __future__ import annotations

import pytest

from tests.pure.chain.contracts.steps import accredit
from tests.pure.chain.contracts.world import World, device_genesis, shared_genesis


@pytest.fixture
def world() -> World:
    """A shared ledger on which the enterprises ``acme`` and ``bolt`` may buy."""
    world = World(shared_genesis())
    accredit(world, "acme", "bolt")
    return world


@pytest.fixture
def home() -> World:
    """A home's device ledger without devices."""
    return World(device_genesis())
