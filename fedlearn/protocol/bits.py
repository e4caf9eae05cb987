"""Sets of small numbers as bytes, one bit each, lowest bit first: a thousand hubs in 125 bytes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from fedlearn.protocol.errors import MessageMalformed


def bits_of(members: Iterable[int], count: int) -> bytes:
    """The set of numbers in 0..count-1."""
    flags = np.zeros(count, dtype=np.uint8)
    flags[list(members)] = 1
    return np.packbits(flags, bitorder="little").tobytes()


def flags_of(data: bytes, count: int) -> NDArray[np.bool_]:
    """For each number in 0..count-1 whether it is in the set; raises ``MessageMalformed`` for any other length."""
    if len(data) != (count + 7) // 8:
        raise MessageMalformed
    bits = np.unpackbits(np.frombuffer(data, dtype=np.uint8), bitorder="little")
    if bits[count:].any():
        raise MessageMalformed
    return bits[:count].astype(np.bool_)


def members_of(data: bytes, count: int) -> list[int]:
    """The numbers in the set, rising. Raises ``MessageMalformed``."""
    found: list[int] = np.flatnonzero(flags_of(data, count)).tolist()
    return found
