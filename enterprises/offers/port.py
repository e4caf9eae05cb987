"""What offers and orders of a node's enterprises need of the world: both ledgers and the market's shelf."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import httpx
from django.conf import settings
from django.utils.module_loading import import_string

from chain.client.http import Http
from chain.client.market import MARKET
from chain.client.wire import LedgerEvent
from chain.contracts.service_models.rows import JobRow, OrderRow, ServiceRow, VersionRow
from enterprises.checkout.market import market_connect, market_http
from enterprises.checkout.models import Enterprise
from enterprises.checkout.ports import BuyerMarket, Ledger
from enterprises.checkout.wallets import market_token

DEFAULT = "enterprises.offers.port.shelf_over_http"


class Models(Ledger, Protocol):
    """The service-model ledger: ``chain.client.ModelsClient``, or one in process. Rows are what the market says."""

    def events(self, after_height: int, up_to_height: int | None = None, kind: str = "") -> Sequence[LedgerEvent]: ...

    def service(self, service: bytes) -> ServiceRow: ...

    def job(self, job: bytes) -> JobRow: ...

    def version(self, version: bytes) -> VersionRow: ...

    def order(self, order_id: bytes) -> OrderRow: ...


class Shelf(Protocol):
    """Where the offers of a version are shown to homes."""

    def offers_put(self, version: str, offers: list[dict[str, Any]]) -> None:
        """Put these offers in the place of those before."""
        ...


class ShelfClient:
    """The market's shelf over REST, for the bearer of an organisation's token."""

    def __init__(self, http: httpx.Client, token: str) -> None:
        self._api = Http(http, token)

    def offers_put(self, version: str, offers: list[dict[str, Any]]) -> None:
        self._api.json("PUT", f"{MARKET}/models/{version}/offers", json={"offers": offers})


def shelf_over_http(enterprise: Enterprise) -> Shelf:
    """The shelf of the market at ``HEARTH_MARKET_URL``."""
    return ShelfClient(market_http(), market_token(enterprise))


def shelf_of(enterprise: Enterprise) -> Shelf:
    """The shelf for an enterprise; ``HEARTH_OFFERS_SHELF`` names the function that makes it."""
    found: Shelf = import_string(getattr(settings, "HEARTH_OFFERS_SHELF", DEFAULT))(enterprise)
    return found


def models_of(market: BuyerMarket) -> Models:
    """The market's service-model ledger with all that it tells of versions and orders."""
    return cast(Models, market.models())


def market_public() -> BuyerMarket:
    """The market without a token."""
    return market_connect()
