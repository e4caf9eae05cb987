"""A market node's REST API as methods. Receipts and headers that come out of here were verified; the rest are hints.

Raises ``HearthError`` with the market's own code for whatever it refuses, ``MarketAway`` if it is not there, and
``LedgerFault`` if it tells something that its ledger does not bear out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import httpx

from chain.client.http import Http, MarketAway
from chain.client.ledger import LEDGER, LedgerClient, row_bytes
from chain.client.models import ModelsClient
from chain.client.objects import ObjectCalls
from chain.client.pins import PinStore
from chain.client.wire import LedgerEvent
from chain.contracts.crossing import service_escrow_id_of
from chain.contracts.market.rows import LotRow, OrderRow
from chain.contracts.market.training_rows import PoolRow, TrainingRow
from chain.contracts.service_escrow import ServiceMoneyRow
from chain.core.codec import decode
from chain.crypto.hashing import tagged
from chain.crypto.secp256k1 import public_key, sign
from marketplace.common.errors import NotFound

MARKET: Final = "/api/v1/market"
LOTS_AT_ONCE: Final = 100

Query = Mapping[str, str | Sequence[str]]


class Key(Protocol):
    """Whatever holds a secp256k1 secret: a wallet's branch, a signer."""

    @property
    def secret(self) -> bytes: ...


