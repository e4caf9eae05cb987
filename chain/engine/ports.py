"""What the engine needs from outside: a place that keeps blocks, and a way to check signatures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator

from chain.core.blocks import genesis_hash
from chain.core.codec import decode, encode
from chain.core.errors import LedgerFault
from chain.core.types import Block, Genesis
from marketplace.common.errors import Conflict, NotFound

VerifySignature = Callable[[bytes, bytes, bytes], bool]
"""``(public key, digest, signature) -> valid``."""


class HeightTaken(Conflict):
    """Somebody else appended a block first, or a block would leave a gap."""

    code = "ledger_height_taken"
    title = "The ledger's next height is another one"
    hint = "Read the ledger again and propose on its new head."


class NoSuchLedger(NotFound):
    """The store keeps no ledger of this id."""

    code = "ledger_unknown"
    title = "There is no such ledger here"


class Store(ABC):
    """An append-only block log of one ledger, with its genesis and its checkpoints.

    Implementations keep and give back bytes; what they mean is checked here and in ``replay``. ``append`` returns only
    when the block survives a loss of power, as far as the store can promise that at all.
    """

    ledger: str

    @abstractmethod
    def genesis_row(self) -> tuple[bytes, bytes] | None:
        """The canonical genesis and its hash as they are stored, or None while the ledger has not begun."""

    @abstractmethod
    def save_genesis(self, genesis: Genesis) -> None:
        """Keep the genesis; raises ``HeightTaken`` if there is one already."""

    @abstractmethod
    def height(self) -> int:
        """The height of the last block, 0 before the first."""

    @abstractmethod
    def append_bytes(self, height: int, data: bytes) -> None:
        """Keep a block as the next one, durably; raises ``HeightTaken`` if ``height`` is not the next."""

    @abstractmethod
    def rows(self, from_height: int = 1) -> Iterator[tuple[int, bytes]]:
        """Heights and encoded blocks in rising order, read in portions; appending meanwhile is allowed."""

    @abstractmethod
    def row(self, height: int) -> bytes | None:
        """One encoded block."""

    @abstractmethod
    def save_checkpoint(self, height: int, parts: Iterable[bytes]) -> None:
        """Keep a checkpoint, all of it or nothing, and forget all but the newest two."""

    @abstractmethod
    def checkpoint_heights(self) -> tuple[int, ...]:
        """The heights of complete checkpoints, newest first."""

    @abstractmethod
    def checkpoint_parts(self, height: int) -> tuple[bytes, ...]:
        """The parts of a checkpoint in their order; empty if there is none."""

    def genesis(self) -> Genesis | None:
        """The genesis, or None while the ledger has not begun. Raises ``LedgerFault`` if it was changed."""
        row = self.genesis_row()
        if row is None:
            return None
        data, digest = row
        genesis = decode(Genesis, data)
        if genesis_hash(genesis) != digest:
            raise LedgerFault("the genesis does not match its hash", height=0)
        return genesis

    def append(self, block: Block) -> None:
        """Keep a block as the next one, durably; raises ``HeightTaken``."""
        self.append_bytes(block.header.height, encode(block))

    def block(self, height: int) -> Block | None:
        """One block; raises ``Malformed`` if its bytes were changed."""
        data = self.row(height)
        return None if data is None else decode(Block, data)

    def blocks(self, from_height: int = 1) -> Iterator[Block]:
        """Blocks in rising order of height; raises ``LedgerFault`` at a gap and ``Malformed`` at changed bytes."""
        for expected, (height, data) in enumerate(self.rows(from_height), start=from_height):
            if height != expected:
                raise LedgerFault("a block is missing", height=expected)
            yield decode(Block, data)
