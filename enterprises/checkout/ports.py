"""The market as an enterprise's node sees it. Everything about the ledger that comes through here was verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chain.contracts.market.rows import LotRow
from chain.core.types import Header
from chain.engine.proofs import TxProof

Query = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """That some transaction touched some order: a hint of where to look, not a proof."""

    height: int
    tx_id: bytes
    kind: str
    subjects: tuple[bytes, ...]


class BuyerMarket(Protocol):
    """What a buyer needs of a market. Calls raise ``HearthError`` with the market's own codes, ``Unavailable`` if it is away.

    ``submit``, ``proof`` and ``head`` return only what a light client has checked.
    """

    @property
    def ledger(self) -> str: ...

    @property
    def params(self) -> Mapping[str, int]:
        """The market contract's parameters, from the pinned genesis."""
        ...

    def head(self) -> Header: ...

    def submit(self, raw: bytes) -> TxProof:
        """Send a signed transaction and wait until it is final; the same bytes may be sent again."""
        ...

    def proof(self, tx_id: bytes) -> TxProof | None: ...

    def events(self, after_height: int, up_to_height: int) -> Sequence[OrderEvent]:
        """Events of the blocks after one height up to another, in order."""
        ...

    def indexed_height(self) -> int:
        """Up to which height events can be had."""
        ...

    def nonce(self, address: bytes) -> int: ...

    def balance(self, address: bytes) -> int: ...

    def history(self, address: bytes) -> Sequence[dict[str, Any]]: ...

    def lot_row(self, lot_id: bytes) -> LotRow: ...

    def object_get(self, object_id: bytes) -> bytes: ...

    def lots(self, query: Query) -> dict[str, Any]: ...

    def facets(self, query: Query) -> dict[str, Any]: ...

    def lot(self, lot_id: str) -> dict[str, Any]: ...

    def preview(self, lot_id: str) -> dict[str, Any]: ...

    def licence(self, digest: str) -> dict[str, Any]: ...

    def organisation_register(self, name: str, contact: str, secret: bytes) -> str:
        """Register and return the token; the secret signs the market's challenge and goes nowhere."""
        ...

    def organisation(self) -> dict[str, Any]: ...
