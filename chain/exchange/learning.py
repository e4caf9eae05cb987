"""Building the calls of training and of service orders, for enterprises and hubs; the contracts check the same things.

Everything here is a function of its arguments: receipts (``TxProof``) come verified from a ledger's client.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chain.contracts.crossing import (
    LINES_MAX,
    MICRO,
    FundService,
    FundTraining,
    TrainingLine,
    participant_leaf,
    service_order_id_of,
    share_leaf,
)
from chain.contracts.market.rows import LotRow
from chain.contracts.market.training_rows import BonusClaim, ClaimBonus, ReleaseRound, RoundClaim
from chain.contracts.service_models.rows import Order, VersionRow
from chain.core.merkle import EMPTY_ROOT, leaf_hash, levels_of, path_in
from chain.core.proofs import TxProof


class Leaves:
    """A Merkle tree over leaves by order, in rising order of the orders' ids, and the path of each."""

    def __init__(self, leaves: Mapping[bytes, bytes]) -> None:
        self._index = {order: index for index, order in enumerate(sorted(leaves))}
        self._levels = levels_of([leaf_hash(leaves[order]) for order in self._index])

    def __len__(self) -> int:
        return len(self._index)

    def __contains__(self, order: object) -> bool:
        return order in self._index

    @property
    def root(self) -> bytes:
        """The root, of no leaves that of the empty tree."""
        return self._levels[-1][0] if self._index else EMPTY_ROOT

    def place(self, order: bytes) -> tuple[int, tuple[bytes, ...]]:
        """Index and audit path of an order's leaf; raises ``KeyError``."""
        index = self._index[order]
        return index, path_in(self._levels, index)


class Participants:
    """Who is in the sum of a round: the hash of the masked update by order. What ``Round`` commits to."""

    def __init__(self, updates: Mapping[bytes, bytes]) -> None:
        self._updates = dict(updates)
        self._leaves = Leaves({order: participant_leaf(order, update) for order, update in updates.items()})

    def __len__(self) -> int:
        return len(self._leaves)

    @property
    def root(self) -> bytes:
        return self._leaves.root

    def claim(self, order: bytes) -> RoundClaim:
        """The claim of one order's share; raises ``KeyError`` if it is not in the sum."""
        index, path = self._leaves.place(order)
        return RoundClaim(order_id=order, update=self._updates[order], index=index, path=path)

    def releases(self, proof: TxProof) -> list[ReleaseRound]:
        """The calls that pay all orders of the round, whose receipt is ``proof``."""
        claims = [self.claim(order) for order in sorted(self._updates)]
        return [ReleaseRound(proof, tuple(claims[at : at + LINES_MAX])) for at in range(0, len(claims), LINES_MAX)]


class BonusShares:
    """Shares of a job's bonus in millionths, by order. What ``JobEnd`` commits to."""

    def __init__(self, weights_micro: Mapping[bytes, int]) -> None:
        self.weights_micro = dict(weights_micro)
        self._leaves = Leaves({order: share_leaf(order, weight) for order, weight in weights_micro.items()})

    @classmethod
    def of_groups(cls, values: Sequence[float], groups: Sequence[Sequence[bytes]]) -> BonusShares:
        """Shares by the groups' Shapley values: what helped shares the whole, in equal parts within a group.

        A value of nothing or less has no share; the sum of all shares is at most a million.
        """
        if len(values) != len(groups):
            raise ValueError("each group has one value")
        good = [max(0.0, value) for value in values]
        total = sum(good)
        shares: dict[bytes, int] = {}
        for value, group in zip(good, groups, strict=True):
            weight = int(MICRO * value / total / len(group)) if total > 0 and group else 0
            shares.update((order, weight) for order in group if weight)
        return cls(shares)

    def __len__(self) -> int:
        return len(self._leaves)

    @property
    def root(self) -> bytes:
        return self._leaves.root

    def claim(self, order: bytes) -> BonusClaim:
        """The claim of one order's share; raises ``KeyError`` if it has none."""
        index, path = self._leaves.place(order)
        return BonusClaim(order_id=order, weight_micro=self.weights_micro[order], index=index, path=path)

    def claims(self, proof: TxProof) -> list[ClaimBonus]:
        """The calls that pay all shares, by the receipt of the job's end."""
        found = [self.claim(order) for order in sorted(self.weights_micro)]
        return [ClaimBonus(proof, tuple(found[at : at + LINES_MAX])) for at in range(0, len(found), LINES_MAX)]


def training_fundings(
    lots: Sequence[LotRow], *, plan: bytes, nonce: bytes, rounds: int, deadline_ms: int, bonus: int = 0
) -> list[FundTraining]:
    """The calls that pay for licences on all the lots at their present prices; the bonus goes with the first."""
    lines = [TrainingLine(lot.lot_id, lot.digest.licence, lot.price) for lot in lots]
    return [
        FundTraining(plan, nonce, rounds, tuple(lines[at : at + LINES_MAX]), deadline_ms, 0 if at else bonus)
        for at in range(0, len(lines), LINES_MAX)
    ]


def service_funding(
    version: VersionRow, *, household: bytes, offer: bytes, nonce: bytes, price: int, deadline_ms: int
) -> FundService:
    """The money of a household's (its address) order of an offer."""
    order = service_order_id_of(household, version.version, offer, nonce)
    return FundService(service_order=order, enterprise=version.enterprise, price=price, deadline_ms=deadline_ms)


def service_order(
    version: VersionRow, *, offer: bytes, nonce: bytes, price: int, deadline_ms: int, money: TxProof | None = None
) -> Order:
    """The order itself; ``money`` is the receipt of ``service_funding``, with a price only."""
    proofs = () if money is None else (money,)
    return Order(version.version, offer, nonce, price, deadline_ms, proofs)
