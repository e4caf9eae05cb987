"""The tables that the engine itself keeps in every ledger's state."""

from __future__ import annotations

from chain.core.state import State, Table
from chain.core.types import Record, Uint


class NonceRow(Record):
    """The nonce that the sender's next transaction must have."""

    next: Uint


NONCES: Table[NonceRow] = Table("nonces", NonceRow)


def next_nonce(state: State, address: bytes) -> int:
    """The first nonce that the address has not used."""
    row = state.get(NONCES, address)
    return 0 if row is None else row.next
