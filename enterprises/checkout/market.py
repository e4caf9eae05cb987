"""Where an enterprise's node gets its market from. Between the roles there is only the REST API."""

from __future__ import annotations

from functools import cache, lru_cache

import httpx
from django.conf import settings
from django.utils.module_loading import import_string

from chain.client import FilePins, MarketClient, ModelsClient, PinStore
from enterprises.checkout.files import folder
from enterprises.checkout.models import Enterprise
from enterprises.checkout.ports import BuyerMarket
from enterprises.checkout.wallets import market_token

DEFAULT = "enterprises.checkout.market.market_over_http"
TIMEOUT_S = 30.0
CLIENTS_KEPT = 64


def market_connect(token: str = "") -> BuyerMarket:
    """A client of the market with this token; ``HEARTH_BUYER_MARKET`` names the function that makes it."""
    market: BuyerMarket = import_string(getattr(settings, "HEARTH_BUYER_MARKET", DEFAULT))(token)
    return market


def market_of(enterprise: Enterprise) -> BuyerMarket:
    """A client that bears the enterprise's own token."""
    return market_connect(market_token(enterprise))


class NodeMarket(MarketClient):
    """A market whose service-model ledger is pinned in a file of this node as well."""

    _models: ModelsClient | None = None

    def models(self, *, pins: PinStore | None = None) -> ModelsClient:
        """The one client of that ledger, so that its genesis is compared once."""
        if self._models is None:
            self._models = super().models(pins=pins or FilePins(folder() / "models.pin"))
        return self._models


@lru_cache(CLIENTS_KEPT)
def market_over_http(token: str) -> MarketClient:
    """The market at ``HEARTH_MARKET_URL``; genesis and newest header are pinned in a file that all processes share."""
    return NodeMarket(market_http(), token, pins=FilePins(folder() / "market.pin"))


@cache
def market_http() -> httpx.Client:
    return httpx.Client(base_url=settings.HEARTH_MARKET_URL, timeout=TIMEOUT_S)
