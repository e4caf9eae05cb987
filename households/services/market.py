"""The market as the hub sees it: only its public API, through a client that verifies what it is told.

The hub registers with a key that is used for nothing else, so a buyer who sees the hub's key in a quorum certificate and
the market's operator can't compare notes by key.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
from django.conf import settings

from chain.client.market import MarketClient
from chain.wallets.hd import Branch
from households.models import HOME, Household, HomeWallet
from households.services.secrets import MARKET_TOKEN, box_open, box_seal, operational_of

MARKET_BRANCH = 5  # m/7410'/0'/5', beside those that chain.wallets.hd names
TIMEOUT_S = 30.0

Connect = Callable[[str], MarketClient]


def connect_by_http(token: str) -> MarketClient:
    """A client of the market node at ``HEARTH_MARKET_URL``; its pins are kept in the node's own folder."""
    transport = httpx.Client(base_url=settings.HEARTH_MARKET_URL, timeout=TIMEOUT_S)
    return MarketClient(transport, token=token)


connect: Connect = connect_by_http


def market_public() -> MarketClient:
    """A client without a token, for what everybody may read."""
    return connect("")


def market_of(household: Household) -> MarketClient:
    """The home's client; registers the hub with the market at the first call and keeps its token sealed."""
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    if not wallet.market_token:
        token = market_public().hub_register(_market_key(household))
        sealed = box_seal(household, MARKET_TOKEN, token.encode())
        HomeWallet.objects.using(HOME).filter(pk=household.pk).update(market_token=sealed)
        return connect(token)
    return connect(box_open(household, MARKET_TOKEN, wallet.market_token).decode())


def market_token_forget(household: Household) -> None:
    """The market no longer takes the token: register again at the next call."""
    HomeWallet.objects.using(HOME).filter(pk=household.pk).update(market_token=b"")


def _market_key(household: Household) -> Branch:
    return operational_of(household).child(MARKET_BRANCH)


def pin_folder() -> Path:
    """Where the client pins the genesis and the newest header of the shared ledger."""
    return Path(settings.HEARTH_VAR) / "pins"
