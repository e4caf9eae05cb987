"""Figures that only pages show, each of one enterprise alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet, Sum
from django.utils import timezone

from chain.contracts.market.rows import OPEN_STATES
from enterprises.checkout.models import Enterprise, Member, Purchase
from enterprises.checkout.ports import BuyerMarket
from enterprises.checkout.selectors import purchases_with_data
from marketplace.accounts.selectors import user_by_id
from marketplace.common.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Balance:
    """Credits of the wallet; ``fresh`` is false if the market was away and this is what was read last."""

    amount: int
    at: datetime | None
    fresh: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """``escrow`` credits that the ledger holds, ``lots`` whose rows are here, and how many ``rows`` these are."""

    escrow: int
    lots: int
    rows: int


@dataclass(frozen=True, slots=True)
class Person:
    """A member with the address of the account, which only the accounts app knows."""

    member: Member
    email: str


def balance_now(enterprise: Enterprise, market: BuyerMarket) -> Balance:
    """The wallet's balance on the ledger, or the last known one."""
    wallet = enterprise.wallet
    try:
        return Balance(market.balance(bytes.fromhex(wallet.address)), timezone.now(), True)
    except Unavailable:
        return Balance(wallet.balance, wallet.balance_at, False)


def figures(enterprise: Enterprise) -> Figures:
    """What the overview counts."""
    held = Purchase.objects.filter(order__enterprise=enterprise, ledger_state__in=OPEN_STATES)
    bought = purchases_with_data(enterprise)
    rows = bought.aggregate(total=Sum("row_count"))["total"] or 0
    return Figures(held.aggregate(total=Sum("price"))["total"] or 0, bought.count(), rows)


def people(members: QuerySet[Member]) -> list[Person]:
    """Members with their e-mail addresses; an account that was locked has none."""
    found = []
    for member in members:
        user = user_by_id(member.user_id)
        found.append(Person(member, user.email if user else ""))
    return found
