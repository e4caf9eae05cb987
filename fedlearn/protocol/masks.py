"""Adding and taking away masks: y = x + PRG(b) + sum of +-PRG(seed of a pair), all modulo 2^32 (Bonawitz 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import numpy as np

from chain.crypto.prg import Keystream, Words

THREADS_PAY_FROM = 32_768
_PORTION = 64
T = TypeVar("T")


class MaskSum:
    """A running sum of vectors and masks in one buffer."""

    def __init__(self, length: int) -> None:
        self.total: Words = np.zeros(length, dtype=np.uint32)
        self._stream = Keystream(length)

    def mask(self, seed: bytes, sign: int) -> None:
        """Add the mask of a 32-byte seed (``sign`` 1) or take it away (-1)."""
        words = self._stream.words(seed)
        if sign > 0:
            np.add(self.total, words, out=self.total)
        else:
            np.subtract(self.total, words, out=self.total)

    def masks(self, signed: Iterable[tuple[bytes, int]]) -> MaskSum:
        """Apply many seeds with their signs."""
        for seed, sign in signed:
            self.mask(seed, sign)
        return self


def sign_of(hub: int, peer: int) -> int:
    """Of a pair the hub with the lower index adds the mask and the other takes it away."""
    return 1 if hub < peer else -1


def apply_masks(total: Words, signed: Iterable[tuple[bytes, int]], threads: int) -> Words:
    """The total with all masks applied, in an array of its own.

    Long vectors are worked on by ``threads`` threads, each with a sum of its own, while the caller's thread computes
    the next seeds; for short ones the interpreter's lock makes threads slower than none.
    """
    if threads < 2 or len(total) < THREADS_PAY_FROM:
        alone = MaskSum(len(total))
        alone.total += total
        return alone.masks(signed).total
    sums = [MaskSum(len(total)) for _ in range(threads)]
    sums[0].total += total
    with ThreadPoolExecutor(threads) as pool:
        running: list[Future[MaskSum] | None] = [None] * threads
        for number, portion in enumerate(_portions(signed)):
            worker = number % threads
            previous = running[worker]
            if previous is not None:
                previous.result()
            running[worker] = pool.submit(sums[worker].masks, portion)
        for future in running:
            if future is not None:
                future.result()
    for other in sums[1:]:
        np.add(sums[0].total, other.total, out=sums[0].total)
    return sums[0].total


def _portions(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while portion := list(islice(rest, _PORTION)):
        yield portion
