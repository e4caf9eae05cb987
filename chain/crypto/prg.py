"""Streams of 32-bit words from a 32-byte seed: AES-256 in counter mode (NIST SP 800-38A) over zeros, counter from 0.

The words are little-endian. A seed must be fresh or come from a KDF, since one seed is one stream. The library frees
the interpreter's lock only for long streams, so threads pay for long vectors only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from numpy.typing import NDArray

from chain.crypto.aead import KeyMaterialInvalid

SEED_BYTES = 32
WORD_BYTES = 4
_BLOCK_BYTES = 16
_CHUNK_BYTES = 4096
Words = NDArray[np.uint32]
Random = Callable[[int], bytes]
"""Gives so many fresh random bytes: ``os.urandom`` in earnest, ``SeededRandom`` where two runs must be equal."""


class Keystream:
    """Writes streams of one length into one buffer, for sums over many seeds. Not for use by two threads at once."""

    def __init__(self, length: int) -> None:
        """``length`` is the number of words of each stream."""
        self._zeros = bytes(length * WORD_BYTES)
        self._buffer = np.empty(length + _BLOCK_BYTES // WORD_BYTES, dtype="<u4")
        self._bytes = memoryview(self._buffer.data).cast("B")
        self._words: Words = self._buffer[:length]

    def words(self, seed: bytes) -> Words:
        """The stream of a seed: a view that the next call overwrites. Raises ``KeyMaterialInvalid``."""
        if len(seed) != SEED_BYTES:
            raise KeyMaterialInvalid(f"A seed has {SEED_BYTES} bytes, not {len(seed)}")
        cipher = Cipher(algorithms.AES(seed), modes.CTR(bytes(_BLOCK_BYTES)))
        cipher.encryptor().update_into(self._zeros, self._bytes)
        return self._words


def keystream(seed: bytes, length: int) -> Words:
    """The first ``length`` words of a seed's stream, in an array of their own. Raises ``KeyMaterialInvalid``."""
    return Keystream(length).words(seed)


class SeededRandom:
    """A ``Random`` whose bytes follow from a 32-byte seed, one stream cut into the pieces that are asked for."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise KeyMaterialInvalid(f"A seed has {SEED_BYTES} bytes, not {len(seed)}")
        self._stream = Cipher(algorithms.AES(seed), modes.CTR(bytes(_BLOCK_BYTES))).encryptor()
        self._rest = b""

    def __call__(self, count: int) -> bytes:
        """The next ``count`` bytes of the stream."""
        missing = count - len(self._rest)
        if missing > 0:
            self._rest += self._stream.update(bytes(max(missing, _CHUNK_BYTES)))
        piece, self._rest = self._rest[:count], self._rest[count:]
        return piece
