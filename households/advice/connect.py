"""The real world of advice: the market over REST, with the token under which the home's hub is registered."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import httpx

from chain.client import MarketClient, ModelsClient
from chain.client.http import Http, MarketAway
from chain.client.market import MARKET
from households.advice.port import Connection, Listing
from households.models import HOME, HomeWallet, Household
from households.services.market import market_of
from households.services.market_http import CLIENTS_KEPT, HttpMarket, models_pins, pool
from households.services.secrets import MARKET_TOKEN, box_open

ADDRESS_BYTES: Final = 20


class ShelfClient:
    """The market's shelf of offers as methods."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._api = Http(http, token)

    def listing(self, version: bytes) -> Listing:
        """The offers of a version; raises ``NotFound``, or ``MarketAway`` if the answer is none."""
        told = self._api.json("GET", f"{MARKET}/models/{version.hex()}/offers")
        try:
            offers = tuple({"offer": each["offer"], "price": int(each["price"])} for each in told["offers"])
            found = Listing(bytes.fromhex(told["enterprise"]), str(told["enterprise_name"])[:120], offers)
        except (KeyError, TypeError, ValueError) as fault:
            raise MarketAway("The market's answer holds no offers") from fault
        if len(found.enterprise) != ADDRESS_BYTES:
            raise MarketAway("The market's answer holds no offers")
        return found


class Connector:
    """Reaches the market node at ``HEARTH_MARKET_URL``."""

    def connect(self, household: Household) -> Connection:
        """The home's connection."""
        market = market_of(household)
        assert isinstance(market, HttpMarket)
        wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
        token = box_open(household, MARKET_TOKEN, wallet.market_token).decode()
        return Connection(shared=market.client, models=_models(market.client), shelf=ShelfClient(pool(), token))


@lru_cache(maxsize=CLIENTS_KEPT)
def _models(client: MarketClient) -> ModelsClient:
    """One client of the service-model ledger for each of the market."""
    return client.models(pins=models_pins())
