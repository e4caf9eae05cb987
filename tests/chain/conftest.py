from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chain.market_node import MarketNode, market_node

SECOND_MS = 1000


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[MarketNode]:
    """A market's ledger node with short windows, over the test's own database."""
    windows = {"t1_ms": SECOND_MS, "t1_deliver_ms": SECOND_MS, "t2_ms": SECOND_MS, "preview_ms": 30 * SECOND_MS}
    with market_node(tmp_path, preview_chunks=2, fee_bps=250, **windows) as running:
        yield running
