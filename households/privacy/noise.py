"""Noise that hub and voters draw alike: discrete Laplace from a seed, in integers only.

The inverse of the Laplace distribution's CDF needs a logarithm, whose last bit differs between machines; a voter would
then disagree with an honest hub. So the exact sampler of Canonne, Kamath and Steinke ("The Discrete Gaussian for
Differential Privacy", 2020, algorithms 1 and 2) is used, which compares integers, over a stream of SHA-256 blocks.
"""

from __future__ import annotations

from chain.crypto.hashing import hmac_sha256

_BLOCK_BITS = 256


class SeededBits:
    """Uniform integers from HMAC-SHA-256 over a counter: the same for the same key and label, on any machine."""

    def __init__(self, key: bytes, label: bytes) -> None:
        self._key = key
        self._label = label
        self._counter = 0
        self._pool = 0
        self._pool_bits = 0

    def below(self, bound: int) -> int:
        """A uniform integer in 0..bound-1, by rejection."""
        bits = max(1, (bound - 1).bit_length())
        while True:
            value = self._take(bits)
            if value < bound:
                return value

    def _take(self, bits: int) -> int:
        while self._pool_bits < bits:
            block = hmac_sha256(self._key, self._counter.to_bytes(8, "big") + self._label)
            self._counter += 1
            self._pool = self._pool << _BLOCK_BITS | int.from_bytes(block, "big")
            self._pool_bits += _BLOCK_BITS
        self._pool_bits -= bits
        value = self._pool >> self._pool_bits
        self._pool &= (1 << self._pool_bits) - 1
        return value


def discrete_laplace(scale: int, bits: SeededBits) -> int:
    """An integer x with probability proportional to exp(-|x| / scale), for a whole scale of at least 1."""
    while True:
        low = bits.below(scale)
        if not _exp_minus(low, scale, bits):
            continue
        high = 0
        while _exp_minus(1, 1, bits):
            high += 1
        magnitude = low + scale * high
        negative = bits.below(2) == 1
        if magnitude == 0 and negative:
            continue
        return -magnitude if negative else magnitude


def _exp_minus(numerator: int, denominator: int, bits: SeededBits) -> bool:
    """True with probability exp(-numerator/denominator), for a fraction in 0..1."""
    k = 1
    while bits.below(denominator * k) < numerator:
        k += 1
    return k % 2 == 1
