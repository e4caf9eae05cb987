"""The market as the buyer sees it, in process: ledger calls go to the engine, all else through the real REST API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.http import QueryDict
from rest_framework.test import APIClient

from chain.client.wire import LedgerEvent
from chain.contracts.market.rows import LotRow
from chain.core.system import next_nonce
from chain.core.types import Header
from chain.engine.proofs import TxProof
from chain.wallets.signer import Signer
from enterprises.checkout.ports import Query
from marketplace.common.errors import HearthError, NotFound, Unavailable
from tests.enterprises.home import register
from tests.enterprises.ledger import SharedLedger


class Killed(BaseException):
    """The process died here."""


class Refusal(HearthError):
    """A problem of the REST API, as a client raises it."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__(body.get("detail", ""))
        self.code, self.http_status = body["code"], body["status"]


class InProcessMarket:
    """``BuyerMarket``. ``before`` and ``after`` are called around each submission, to die there."""

    def __init__(self, ledger: SharedLedger, token: str = "") -> None:
        self._ledger, self.token = ledger, token
        self.api = APIClient(headers={"Authorization": f"Bearer {token}"} if token else {})
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None
        self.away = False
        self.objects: dict[bytes, bytes] = {}

    @property
    def ledger(self) -> str:
        return self._ledger.ledger

    @property
    def params(self) -> dict[str, int]:
        return self._ledger.params

    def head(self) -> Header:
        return self._ledger.head()

    def submit_and_wait(self, transaction: bytes) -> TxProof:
        self.before()
        if self.away:
            raise Unavailable
        proof = self._ledger.submit(transaction)
        self.after()
        return proof

    def proof(self, tx_id: bytes) -> TxProof:
        if tx_id not in self._ledger.proofs:
            raise NotFound
        return self._ledger.proofs[tx_id]

    def events(self, after_height: int, up_to_height: int) -> Sequence[LedgerEvent]:
        found = self._ledger.events(after_height, up_to_height)
        return [LedgerEvent(each.height, 0, each.tx_id, each.kind, each.subjects) for each in found]

    def indexed_height(self) -> int:
        return self._ledger.height()

    def nonce(self, address: bytes) -> int:
        return next_nonce(self._ledger.engine.state, address)

    def balance(self, address: bytes) -> int:
        return self._ledger.balance(address)

    def history_newest(self, address: bytes, before: str = "") -> dict[str, Any]:
        return {"moves": [], "next": None}

    def lot_row(self, lot_id: bytes) -> LotRow:
        row = self._ledger.lot(lot_id)
        assert row is not None
        return row

    def object_get(self, object_id: bytes) -> bytes:
        if object_id in self.objects:
            return self.objects[object_id]
        answer = self.api.get(f"/api/v1/market/objects/{object_id.hex()}")
        if answer.status_code != 200:
            raise Refusal(answer.json())
        return b"".join(answer.streaming_content)

    def lots(self, query: Query) -> dict[str, Any]:
        return self._get("lots", query)

    def lots_named(self, lot_ids: Sequence[str]) -> Sequence[dict[str, Any]]:
        return list(self._get("lots", {"ids": ",".join(lot_ids), "page_size": "100"})["results"])

    def facets(self, query: Query) -> dict[str, Any]:
        return self._get("facets", query)

    def lot(self, lot_id: str) -> dict[str, Any]:
        return self._get(f"lots/{lot_id}")

    def preview(self, lot_id: str) -> dict[str, Any]:
        return self._get(f"lots/{lot_id}/preview")

    def licence(self, digest: str) -> dict[str, Any]:
        return self._get(f"licences/{digest}")

    def organisation_register(self, name: str, contact: str, key: bytes) -> str:
        return register("/api/v1/market/organisations", Signer(key), name=name, contact=contact)

    def organisation(self) -> dict[str, Any]:
        return self._get("organisations/me")

    def _get(self, path: str, query: Query | None = None) -> dict[str, Any]:
        params = QueryDict(mutable=True)
        for name, values in (query or {}).items():
            params.setlist(name, [values] if isinstance(values, str) else list(values))
        answer = self.api.get(f"/api/v1/market/{path}?{params.urlencode()}")
        if answer.status_code != 200:
            raise Refusal(answer.json())
        return dict(answer.json())


_world: dict[str, Any] = {}


def world_set(ledger: SharedLedger) -> None:
    _world.clear()
    _world.update(ledger=ledger, clients={})


def connect(token: str = "") -> InProcessMarket:
    """``HEARTH_BUYER_MARKET`` of the tests: one client for each token."""
    clients = _world["clients"]
    if token not in clients:
        clients[token] = InProcessMarket(_world["ledger"], token)
    return clients[token]


def source() -> SharedLedger:
    """``HEARTH_LOT_SOURCE`` of the tests."""
    ledger: SharedLedger = _world["ledger"]
    return ledger
