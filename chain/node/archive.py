"""What the node reads and writes beside the blocks: index and checkpoints. Its methods run in threads of their own."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connections

from chain.core.types import Header
from chain.engine.checkpoints import Tables
from chain.engine.ledger import Ledger
from chain.engine.proofs import TxProof, proof_make
from chain.stores.index import LedgerIndex
from chain.stores.sql import SqlStore

log = logging.getLogger("chain.node")


class Archive:
    """Index and checkpoints of one ledger. They are conveniences: if writing them fails, blocks go on."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._index = LedgerIndex(store)

    @property
    def indexed_height(self) -> int:
        return self._index.height

    def index(self) -> int:
        """Index a portion of the blocks that are not indexed yet."""
        try:
            return self._index.advance()
        except DatabaseError:
            log.exception("the index could not be written; it will be tried again after the next block")
            return 0

    def checkpoint(self, ledger: Ledger, snapshot: tuple[Header, Tables]) -> None:
        """Write a checkpoint, and close this thread's connection."""
        try:
            ledger.checkpoint_save(snapshot)
        except DatabaseError:
            log.exception("the checkpoint could not be written; the ledger will replay more blocks when it next opens")
        finally:
            connections[self._store.alias].close()

    def proof(self, tx_id: bytes) -> TxProof | None:
        """The proof of an indexed transaction, or None."""
        with connections[self._store.alias].cursor() as cursor:
            cursor.execute(
                "SELECT height FROM chain_tx_index WHERE ledger_id = %s AND tx_id = %s", [self._store.ledger, tx_id]
            )
            found = cursor.fetchone()
        block = None if found is None else self._store.block(int(found[0]))
        return None if block is None else proof_make(block, tx_id)
