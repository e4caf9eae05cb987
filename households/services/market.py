"""Which market a home talks to, and the hub's registration with it.

The hub registers with a key that is used for nothing else, so that a buyer who sees the hub's key in a quorum
certificate and the market's operator can't compare notes by key.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string

from chain.wallets.hd import Branch
from households.models import HOME, HomeWallet, Household
from households.services.market_port import Market
from households.services.secrets import MARKET_TOKEN, box_open, box_seal, operational_of

MARKET_BRANCH = 5  # m/7410'/0'/5', beside those that chain.wallets.hd names
CONNECTOR = "households.services.market_http.Connector"


def market_public() -> Market:
    """The market without a token, for what everybody may read."""
    return _connector().connect("")


def market_of(household: Household) -> Market:
    """The market with the home's token; registers the hub at the first call and keeps the token sealed."""
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    if wallet.market_token:
        return _connector().connect(box_open(household, MARKET_TOKEN, wallet.market_token).decode())
    token = _connector().register(market_key(household))
    sealed = box_seal(household, MARKET_TOKEN, token.encode())
    HomeWallet.objects.using(HOME).filter(pk=household.pk).update(market_token=sealed)
    return _connector().connect(token)


def market_token_forget(household: Household) -> None:
    """The market no longer takes the token: register again at the next call."""
    HomeWallet.objects.using(HOME).filter(pk=household.pk).update(market_token=b"")


def market_key(household: Household) -> Branch:
    """The key that is the hub's account at the market, and nothing else."""
    return operational_of(household).child(MARKET_BRANCH)


def _connector() -> Connector:
    """The class named in the settings (tests put an in-process market there), made once for each call."""
    make: Callable[[], Connector] = import_string(getattr(settings, "HEARTH_HUB_CONNECTOR", CONNECTOR))
    return make()


class Connector:
    """How to reach a market; ``market_http`` derives the real one."""

    def connect(self, token: str) -> Market:
        """The market as the bearer of the token sees it."""
        raise NotImplementedError

    def register(self, key: Branch) -> str:
        """Register a hub by its key; its token."""
        raise NotImplementedError
