"""The memory store keeps the promises of every store."""

from __future__ import annotations

import pytest

from chain.stores.memory import MemoryStore
from tests.pure.chain.stores.contract import StoreContract
from tests.pure.chain.toy import LEDGER


class TestMemoryStore(StoreContract):
    flips = 400

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore(LEDGER)

    def damage(self, store: MemoryStore, height: int, data: bytes) -> None:  # type: ignore[override]
        if height == 0:
            store._genesis = (data, store._genesis[1]) if store._genesis else None
        else:
            store._blocks[height] = data

    def damage_checkpoint(self, store: MemoryStore, height: int, part: int, data: bytes) -> None:  # type: ignore[override]
        parts = list(store._checkpoints[height])
        parts[part] = data
        store._checkpoints[height] = tuple(parts)

    def remove(self, store: MemoryStore, height: int) -> None:  # type: ignore[override]
        del store._blocks[height]
