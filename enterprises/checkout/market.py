"""Where an enterprise's node gets its market from. Between the roles there is only the REST API."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

from enterprises.checkout.models import Enterprise
from enterprises.checkout.ports import BuyerMarket
from enterprises.checkout.wallets import market_token

DEFAULT = "enterprises.checkout.market_http.market_connect"


def market_connect(token: str = "") -> BuyerMarket:
    """A client of the market with this token; ``HEARTH_BUYER_MARKET`` names the function that makes it."""
    market: BuyerMarket = import_string(getattr(settings, "HEARTH_BUYER_MARKET", DEFAULT))(token)
    return market


def market_of(enterprise: Enterprise) -> BuyerMarket:
    """A client that bears the enterprise's own token."""
    return market_connect(market_token(enterprise))
