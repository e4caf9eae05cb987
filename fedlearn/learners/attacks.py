"""Homes that want to spoil a model, and what they send: for measuring what a plan withstands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fedlearn.learners.errors import AttackInvalid
from fedlearn.learners.table import Floats

LABEL_FLIP, SIGN_FLIP, SCALED = "label_flip", "sign_flip", "scaled"
ATTACKS: Final = (LABEL_FLIP, SIGN_FLIP, SCALED)


@dataclass(frozen=True, slots=True)
class Attack:
    """What these homes do.

    ``label_flip`` learns from turned labels, ``sign_flip`` sends the honest update backwards, ``scaled`` sends it
    backwards and ``factor`` times as long. ``homes`` are indices. Raises ``AttackInvalid``.
    """

    kind: str
    homes: frozenset[int]
    factor: float = 10.0

    def __post_init__(self) -> None:
        if self.kind not in ATTACKS or not self.factor > 0:
            raise AttackInvalid

    def labels(self, home: int, y: Floats, *, binary: bool) -> Floats:
        """The labels (rows,) that a home learns from: for numbers turned at their mean, for yes or no exchanged."""
        if self.kind != LABEL_FLIP or home not in self.homes or not len(y):
            return y
        turned: Floats = 1.0 - y if binary else 2.0 * y.mean() - y
        return turned

    def update(self, home: int, honest: Floats) -> Floats:
        """The update that a home sends, before clipping."""
        if home not in self.homes or self.kind == LABEL_FLIP:
            return honest
        return -honest if self.kind == SIGN_FLIP else -self.factor * honest


def attackers_of(homes: int, per_cent: int) -> frozenset[int]:
    """So many per cent of the homes, rounded up and evenly spread over their order. Raises ``AttackInvalid``."""
    if homes < 1 or not 0 <= per_cent <= 100:
        raise AttackInvalid
    count = -(-homes * per_cent // 100)
    return frozenset(place * homes // count for place in range(count))
