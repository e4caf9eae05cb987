"""The market over its REST API: ``chain.client`` behind the hub's port, one HTTP pool and one pin for the whole
node."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path

import httpx
from django.conf import settings

from chain.client import FilePins, MarketClient
from chain.contracts.market.rows import OrderRow
from chain.core.types import Genesis, Header
from chain.engine.proofs import TxProof
from chain.wallets.hd import Branch
from households.services.market import Connector as ConnectorBase
from households.services.market_port import EventPage, Market, MarketEvent
from marketplace.common.errors import NotFound

TIMEOUT_S = 30.0
CLIENTS_KEPT = 128
_clients: OrderedDict[str, HttpMarket] = OrderedDict()
_lock = threading.Lock()


class HttpMarket:
    """``MarketClient`` as the hub's ``Market``."""

    def __init__(self, client: MarketClient) -> None:
        self._client = client

    @property
    def client(self) -> MarketClient:
        """The client itself, for what only some rooms need."""
        return self._client

    @property
    def ledger(self) -> str:
        return self._client.ledger

    def genesis(self) -> Genesis:
        return self._client.genesis()

    def head(self) -> Header:
        return self._client.head()

    def height_seen(self) -> int:
        newest = self._client.light.pin.newest
        return newest.header.height if newest else 0

    def header(self, height: int) -> Header | None:
        return self._client.header(height)

    def nonce(self, address: bytes) -> int:
        return self._client.nonce(address)

    def balance(self, address: bytes) -> int:
        return self._client.balance(address)

    def submit_and_wait(self, raw: bytes) -> TxProof:
        return self._client.submit_and_wait(raw)

    def proof(self, tx_id: bytes) -> TxProof:
        return self._client.proof(tx_id)

    def events(self, after_height: int) -> EventPage:
        up_to = self._client.indexed_height()
        if up_to <= after_height:
            return EventPage((), after_height)
        found = self._client.events(after_height, up_to)
        events = tuple(MarketEvent(event.height, event.tx_id, event.kind, event.subjects) for event in found)
        return EventPage(events, up_to)

    def order(self, order_id: bytes) -> OrderRow:
        return self._client.order_row(order_id)

    def lot_known(self, lot_id: bytes) -> bool:
        try:
            self._client.lot_row(lot_id)
        except NotFound:
            return False
        return True

    def object_put(self, object_id: bytes, data: bytes, *, cell: str, deletion_secret: bytes) -> None:
        self._client.object_put(object_id, data, cell=cell, deletion_secret=deletion_secret)

    def object_delete(self, object_id: bytes, *, deletion_secret: bytes) -> None:
        self._client.object_delete(object_id, deletion_secret=deletion_secret)

    def homes_in_cell(self, cell: str) -> int:
        told = self._client.cells()
        counts = {str(row["cell"]): int(row["homes"]) for row in told.get("cells", [])}
        return counts.get(cell, 0)


class Connector(ConnectorBase):
    """Reaches the market node at ``HEARTH_MARKET_URL``."""

    def connect(self, token: str) -> Market:
        with _lock:
            if token not in _clients:
                _clients[token] = HttpMarket(_client(token))
                while len(_clients) > CLIENTS_KEPT:
                    _clients.popitem(last=False)
            _clients.move_to_end(token)
            return _clients[token]

    def register(self, key: Branch) -> str:
        return _client("").hub_register(key)


def pool() -> httpx.Client:
    """The node's one pool of connections to its market."""
    return _pool(settings.HEARTH_MARKET_URL)


def models_pins() -> FilePins:
    """The node's pin of the service-model ledger."""
    return _pins(str(settings.HEARTH_VAR), "hub-models.pin")


def _client(token: str) -> MarketClient:
    return MarketClient(pool(), token, pins=_pins(str(settings.HEARTH_VAR)))


@cache
def _pool(base_url: str) -> httpx.Client:
    return httpx.Client(base_url=base_url, timeout=TIMEOUT_S)


@cache
def _pins(folder: str, name: str = "hub.pin") -> FilePins:
    path = Path(folder) / "pins" / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return FilePins(path)
