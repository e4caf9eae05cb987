"""The operator's three acts on the shared ledger, as the services need them."""

from __future__ import annotations

from typing import Protocol


class OperatorLedger(Protocol):
    """Signs with the operator's and the treasury's key and waits until the transaction is final."""

    def accredit(self, address: bytes, until_ms: int) -> None: ...

    def suspend(self, address: bytes) -> None: ...

    def mint(self, address: bytes, amount: int) -> bytes:
        """Returns the id of the transaction."""
        ...

    def height(self) -> int: ...

    def mints(self, address: bytes, amount: int, after_height: int) -> list[bytes]:
        """The ids of final transactions above a height that minted just this for this address."""
        ...
