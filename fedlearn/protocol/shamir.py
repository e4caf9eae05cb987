"""Shamir's sharing (1979) of 32-byte secrets over the first prime above 2^256.

Shares stand at the points 1, 2, ..., so two things are cheap. The polynomial that goes through the secret at 0 and
given values at 1..t-1 is carried on to further points by weights that are the same for all secrets; and the weights at
0 of a set of points need products of small integers and one inversion (Montgomery's trick). Both are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import prod
from operator import mul

from chain.crypto.prg import Random
from fedlearn.protocol.errors import SharePointInvalid, SharesContradict, ThresholdInvalid, TooFewShares

PRIME = 2**256 + 297
SECRET_BYTES = 32
SHARE_BYTES = 32
MAX_POINT = 2**16
_KEPT_EXTENSIONS = 8
_KEPT_WEIGHTS = 4096


def split(secret: bytes, threshold: int, count: int, random: Random) -> list[bytes]:
    """Shares of a 32-byte secret at the points 1..count, any ``threshold`` of which give it back.

    ``random(n)`` gives n fresh bytes. Fewer shares say nothing about the secret. The first threshold - 1 shares are
    uniform bytes, and the others follow (see ``extend``). Raises ``ThresholdInvalid``.
    """
    while True:
        fixed = [random(SHARE_BYTES) for _ in range(threshold - 1)]
        try:
            return fixed + extend(secret, fixed, count)
        except OverflowError:
            continue


def extend(secret: bytes, fixed: Sequence[bytes], count: int) -> list[bytes]:
    """The shares at the points t..count, where ``fixed`` are the t - 1 shares at the points 1..t-1.

    t - 1 uniform values and the secret are one uniform polynomial of degree t - 1 with the secret at 0, so these are
    Shamir's shares. Uniform below 2^256 instead of below the prime differs from it by less than 2^-240 in all.
    Raises ``ThresholdInvalid``; ``OverflowError`` (a chance of 2^-247 for each share) when a share has 257 bits.
    """
    threshold = len(fixed) + 1
    if not 1 <= threshold <= count or count > MAX_POINT:
        raise ThresholdInvalid
    values = [_value(secret), *map(_value, fixed)]
    rows = _extension(threshold, count)
    return [(sum(map(mul, row, values)) % PRIME).to_bytes(SHARE_BYTES, "big") for row in rows]


def combine(shares: Iterable[tuple[int, bytes]], threshold: int) -> bytes:
    """The secret from at least ``threshold`` shares (point, 32 bytes), of which the first ``threshold`` are used.

    Raises ``ThresholdInvalid``, ``TooFewShares``, ``SharePointInvalid`` or, when what comes out is no secret,
    ``SharesContradict``. Wrong shares mostly give a wrong secret, so check that against a public value.
    """
    if threshold < 1:
        raise ThresholdInvalid
    used = list(shares)[:threshold]
    if len(used) < threshold:
        raise TooFewShares(f"{len(used)} shares where {threshold} are needed")
    weights = weights_at_zero(tuple(point for point, _ in used))
    value: int = sum(map(mul, weights, (_value(share) for _, share in used))) % PRIME
    if value.bit_length() > 8 * SECRET_BYTES:
        raise SharesContradict
    return value.to_bytes(SECRET_BYTES, "big")


@lru_cache(maxsize=_KEPT_WEIGHTS)
def weights_at_zero(points: tuple[int, ...]) -> tuple[int, ...]:
    """Lagrange's weights w with p(0) = sum of w[i] p(points[i]) mod ``PRIME``; raises ``SharePointInvalid``.

    w[i] is the product over j != i of points[j] / (points[j] - points[i]).
    """
    if len(set(points)) != len(points) or not all(0 < point <= MAX_POINT for point in points):
        raise SharePointInvalid
    whole = prod(points)
    below = [prod(other - point for other in points if other != point) * point for point in points]
    return tuple(whole * inverse % PRIME for inverse in inverses(below))


def inverses(values: Sequence[int]) -> list[int]:
    """The inverses mod ``PRIME`` of values that are not 0 mod ``PRIME``, by one inversion (Montgomery 1987)."""
    products, running = [], 1
    for value in values:
        products.append(running)
        running = running * value % PRIME
    inverse = pow(running, -1, PRIME)
    found = [0] * len(values)
    for index in range(len(values) - 1, -1, -1):
        found[index] = inverse * products[index] % PRIME
        inverse = inverse * values[index] % PRIME
    return found


@lru_cache(maxsize=_KEPT_EXTENSIONS)
def _extension(threshold: int, count: int) -> tuple[tuple[int, ...], ...]:
    """For each point x in threshold..count the weights of the values at 0..threshold-1.

    The weight of point j is the product over m != j of (x - m) / (j - m), for 0 <= m < threshold.
    """
    small = [0, *inverses(range(1, count + 1))]
    factorials = [1]
    for number in range(1, threshold):
        factorials.append(factorials[-1] * number % PRIME)
    signs = [-1 if (threshold - 1 - j) & 1 else 1 for j in range(threshold)]
    pairs = [signs[j] * factorials[j] * factorials[threshold - 1 - j] % PRIME for j in range(threshold)]
    over = inverses(pairs)
    rows = []
    for x in range(threshold, count + 1):
        whole = 1
        for m in range(threshold):
            whole = whole * (x - m) % PRIME
        rows.append(tuple(whole * over[j] % PRIME * small[x - j] % PRIME for j in range(threshold)))
    return tuple(rows)


def _value(share: bytes) -> int:
    if len(share) != SHARE_BYTES:
        raise SharesContradict(f"A share has {SHARE_BYTES} bytes, not {len(share)}")
    return int.from_bytes(share, "big")
