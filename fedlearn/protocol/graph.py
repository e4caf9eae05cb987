"""Who masks with whom: a k-regular random graph, so that a hub works with k others instead of with all.

Bell, Bonawitz, Gascon, Lepoint and Raykova ("Secure Single-Server Aggregation with (Poly)Logarithmic Overhead", 2020,
section 3.3) put the members on a ring in random order and join each to the k/2 next on both sides (Harary's graph). The
order follows from a block hash of the ledger and the root of the round's keys, which the ledger held before that block,
so neither server nor hubs choose it.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain as chained
from math import comb

import numpy as np
from numpy.typing import NDArray

from chain.crypto.hashing import tagged
from chain.crypto.prg import keystream
from fedlearn.protocol.errors import TooFewMembers

COMPLETE_BELOW = 64
COMPLETE_DROPOUT = 0.30
LEAST_DEGREE = 100
MIN_MEMBERS = 3
_TWO_32 = 2**32


class Graph:
    """The neighbours of each of ``members`` nodes 0..members-1.

    A node's neighbours keep the shares of its secrets at the points 1..degree, in the order in which the ring comes by
    them; its own share is at degree + 1. ``degree`` is even or members - 1.
    """

    def __init__(self, seed: bytes, members: int, degree: int) -> None:
        self.members = members
        self.degree = degree
        self.order = permutation(seed, members)
        self.place = np.empty(members, dtype=np.int64)
        self.place[self.order] = np.arange(members)
        ahead = degree // 2 if degree < members - 1 else degree
        steps = chained(range(1, ahead + 1), range(members - (degree - ahead), members))
        self._steps = np.fromiter(steps, dtype=np.int64, count=degree)

    def neighbours(self, node: int) -> tuple[int, ...]:
        """The neighbours in the order of their points 1..degree."""
        return tuple(self.order[(self.place[node] + self._steps) % self.members].tolist())

    def point_of_owner(self, number: int) -> int:
        """The point at which a node keeps the share of its neighbour ``number`` (0..degree-1 in ``neighbours``).

        Who is the s-th ahead of an owner has it as the s-th behind, so the points of a pair add up to degree + 1.
        """
        return self.degree - number


def degree_for(members: int, dropout: float) -> int:
    """The number of neighbours: all below 64 members or above 30 % dropouts, else 100, and more from 1,025 members on.

    ``dropout`` is the share of members (0..1) whose loss the round must stand. Raises ``TooFewMembers``.
    """
    if members < MIN_MEMBERS:
        raise TooFewMembers
    if members < COMPLETE_BELOW or dropout > COMPLETE_DROPOUT:
        return members - 1
    return min(members - 1, max(LEAST_DEGREE, 10 * (members - 1).bit_length()))


def graph_seed(block_hash: bytes, keys_root: bytes) -> bytes:
    """The 32-byte seed of a round's graph: of the first block after the one that committed to ``keys_root``."""
    return tagged("hearth/secagg/graph/1", block_hash, keys_root)


@lru_cache(maxsize=4)
def graph_of(seed: bytes, members: int, degree: int) -> Graph:
    """The graph of a seed; the last few are kept."""
    return Graph(seed, members, degree)


def permutation(seed: bytes, members: int) -> NDArray[np.int64]:
    """A uniform order of 0..members-1 from a 32-byte seed: Fisher and Yates, from the back, over AES-256-CTR words.

    A word is drawn again where taking it modulo the number of choices would favour some.
    """
    order = list(range(members))
    words: list[int] = []
    block = 0
    for last in range(members - 1, 0, -1):
        bound = _TWO_32 - _TWO_32 % (last + 1)
        word = bound
        while word >= bound:
            if not words:
                words = keystream(tagged("hearth/secagg/order/1", seed, block.to_bytes(4, "big")), 2048).tolist()[::-1]
                block += 1
            word = words.pop()
        choice = word % (last + 1)
        order[last], order[choice] = order[choice], order[last]
    return np.array(order, dtype=np.int64)


def abort_chance(members: int, degree: int, threshold: int, dropout: float) -> float:
    """The chance (0..1) that a round can't be opened when each member drops out by itself with chance ``dropout``.

    A secret is lost when its owner's neighbours, and the owner if it is there, give fewer than ``threshold`` shares.
    Over the members the chances are added up (union bound), so the true one is at most this; in a complete graph all
    secrets are lost together and the number is exact.
    """
    stay = 1.0 - dropout
    if degree >= members - 1:
        return _binomial_below(members, threshold, stay)
    gone, there = (_binomial_below(degree, limit, stay) for limit in (threshold, threshold - 1))
    return min(1.0, members * (dropout * gone + stay * there))


def abort_chance_of(members: int, degree: int, threshold: int, dropped: int) -> float:
    """The same when exactly ``dropped`` members, whoever they are, drop out (hypergeometric)."""
    alive = members - dropped
    if degree >= members - 1:
        return float(alive < threshold)
    gone = _hypergeometric_below(members - 1, alive, degree, threshold) if dropped else 0.0
    there = _hypergeometric_below(members - 1, alive - 1, degree, threshold - 1) if alive else 0.0
    return min(1.0, dropped * gone + alive * there)


def _binomial_below(trials: int, limit: int, chance: float) -> float:
    """P(X < limit) for the number X of successes."""
    return sum(comb(trials, k) * chance**k * (1.0 - chance) ** (trials - k) for k in range(min(limit, trials + 1)))


def _hypergeometric_below(total: int, marked: int, drawn: int, limit: int) -> float:
    """P(X < limit) for the number X of marked ones among those drawn."""
    ways = sum(comb(marked, k) * comb(total - marked, drawn - k) for k in range(min(limit, drawn + 1)))
    return ways / comb(total, drawn)
