"""What each group contributed to a model's quality: Shapley values over groups, whose sums alone are known.

The value of a coalition is what its groups' mean update gains in validation loss (Song, Tong and Wei 2019). Up to ten
groups it is exact, above that sampled over random orders (Castro, Gomez and Tejada 2009).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from fedlearn.protocol.aggregate import Matrix
from fedlearn.protocol.clip import Vector
from fedlearn.protocol.errors import LengthWrong, PlanInvalid, ValueNotFinite

Coalition = frozenset[int]
EXACT_MAX: Final = 10
ORDERS: Final = 200
MICRO: Final = 1_000_000


class PlayersInvalid(PlanInvalid):
    code = "shapley_players_invalid"
    title = "Shapley values need at least one group and one order"


def shapley(
    value: Callable[[Coalition], float], players: int, rng: np.random.Generator, orders: int = ORDERS
) -> list[float]:
    """The Shapley value of each of the players 0 .. n-1.

    ``value`` is asked once for a coalition; it must be finite. Exact up to ``EXACT_MAX`` players, else the mean over so
    many random orders, each with its reverse. Both add up to value(all) - value(none). Raises ``PlayersInvalid``,
    ``ValueNotFinite``.
    """
    if players < 1 or orders < 1:
        raise PlayersInvalid
    known: dict[Coalition, float] = {}

    def ask(coalition: Coalition) -> float:
        if coalition not in known:
            known[coalition] = float(value(coalition))
            if not math.isfinite(known[coalition]):
                raise ValueNotFinite
        return known[coalition]

    return _exact(ask, players) if players <= EXACT_MAX else _sampled(ask, players, rng, orders)


def gains(loss: Callable[[Vector], float], parameters: Vector, group_means: Matrix) -> Callable[[Coalition], float]:
    """The value of a coalition: how far its mean update lowers the loss of ``parameters`` (length,).

    ``group_means`` is (groups, length). Raises ``LengthWrong``.
    """
    if group_means.ndim != 2 or group_means.shape[1:] != parameters.shape:
        raise LengthWrong
    before = loss(parameters)

    def value(coalition: Coalition) -> float:
        if not coalition:
            return 0.0
        return before - loss(parameters + group_means[sorted(coalition)].mean(axis=0))

    return value


def weights_micro(values: Sequence[float], groups: Sequence[Sequence[int]]) -> dict[int, int]:
    """Each member's share of a bonus, in millionths that add up to 1,000,000.

    Groups share by the part of their value above 0, or equally where none has any; a group's members share equally.
    What rounding leaves goes to the first members. Raises ``LengthWrong``, ``ValueNotFinite``.
    """
    if len(values) != len(groups) or not groups or not all(groups):
        raise LengthWrong
    if not all(math.isfinite(value) for value in values):
        raise ValueNotFinite
    positive = [max(value, 0.0) for value in values]
    total = math.fsum(positive)
    if total <= 0:
        positive, total = [1.0] * len(values), float(len(values))
    shares = {
        member: math.floor(MICRO * (value / total) / len(group))
        for value, group in zip(positive, groups, strict=True)
        for member in group
    }
    left = MICRO - sum(shares.values())
    paid = [member for member in sorted(shares) if shares[member]] or sorted(shares)
    for place in range(left):
        shares[paid[place % len(paid)]] += 1
    return shares


def _exact(ask: Callable[[Coalition], float], players: int) -> list[float]:
    found = []
    for player in range(players):
        others = [other for other in range(players) if other != player]
        terms = []
        for size in range(players):
            weight = 1.0 / (players * math.comb(players - 1, size))
            for chosen in combinations(others, size):
                coalition = frozenset(chosen)
                terms.append(weight * (ask(coalition | {player}) - ask(coalition)))
        found.append(math.fsum(terms))
    return found


def _sampled(ask: Callable[[Coalition], float], players: int, rng: np.random.Generator, orders: int) -> list[float]:
    totals = np.zeros(players)
    for _ in range(orders):
        order = rng.permutation(players)
        for direction in (order, order[::-1]):
            coalition: Coalition = frozenset()
            before = ask(coalition)
            for player in direction.tolist():
                coalition = coalition | {player}
                after = ask(coalition)
                totals[player] += after - before
                before = after
    return [float(total) for total in totals / (2 * orders)]
