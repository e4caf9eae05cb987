"""What the index needs of the shared ledger: events behind the log, and the present row of a lot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from chain.contracts.market.rows import LotRow


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """One event of a receipt. ``subjects`` are ids and addresses, raw bytes."""

    height: int
    tx_id: bytes
    kind: str
    subjects: tuple[bytes, ...]


class LotSource(Protocol):
    """The shared ledger as the market role reads it; the ledger node implements it, tests use an in-process ledger."""

    @property
    def ledger(self) -> str: ...

    def height(self) -> int:
        """The height up to which events can be had (the index may lag behind the log)."""
        ...

    def events(self, after_height: int, up_to_height: int) -> Iterator[LedgerEvent]:
        """All events of the blocks after ``after_height`` up to ``up_to_height``, in the ledger's order."""
        ...

    def lot(self, lot_id: bytes) -> LotRow | None: ...

    def lots(self) -> Iterator[LotRow]: ...
