"""Listing a lot on a ledger of real blocks."""

from __future__ import annotations

from chain.contracts.market.ids import preview_indices
from chain.contracts.market.lots import height_key
from chain.contracts.market.rows import BEACONS
from tests.pure.chain.client_ledger import ClientLedger
from tests.pure.chain.contracts.world import TestLot


def listed_in_blocks(ledger: ClientLedger, lot: TestLot) -> None:
    """Publish a lot, wait for the block that chooses its preview, and open it."""
    height = ledger.block((lot.payee, "market.publish", lot.digest)).header.height
    ledger.block()
    ledger.block()
    beacon = ledger.ledger.state.get(BEACONS, height_key(height))
    assert beacon is not None and beacon.hash
    count = dict(ledger.genesis.params)["preview_chunks"]
    chosen = preview_indices(beacon.hash, lot.lot_id, lot.digest.chunk_count, count)
    ledger.block((lot.payee, "market.open_preview", lot.preview(chosen)))
