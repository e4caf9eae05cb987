"""Updates as 32-bit words that add up modulo 2^32: fixed point with stochastic rounding, in two's complement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chain.crypto.prg import Random, Words
from fedlearn.protocol.clip import Vector
from fedlearn.protocol.errors import LengthWrong, QuantiserInvalid, SumOverflows, ValueNotFinite, ValueOutOfRange

LEVELS = 2**20
HALF = 2**31
NOISE_TAIL = 14.0
"""Standard deviations of the summed noise that must fit: beyond them lies less than 2^-140 of a Gaussian."""
_ROUNDING_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Quantiser:
    """Values in -limit..limit as whole numbers of ``limit / levels``, so that ``clients`` of them fit into 32 bits.

    ``noise_stddev`` is the standard deviation, in those whole numbers, of all noise in the sum if every client stays.
    """

    limit: float
    clients: int
    noise_stddev: float = 0.0
    levels: int = LEVELS

    def __post_init__(self) -> None:
        """Raises ``QuantiserInvalid`` or, when the largest sum could wrap around, ``SumOverflows``."""
        finite = math.isfinite(self.limit) and math.isfinite(self.noise_stddev)
        if not finite or self.limit <= 0 or self.noise_stddev < 0 or self.clients < 1 or self.levels < 1:
            raise QuantiserInvalid
        room = HALF - 1 - math.ceil(NOISE_TAIL * self.noise_stddev)
        if self.clients * self.levels > room:
            fit = max(0, room // self.clients)
            raise SumOverflows(
                f"{self.clients} clients at {self.levels} levels would pass 2^31",
                hint=f"At most {fit} levels fit."
                if fit
                else "The noise alone does not fit; choose a lower multiplier.",
            )

    @property
    def step(self) -> float:
        """What one whole number stands for."""
        return self.limit / self.levels

    def sensitivity(self, clip_norm: float, length: int) -> float:
        """The largest L2 norm of a quantised update of ``length`` values that was clipped to ``clip_norm``.

        In whole numbers. Rounding moves each value by less than 1, thus a vector by less than the root of its length.
        """
        return clip_norm / self.step + math.sqrt(length)


def quantise(values: Vector, quantiser: Quantiser, random: Random) -> Words:
    """Each value rounded up or down by chance so that its mean is exact, as a 32-bit word.

    ``random(n)`` gives n fresh bytes. Raises ``ValueNotFinite``, and ``ValueOutOfRange`` for a value beyond the limit.
    """
    if values.ndim != 1:
        raise LengthWrong
    if not np.isfinite(values).all():
        raise ValueNotFinite
    scaled = values / quantiser.step
    if (np.abs(scaled) > quantiser.levels * (1 + _ROUNDING_SLACK)).any():
        raise ValueOutOfRange
    whole = np.floor(scaled)
    chance = (np.frombuffer(random(8 * len(values)), dtype="<u8") >> np.uint64(11)) * 2.0**-53
    whole += chance < scaled - whole
    return words_of(np.clip(whole, -quantiser.levels, quantiser.levels).astype(np.int64))


def dequantise(total: Words, quantiser: Quantiser) -> Vector:
    """The values that a sum of words stands for."""
    return signed_of(total).astype(np.float64) * quantiser.step


def words_of(numbers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Words:
    """Whole numbers modulo 2^32."""
    return numbers.astype(np.uint64).astype(np.uint32)


def signed_of(words: Words) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Words as whole numbers in -2^31..2^31-1 (two's complement)."""
    return words.view(np.int32).astype(np.int64)