class MarketClient(LedgerClient, ObjectCalls):
    """One market with its shared ledger, over an ``httpx.Client`` that knows its base URL.

    ``token`` is the hub's or organisation's; ``pins`` keeps what is believed of the ledger (without it, for the life of
    the process). ``models`` is the market's other ledger.
    """

    def __init__(
        self,
        http: httpx.Client,
        token: str = "",
        *,
        pins: PinStore | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(Http(http, token, pause=pause), pins=pins)

    def models(self, *, pins: PinStore | None = None) -> ModelsClient:
        """The service-model ledger of this market. ``pins`` keeps its own pin; it must be the one that the shared
        ledger's genesis trusts, if that names one."""
        return ModelsClient(self._api, pins=pins, shared=self.genesis)

    # The shared ledger, as the market tells it.

    def balance(self, address: bytes) -> int:
        """The credits of an address."""
        return int(self._account(address)["balance"])

    def history(self, address: bytes, after: int | str = 0, limit: int = 100) -> list[dict[str, Any]]:
        """What credits an address got and gave after a height, oldest first."""
        query = {"after": str(after), "limit": limit}
        return list(self._api.json("GET", f"{LEDGER}/accounts/{address.hex()}/history", params=query)["moves"])

    def history_newest(self, address: bytes, before: str = "", limit: int = 50) -> dict[str, Any]:
        """A page of what an address got and gave, newest first: ``moves``, and ``next`` to go on from, or None."""
        query = {"order": "newest", "before": before, "limit": limit}
        return dict(self._api.json("GET", f"{LEDGER}/accounts/{address.hex()}/history", params=query))

    def lot_row(self, lot_id: bytes) -> LotRow:
        """A lot as the ledger's state has it; raises ``NotFound``. Its digest is proven by its publish transaction."""
        return decode(LotRow, row_bytes(self._api.json("GET", f"{LEDGER}/lots/{lot_id.hex()}")))

    def order_row(self, order_id: bytes) -> OrderRow:
        """An order as the ledger's state has it; raises ``NotFound``."""
        return decode(OrderRow, row_bytes(self._api.json("GET", f"{LEDGER}/orders/{order_id.hex()}")))

    def training_row(self, order_id: bytes) -> TrainingRow:
        """A training licence as the ledger's state has it; raises ``NotFound``."""
        return decode(TrainingRow, row_bytes(self._api.json("GET", f"{LEDGER}/trainings/{order_id.hex()}")))

    def pool_row(self, job: bytes) -> PoolRow:
        """The bonus pool of a job as the ledger's state has it; raises ``NotFound``."""
        return decode(PoolRow, row_bytes(self._api.json("GET", f"{LEDGER}/pools/{job.hex()}")))

    def service_money_row(self, payer: bytes, service_order: bytes) -> ServiceMoneyRow:
        """What an address paid for a service order; raises ``NotFound``."""
        key = service_escrow_id_of(payer, service_order)
        return decode(ServiceMoneyRow, row_bytes(self._api.json("GET", f"{LEDGER}/service-money/{key.hex()}")))

    # The catalog and the desk.

    def lots(self, query: Query | None = None) -> dict[str, Any]:
        """A page of lots on sale."""
        return dict(self._api.json("GET", f"{MARKET}/lots", params=dict(query or {})))

    def lots_named(self, lot_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Those of the lots (any number) that are on sale, asked for in as few calls as the market allows."""
        found: list[dict[str, Any]] = []
        for begin in range(0, len(lot_ids), LOTS_AT_ONCE):
            ids = [_id(each) for each in lot_ids[begin : begin + LOTS_AT_ONCE]]
            found += self.lots({"ids": ",".join(ids), "page_size": str(LOTS_AT_ONCE)})["results"]
        return found

    def facets(self, query: Query | None = None) -> dict[str, Any]:
        """How the lots on sale divide."""
        return dict(self._api.json("GET", f"{MARKET}/facets", params=dict(query or {})))

    def lot(self, lot_id: str) -> dict[str, Any]:
        """A lot as the catalog shows it; raises ``NotFound``."""
        return dict(self._api.json("GET", f"{MARKET}/lots/{_id(lot_id)}"))

    def preview(self, lot_id: str) -> dict[str, Any]:
        """The opened chunks of a lot with their paths."""
        return dict(self._api.json("GET", f"{MARKET}/lots/{_id(lot_id)}/preview"))

    def licence(self, digest: str) -> dict[str, Any]:
        """The text of a licence by its hash."""
        return dict(self._api.json("GET", f"{MARKET}/licences/{_id(digest)}"))

    def cells(self) -> dict[str, Any]:
        """The cells in which lots may be listed, and the smallest number of homes."""
        return dict(self._api.json("GET", f"{MARKET}/cells"))

    def cell_count(self, cell: str) -> None:
        """Have the hub's own home counted in a cell."""
        self._api.call("POST", f"{MARKET}/cells", idempotent=True, json={"cell": cell})

    def hub_register(self, key: Key | bytes) -> str:
        """Register a hub by its key and give its token. Registering again replaces the token."""
        return str(self._register("hubs", key, {})["token"])

    def organisation_register(self, name: str, contact: str, key: Key | bytes) -> str:
        """Register an organisation by its wallet's key and give its token; an operator then looks at it."""
        return str(self._register("organisations", key, {"name": name, "contact": contact})["token"])

    def organisation(self) -> dict[str, Any]:
        """The organisation that bears the token."""
        return dict(self._api.json("GET", f"{MARKET}/organisations/me"))

    def _register(self, what: str, key: Key | bytes, body: dict[str, str]) -> dict[str, Any]:
        secret = key if isinstance(key, bytes) else key.secret
        public = public_key(secret)
        told = self._api.json("POST", f"{MARKET}/challenges", idempotent=True, json={"public_key": public.hex()})
        challenge = str(told["challenge"])
        signature = sign(secret, tagged("hearth/register", challenge.encode(), public))
        proof = {"public_key": public.hex(), "challenge": challenge, "signature": signature.hex()}
        return dict(self._api.json("POST", f"{MARKET}/{what}", json={**body, **proof}))


def _id(text: str) -> str:
    """An id for a path: letters and digits only, so that it stays one segment of it."""
    if not text.isalnum():
        raise NotFound("There is no such thing on the market")
    return text


__all__ = ["LEDGER", "Key", "LedgerEvent", "MarketAway", "MarketClient"]
