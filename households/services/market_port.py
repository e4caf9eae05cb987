"""What the hub needs of the market: a port, so that the same services run over HTTP and over an in-process ledger.

Implementations answer only what they verified: receipts with their Merkle paths and votes, headers that chain to the
pinned genesis. Ids and addresses are raw bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chain.contracts.market.rows import OrderRow
from chain.core.types import Genesis, Header
from chain.engine.proofs import TxProof


@dataclass(frozen=True, slots=True)
class MarketEvent:
    """One event of the shared ledger: where it happened, in which transaction, and what it touches."""

    height: int
    tx_id: bytes
    kind: str
    subjects: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class EventPage:
    """Events in the ledger's order; all up to ``up_to_height`` are there."""

    events: tuple[MarketEvent, ...]
    up_to_height: int


class Market(Protocol):
    """The market as one hub sees it."""

    @property
    def ledger(self) -> str:
        """The shared ledger's id."""
        ...

    def genesis(self) -> Genesis: ...

    def head(self) -> Header:
        """The newest verified header."""
        ...

    def height_seen(self) -> int:
        """The height of the newest block that was verified so far, without asking."""
        ...

    def header(self, height: int) -> Header | None:
        """The verified header of a height, or None if there is no such block yet."""
        ...

    def nonce(self, address: bytes) -> int: ...

    def balance(self, address: bytes) -> int: ...

    def submit_and_wait(self, raw: bytes) -> TxProof:
        """Send a signed transaction and wait until it is final; the proof is verified, whatever its receipt says."""
        ...

    def proof(self, tx_id: bytes) -> TxProof:
        """The verified proof of a transaction on the ledger; raises ``NotFound``."""
        ...

    def events(self, after_height: int) -> EventPage:
        """The events of all blocks after a height: hints of where to look, to be followed up by proofs."""
        ...

    def order(self, order_id: bytes) -> OrderRow: ...

    def lot_known(self, lot_id: bytes) -> bool:
        """Whether the ledger has, or had, a lot of this id."""
        ...

    def object_put(self, object_id: bytes, data: bytes, *, cell: str, deletion_secret: bytes) -> None:
        """Store an object; repeating it with the same bytes changes nothing."""
        ...

    def object_delete(self, object_id: bytes, *, deletion_secret: bytes) -> None:
        """Remove an object; one that is gone is no error."""
        ...

    def homes_in_cell(self, cell: str) -> int:
        """How many homes the market counts in a cell; 0 when it does not say."""
        ...
