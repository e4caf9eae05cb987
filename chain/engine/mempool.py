"""Transactions that wait for a block: bounded, in order of arrival, each sender's nonces without gaps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chain.core.errors import Expired, NonceGap, NonceUsed, PoolFull, Rejected
from chain.core.state import State
from chain.core.system import next_nonce
from chain.engine.application import Prepared

POOL_SIZE = 10_000
POOL_BYTES = 64 * 1024 * 1024
BLOCK_TRANSACTIONS = 500
BLOCK_BYTES = 4 * 1024 * 1024


class Taken(NamedTuple):
    """What the next block gets, and what can no longer stand in any block, with the reason."""

    transactions: list[Prepared]
    dropped: list[tuple[Prepared, Rejected]]


class Mempool:
    """Waiting transactions by id, oldest first."""

    def __init__(self, max_count: int = POOL_SIZE, max_bytes: int = POOL_BYTES) -> None:
        self.max_count = max_count
        self.max_bytes = max_bytes
        self.bytes = 0
        self._waiting: dict[bytes, Prepared] = {}
        self._next: dict[bytes, int] = {}
        self._count_of: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, tx_id: object) -> bool:
        return tx_id in self._waiting

    def next_nonce(self, state: State, sender: bytes) -> int:
        """The nonce of the sender's next transaction, those that wait included."""
        waiting = self._next.get(sender)
        return next_nonce(state, sender) if waiting is None else waiting

    def require_fit(self, state: State, height: int, prepared: Prepared) -> None:
        """Raise ``Expired``, ``NonceUsed``, ``NonceGap`` or ``PoolFull`` if the transaction can't wait for a block."""
        tx = prepared.signed.tx
        if tx.valid_until < height:
            raise Expired(f"the transaction was valid until height {tx.valid_until}, the next block is {height}")
        expected = self.next_nonce(state, prepared.sender)
        if tx.nonce < expected:
            raise NonceUsed(f"the sender's next nonce is {expected}")
        if tx.nonce > expected:
            raise NonceGap(f"the sender's next nonce is {expected}")
        if len(self._waiting) >= self.max_count or self.bytes + len(prepared.raw) > self.max_bytes:
            raise PoolFull(f"{len(self._waiting)} transactions are waiting")

    def add(self, prepared: Prepared) -> None:
        """Let a transaction wait that ``require_fit`` accepted."""
        sender = prepared.sender
        self._waiting[prepared.tx_id] = prepared
        self._next[sender] = prepared.signed.tx.nonce + 1
        self._count_of[sender] = self._count_of.get(sender, 0) + 1
        self.bytes += len(prepared.raw)

    def take(
        self, state: State, height: int, max_count: int = BLOCK_TRANSACTIONS, max_bytes: int = BLOCK_BYTES
    ) -> Taken:
        """The oldest that can stand in block ``height``; they stay until ``remove``. What never can is dropped."""
        taken = Taken([], [])
        expected: dict[bytes, int] = {}
        size = 0
        for prepared in self._waiting.values():
            if len(taken.transactions) >= max_count:
                break
            tx, sender = prepared.signed.tx, prepared.sender
            nonce = expected.get(sender)
            if nonce is None:
                nonce = next_nonce(state, sender)
            if tx.valid_until < height:
                taken.dropped.append((prepared, Expired()))
            elif tx.nonce != nonce:
                taken.dropped.append((prepared, NonceUsed() if tx.nonce < nonce else NonceGap()))
            elif size + len(prepared.raw) > max_bytes and taken.transactions:
                break
            else:
                taken.transactions.append(prepared)
                size += len(prepared.raw)
                nonce += 1
            expected[sender] = nonce
        self.remove(prepared.tx_id for prepared, _ in taken.dropped)
        return taken

    def remove(self, tx_ids: Iterable[bytes]) -> None:
        """Forget transactions that are final or dropped; unknown ids are passed over."""
        for tx_id in tx_ids:
            prepared = self._waiting.pop(tx_id, None)
            if prepared is None:
                continue
            self.bytes -= len(prepared.raw)
            left = self._count_of[prepared.sender] - 1
            if left:
                self._count_of[prepared.sender] = left
            else:
                del self._count_of[prepared.sender], self._next[prepared.sender]
