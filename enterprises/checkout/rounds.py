"""One round of everything an enterprise's node does by itself."""

from __future__ import annotations

from enterprises.checkout.market import market_connect, market_of
from enterprises.checkout.models import BuyerTransaction, Enterprise
from enterprises.checkout.outbox import wallets_send
from enterprises.checkout.purchases import purchases_advance, purchases_follow
from enterprises.checkout.purchases.machine import purchases_open
from enterprises.checkout.wallets import registrations_advance

ROUNDS_MAX = 200


def buyer_advance() -> int:
    """Register, follow the ledger, move purchases, send what is queued, until nothing is left to do right now.

    Returns:
        How many registrations, facts, steps and calls there were.
    """
    if not Enterprise.objects.exists():
        return 0
    done = registrations_advance(market_connect)
    market = market_connect()
    waiting = (BuyerTransaction.State.QUEUED, BuyerTransaction.State.SIGNED)
    for _ in range(ROUNDS_MAX):
        if not purchases_open().exists() and not BuyerTransaction.objects.filter(state__in=waiting).exists():
            break
        moved = purchases_follow(market) + purchases_advance(market_of) + wallets_send(market)
        if not moved:
            break
        done += moved
    return done
