"""What a basket costs and what can be afforded: integers of credits, no Django."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Totals:
    """``total`` is what the buyer pays; of it ``fee`` goes to the operator and ``reward`` to the homes."""

    lines: int
    total: int
    fee: int
    reward: int
    balance: int
    missing: int

    @property
    def affordable(self) -> bool:
        return self.missing == 0


def fee_of(price: int, fee_bps: int) -> int:
    """The operator's part of one line, rounded down as the contract does.

    Args:
        price: credits, not negative.
        fee_bps: basis points, 0..10,000.

    Raises:
        ValueError: either is out of range.
    """
    if price < 0 or not 0 <= fee_bps <= BASIS_POINTS:
        raise ValueError("price must not be negative and fee_bps must be within 0..10000")
    return price * fee_bps // BASIS_POINTS


def totals(prices: Sequence[int], fee_bps: int, balance: int) -> Totals:
    """Sum up a basket. The fee is taken for each line, because each line is an exchange of its own."""
    total = sum(prices)
    fee = sum(fee_of(price, fee_bps) for price in prices)
    return Totals(len(prices), total, fee, total - fee, balance, max(0, total - balance))


def affordable_prefix(prices: Sequence[int], balance: int) -> int:
    """How many lines, in the basket's order, the balance pays for."""
    spent = 0
    for count, price in enumerate(prices):
        spent += price
        if spent > balance:
            return count
    return len(prices)
