"""The service-model ledger as a round sees it."""

from __future__ import annotations

from chain.contracts.peers import RoundKeys
from chain.core.blocks import header_hash
from enterprises.training.calls import ROUND_KEYS, call, call_of, waits, went_through
from enterprises.training.models import TrainingJob
from enterprises.training.ports import Desk


class LedgerBeacon:
    """``Beacon`` over the wallet's outbox: a root is queued in the transaction that writes the record down.

    So a root never leaves before the record that it follows from is kept, and a coordinator that died in between makes
    the same one again.
    """

    def __init__(self, desk: Desk, job: TrainingJob) -> None:
        self._desk, self._job = desk, job
        self._wanted: dict[bytes, bytes] = {}

    def keys_commit(self, round_id: bytes, keys_root: bytes) -> None:
        """Note that the root is to go on the ledger; ``queue`` has it called."""
        self._wanted[round_id] = keys_root

    def block_after(self, round_id: bytes, keys_root: bytes) -> bytes | None:
        """See ``Beacon``. Raises ``LedgerFault`` if another root of ours stands there."""
        row = call_of(self._job, ROUND_KEYS, round_id.hex())
        if row is None or waits(row):
            return None
        if went_through(row):
            header = self._desk.market.models().header((row.height or 0) + 1)
            return None if header is None else header_hash(header)
        return self._desk.market.models().round_block_after(self._desk.address, round_id, keys_root)

    def queue(self) -> None:
        """Queue the roots that are wanted, once each; inside the transaction that writes the record."""
        for round_id, keys_root in self._wanted.items():
            call(self._job, ROUND_KEYS, RoundKeys(round_id, keys_root), round_id.hex())
