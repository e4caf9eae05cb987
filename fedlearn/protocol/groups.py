"""Random groups whose sums are opened apart: the same for everybody who knows the round's seed."""

from __future__ import annotations

import math
from typing import Final

from chain.crypto.hashing import tagged
from fedlearn.protocol.errors import PlanInvalid

GROUP_MIN: Final = 8
_SEED_BYTES = 32


class GroupsImpossible(PlanInvalid):
    code = "groups_impossible"
    title = "A group holds at least eight members, and there are fewer"


def groups_of(members: int, size: int, seed: bytes) -> tuple[tuple[int, ...], ...]:
    """The members 0 .. n-1 in random groups of at least ``size``, as many as there can be and nearly equally large.

    ``seed`` has 32 bytes and must not be chosen by who gains by it (a ledger's block hash). Members stand in the order
    of SHA-256 over seed and index and are dealt out one by one; each group is listed in rising order. Raises
    ``GroupsImpossible``.
    """
    if size < GROUP_MIN or members < size or len(seed) != _SEED_BYTES:
        raise GroupsImpossible
    order = sorted(range(members), key=lambda index: tagged("hearth/groups/1", seed, index.to_bytes(4, "big")))
    count = members // size
    return tuple(tuple(sorted(order[first::count])) for first in range(count))


def groups_reached(members: int, size: int, attackers: int) -> float:
    """The expected share (0..1) of groups that hold at least one of so many attackers.

    20 % of attackers reach 83 % of groups of 8: trimming them is no defence then. Raises ``GroupsImpossible``.
    """
    if size < GROUP_MIN or members < size or not 0 <= attackers <= members:
        raise GroupsImpossible
    honest = members - attackers
    if honest < size:
        return 1.0
    return 1.0 - math.comb(honest, size) / math.comb(members, size)
