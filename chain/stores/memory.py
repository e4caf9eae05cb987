"""A ledger's log in memory: for tests, and for ledgers that need not outlive their process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chain.core.blocks import genesis_hash
from chain.core.codec import encode
from chain.core.types import Genesis
from chain.engine.ports import HeightTaken, Store

KEPT_CHECKPOINTS = 2


class MemoryStore(Store):
    """Blocks by height. Not durable, and for one process."""

    def __init__(self, ledger: str) -> None:
        self.ledger = ledger
        self._genesis: tuple[bytes, bytes] | None = None
        self._blocks: dict[int, bytes] = {}
        self._checkpoints: dict[int, tuple[bytes, ...]] = {}

    def genesis_row(self) -> tuple[bytes, bytes] | None:
        return self._genesis

    def save_genesis(self, genesis: Genesis) -> None:
        if self._genesis is not None:
            raise HeightTaken("the ledger has a genesis already")
        self._genesis = encode(genesis), genesis_hash(genesis)

    def height(self) -> int:
        return max(self._blocks, default=0)

    def append_bytes(self, height: int, data: bytes) -> None:
        if height != self.height() + 1:
            raise HeightTaken(f"the next height is {self.height() + 1}")
        self._blocks[height] = data

    def rows(self, from_height: int = 1) -> Iterator[tuple[int, bytes]]:
        for height in sorted(self._blocks):
            if height >= from_height:
                yield height, self._blocks[height]

    def row(self, height: int) -> bytes | None:
        return self._blocks.get(height)

    def save_checkpoint(self, height: int, parts: Iterable[bytes]) -> None:
        self._checkpoints[height] = tuple(parts)
        for old in self.checkpoint_heights()[KEPT_CHECKPOINTS:]:
            del self._checkpoints[old]

    def checkpoint_heights(self) -> tuple[int, ...]:
        return tuple(sorted(self._checkpoints, reverse=True))

    def checkpoint_parts(self, height: int) -> tuple[bytes, ...]:
        return self._checkpoints.get(height, ())
