"""Discrete Gaussian noise that the hubs of a round add in parts, exactly sampled.

The sampler is that of Canonne, Kamath and Steinke ("The Discrete Gaussian for Differential Privacy", 2020, algorithms
1 to 3): a discrete Laplace proposal, accepted with chance exp(-gamma) for a rational gamma. All values are drawn at
once. Whether a uniform number is below exp(-gamma) is decided in floating point only where its error can't matter; the
few other cases (about one in 2^39) take as many digits as they need. So the distribution is exact, as with integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from chain.crypto.prg import Random, Words
from fedlearn.protocol.errors import LengthWrong, NoiseInvalid

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
MAX_STDDEV = 2**31
_RELATIVE_ERROR = 2.0**-40
_ABSOLUTE_ERROR = 2.0**-60
_WORD_BITS = 64


def hub_variance(central_variance: Fraction, survivors: int) -> Fraction:
    """What each hub adds so that the sum of the fewest ``survivors`` whose sum may be opened has the central variance.

    Variances in squared steps of the quantisation. Whoever survives beyond them adds noise beyond what is needed. Hubs
    that collude with the server know their own parts: take them off ``survivors``. Raises ``NoiseInvalid``.
    """
    if survivors < 1 or central_variance < 0:
        raise NoiseInvalid
    return central_variance / survivors


def central_variance(noise_multiplier: float, sensitivity: float) -> Fraction:
    """The variance of the whole noise: multiplier times sensitivity (in steps), squared. Raises ``NoiseInvalid``."""
    if not (math.isfinite(noise_multiplier) and math.isfinite(sensitivity)) or noise_multiplier < 0 or sensitivity <= 0:
        raise NoiseInvalid
    return (Fraction(noise_multiplier) * Fraction(sensitivity)) ** 2


def noise_add(values: Words, noise: Integers) -> Words:
    """The words with the noise, modulo 2^32. Raises ``LengthWrong``."""
    if values.shape != noise.shape:
        raise LengthWrong
    return values + noise.astype(np.uint64).astype(np.uint32)


def discrete_gaussian(variance: Fraction, count: int, random: Random) -> Integers:
    """``count`` independent integers x with chance proportional to exp(-x^2 / (2 variance)).

    ``random(n)`` gives n fresh bytes. Raises ``NoiseInvalid`` for a variance below 0 or above 2^62; a variance of 0
    gives zeros.
    """
    if not 0 <= variance <= MAX_STDDEV**2:
        raise NoiseInvalid
    if variance == 0:
        return np.zeros(count, dtype=np.int64)
    scale = math.isqrt(variance.numerator // variance.denominator) + 1
    found: list[Integers] = []
    missing = count
    while missing > 0:
        proposed = discrete_laplace(scale, missing + missing // 2 + 8, random)
        away = np.abs(proposed)
        gammas = (away - float(variance / scale)) ** 2 / (2.0 * float(variance))
        accepted = _bernoulli_exp(gammas, _exact_gamma(away, variance, scale), random)
        found.append(proposed[accepted][:missing])
        missing -= len(found[-1])
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def discrete_laplace(scale: int, count: int, random: Random) -> Integers:
    """``count`` independent integers x with chance proportional to exp(-|x| / scale), for a whole scale from 1 on."""
    found: list[Integers] = []
    missing = count
    while missing > 0:
        low = uniform_below(scale, 2 * missing + 8, random)
        low = low[_bernoulli_exp(low / scale, _exact_ratio(low, scale), random)]
        magnitude = low + scale * _geometric(len(low), random)
        negative = (np.frombuffer(random(len(low)), dtype=np.uint8) & 1).astype(np.bool_)
        kept = ~(negative & (magnitude == 0))
        signed: Integers = np.where(negative, -magnitude, magnitude)[kept][:missing]
        found.append(signed)
        missing -= len(signed)
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def uniform_below(bound: int, count: int, random: Random) -> Integers:
    """``count`` independent uniform integers in 0..bound-1 by rejection, for a bound up to 2^63."""
    limit = 2**_WORD_BITS - 2**_WORD_BITS % bound
    words = np.frombuffer(random(8 * count), dtype="<u8")
    if limit < 2**_WORD_BITS:
        words = words[words < np.uint64(limit)]
        while len(words) < count:
            more = np.frombuffer(random(8 * (count - len(words))), dtype="<u8")
            words = np.concatenate((words, more[more < np.uint64(limit)]))
    return (words % np.uint64(bound)).astype(np.int64)


def _geometric(count: int, random: Random) -> Integers:
    """How often in a row an event of chance exp(-1) happens."""
    runs = np.zeros(count, dtype=np.int64)
    going = np.arange(count)
    while len(going):
        going = going[_bernoulli_exp(np.ones(len(going)), lambda _: Fraction(1), random)]
        runs[going] += 1
    return runs


def _exact_ratio(numerators: Integers, denominator: int) -> Callable[[int], Fraction]:
    return lambda index: Fraction(int(numerators[index]), denominator)


def _exact_gamma(away: Integers, variance: Fraction, scale: int) -> Callable[[int], Fraction]:
    return lambda index: (int(away[index]) - variance / scale) ** 2 / (2 * variance)


def _bernoulli_exp(gammas: Floats, exact: Callable[[int], Fraction], random: Random) -> NDArray[np.bool_]:
    """For each gamma of at least 0, true with chance exp(-gamma).

    ``gammas`` are right to (1 + gamma) 2^-42; ``exact(index)`` gives one as it is, where that is not enough.
    """
    words = np.frombuffer(random(8 * len(gammas)), dtype="<u8")
    chances = np.exp(-gammas)
    uniform = words * 2.0**-_WORD_BITS
    error = chances * (1.0 + gammas) * _RELATIVE_ERROR + _ABSOLUTE_ERROR
    happened: NDArray[np.bool_] = uniform < chances
    for index in np.flatnonzero(np.abs(uniform - chances) <= error).tolist():
        happened[index] = _decide(int(words[index]), exact(index), random)
    return happened


def _decide(word: int, gamma: Fraction, random: Random) -> bool:
    """Whether a uniform number that begins with these 64 bits is below exp(-gamma); more bits are drawn as needed."""
    bits = _WORD_BITS
    while True:
        context = Context(prec=bits // 2)
        exponent = context.divide(Decimal(-gamma.numerator), Decimal(gamma.denominator))
        chance = Fraction(context.exp(exponent))
        slack = Fraction(1 + abs(gamma), 10 ** (bits // 2 - 2))
        low, high = Fraction(word, 2**bits), Fraction(word + 1, 2**bits)
        if high <= chance - slack:
            return True
        if low >= chance + slack:
            return False
        word = word << _WORD_BITS | int.from_bytes(random(8), "little")
        bits += _WORD_BITS
