"""The enterprise's wallet and its registration with the market."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from enterprises.checkout import keys
from enterprises.checkout.models import Enterprise, Wallet
from enterprises.checkout.outbox import wallet_context
from enterprises.checkout.ports import BuyerMarket
from marketplace.common.events import enterprise_group, publish
from marketplace.common.work import advance, claim, leased

LOOK_AGAIN_S = 5.0
LOOK_AGAIN_ACCREDITED_S = 60.0
Connect = Callable[[str], BuyerMarket]


def wallet_refresh(*, wallet: Wallet, market: BuyerMarket) -> Wallet:
    """Read the balance from the ledger and note it."""
    balance = market.balance(bytes.fromhex(wallet.address))
    changed = balance != wallet.balance
    wallet.balance, wallet.balance_at = balance, timezone.now()
    Wallet.objects.filter(pk=wallet.pk).update(balance=balance, balance_at=wallet.balance_at)
    if changed:
        publish(enterprise_group(wallet.enterprise_id), "wallet.changed", {}, using="enterprise")
    return wallet


def market_token(enterprise: Enterprise) -> str:
    """The enterprise's token at the market, or an empty text before it registered."""
    if not enterprise.market_token:
        return ""
    return keys.unseal(enterprise.market_token, _token_context(enterprise)).decode()


def registrations_advance(connect: Connect, *, limit: int = 10) -> int:
    """Register new enterprises with the market and follow their accreditation; returns how many were looked at.

    Args:
        connect: makes a client from a token (empty before there is one).
    """
    rows = claim(Enterprise.objects.all(), using="enterprise", limit=limit)
    for enterprise in rows:
        with leased(enterprise, using="enterprise"):
            if enterprise.registration == Enterprise.Registration.NEW:
                _register(connect(""), enterprise)
            else:
                _follow(connect(market_token(enterprise)), enterprise)
    return len(rows)


def _register(market: BuyerMarket, enterprise: Enterprise) -> None:
    wallet = enterprise.wallet
    secret = keys.unseal(wallet.sealed_secret, wallet_context(wallet))
    token = market.organisation_register(enterprise.name, enterprise.contact, secret)
    sealed = keys.seal(token.encode(), _token_context(enterprise))
    _note(enterprise, Enterprise.Registration.PENDING, market_token=sealed)


def _follow(market: BuyerMarket, enterprise: Enterprise) -> None:
    wallet_refresh(wallet=enterprise.wallet, market=market)
    _note(enterprise, Enterprise.Registration(market.organisation()["status"]))


def _note(enterprise: Enterprise, registration: Enterprise.Registration, **changes: Any) -> None:
    rest = LOOK_AGAIN_ACCREDITED_S if registration == Enterprise.Registration.ACCREDITED else LOOK_AGAIN_S
    changed = enterprise.registration != registration
    advance(enterprise, using="enterprise", again_in_s=rest, registration=registration, **changes)
    if changed:
        publish(enterprise_group(enterprise.pk), "enterprise.changed", {}, using="enterprise")


def _token_context(enterprise: Enterprise) -> str:
    return f"enterprise-market-token:{enterprise.public_id}"
