"""The read index of a ledger: transactions by id and sender, events by subject and kind.

It is built behind the log, may lag a moment, and holds nothing that the blocks do not say: ``rebuild`` makes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from chain.core.codec import decode
from chain.core.types import Block, SignedTransaction
from chain.crypto.hashing import address_of
from chain.stores.sql import SqlStore

PORTION_BLOCKS = 100
_TX = (
    "INSERT INTO chain_tx_index (ledger_id, tx_id, height, position, sender, call, code) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_EVENT = (
    "INSERT INTO chain_event_index (ledger_id, height, position, number, subject, kind, tx_id) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)


class LedgerIndex:
    """The index of one ledger, in the database that keeps its blocks."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.height = self._indexed_height()

    def advance(self, limit: int = PORTION_BLOCKS) -> int:
        """Index up to ``limit`` blocks that are not indexed yet, in one transaction; how many there were."""
        blocks: list[Block] = []
        for block in self._store.blocks(self.height + 1):
            blocks.append(block)
            if len(blocks) >= limit:
                break
        if blocks:
            self.add(blocks)
        return len(blocks)

    def add(self, blocks: list[Block]) -> None:
        """Index the blocks that follow those indexed."""
        ledger, head = self._store.ledger, blocks[-1].header.height
        with transaction.atomic(using=self._store.alias), connections[self._store.alias].cursor() as cursor:
            if not _head_moved(cursor, ledger, self.height, head):
                self.height = self._indexed_height()
                return
            cursor.executemany(_TX, [row for block in blocks for row in _transaction_rows(ledger, block)])
            cursor.executemany(_EVENT, [row for block in blocks for row in _event_rows(ledger, block)])
        self.height = head

    def rebuild(self, progress: Callable[[int], None] | None = None) -> int:
        """Forget the index and make it anew from the blocks; how many blocks were indexed."""
        self._forget()
        total = 0
        while count := self.advance():
            total += count
            if progress is not None:
                progress(total)
        return total

    def _forget(self) -> None:
        with transaction.atomic(using=self._store.alias), connections[self._store.alias].cursor() as cursor:
            for table in ("chain_event_index", "chain_tx_index", "chain_index_head"):
                cursor.execute(f"DELETE FROM {table} WHERE ledger_id = %s", [self._store.ledger])  # noqa: S608 - constants
        self.height = 0

    def _indexed_height(self) -> int:
        with connections[self._store.alias].cursor() as cursor:
            cursor.execute("SELECT height FROM chain_index_head WHERE ledger_id = %s", [self._store.ledger])
            found = cursor.fetchone()
        return int(found[0]) if found else 0


def _head_moved(cursor: CursorWrapper, ledger: str, before: int, after: int) -> bool:
    """Claim the step from ``before`` to ``after``; false if another process has indexed meanwhile."""
    if before == 0:
        cursor.execute(
            "INSERT INTO chain_index_head (ledger_id, height) VALUES (%s, %s) ON CONFLICT (ledger_id) DO NOTHING",
            [ledger, after],
        )
    else:
        cursor.execute(
            "UPDATE chain_index_head SET height = %s WHERE ledger_id = %s AND height = %s", [after, ledger, before]
        )
    return bool(cursor.rowcount == 1)


def _transaction_rows(ledger: str, block: Block) -> Iterable[tuple[Any, ...]]:
    pairs = zip(block.transactions, block.receipts, strict=True)
    for position, (raw, receipt) in enumerate(pairs):
        tx = decode(SignedTransaction, raw).tx
        sender = address_of(tx.sender)
        yield ledger, receipt.tx_id, block.header.height, position, sender, tx.call, receipt.code


def _event_rows(ledger: str, block: Block) -> Iterable[tuple[Any, ...]]:
    height = block.header.height
    for position, receipt in enumerate(block.receipts):
        for number, event in enumerate(receipt.events):
            for subject in dict.fromkeys(event.subjects or (b"",)):
                yield ledger, height, position, number, subject, event.kind, receipt.tx_id
