"""A market node's REST API as methods. Receipts and headers that come out of here were verified; the rest are hints.

Raises ``HearthError`` with the market's own code for whatever it refuses, ``MarketAway`` if it is not there, and
``LedgerFault`` if it tells something that its ledger does not bear out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Final, Protocol

import httpx

from chain.client.http import Http, MarketAway
from chain.client.light import LightClient, ValidatorsUnknown
from chain.client.objects import ObjectCalls
from chain.client.pins import MemoryPins, PinStore
from chain.client.records import SignedHeader
from chain.client.wire import LedgerEvent, events_parse, genesis_parse, signed_header_parse
from chain.contracts.market.rows import LotRow, OrderRow
from chain.core.codec import decode, encode
from chain.core.errors import LedgerFault, Malformed
from chain.core.transactions import tx_id_of
from chain.core.types import Genesis, Header, SignedTransaction
from chain.crypto.hashing import tagged
from chain.crypto.secp256k1 import public_key, sign
from chain.engine.proofs import ProofInvalid, TxProof, proof_from_json
from marketplace.common.errors import NotFound

LEDGER: Final = "/api/v1/market/ledger"
MARKET: Final = "/api/v1/market"
EVENTS_PAGE: Final = 500
LOTS_AT_ONCE: Final = 100
FINAL_TIMEOUT_S: Final = 30.0
_PINS: dict[str, MemoryPins] = {}
_PINS_LOCK = Lock()

Query = Mapping[str, str | Sequence[str]]


class Key(Protocol):
    """Whatever holds a secp256k1 secret: a wallet's branch, a signer."""

    @property
    def secret(self) -> bytes: ...


class MarketClient(ObjectCalls):
    """One market, over an ``httpx.Client`` that knows its base URL.

    ``token`` is the hub's or organisation's; ``pins`` keeps what is believed of the ledger (without it, for the life of
    the process). The ledger is pinned at the first call that needs it.
    """

    def __init__(
        self,
        http: httpx.Client,
        token: str = "",
        *,
        pins: PinStore | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = Http(http, token, pause=pause)
        self._light = LightClient(pins if pins is not None else _process_pins(self._api.base_url))
        self._met = False

    # The ledger, verified.

    @property
    def light(self) -> LightClient:
        """The light client, with the genesis pinned and compared."""
        if not self._met:
            self._light.begin(genesis_parse(self._api.json("GET", f"{LEDGER}/genesis")))
            self._met = True
        return self._light

    @property
    def ledger(self) -> str:
        """The id that transactions are signed for."""
        return self.genesis().ledger

    @property
    def params(self) -> dict[str, int]:
        """The market contract's parameters, as the genesis has them."""
        return dict(self.genesis().params)

    def genesis(self) -> Genesis:
        """The pinned genesis; raises ``GenesisChanged`` if the market has another one."""
        return self.light.genesis

    def head(self) -> Header:
        """The newest header, verified. Raises ``NotFound`` before the first block."""
        told = self._api.json("GET", f"{LEDGER}/head")
        if not told.get("header"):
            raise NotFound("The ledger has no block yet")
        self._header_check(signed_header_parse(told))
        newest = self.light.pin.newest
        assert newest is not None
        return newest.header

    def header(self, height: int) -> Header | None:
        """The verified header of a height, or None if there is no such block yet."""
        try:
            told = self._api.json("GET", f"{LEDGER}/blocks/{height}")
        except NotFound:
            return None
        header = self._header_check(signed_header_parse(told))
        if header.height != height:
            raise LedgerFault("the market told of another block", height=height)
        return header

    def submit_and_wait(self, transaction: bytes | SignedTransaction, timeout_s: float = FINAL_TIMEOUT_S) -> TxProof:
        """Send a signed transaction and wait until it is final; gives its verified proof.

        The same bytes may be sent again: the ledger takes them once. That the proof holds does not mean that the call
        went through: ``proof.receipt.code`` is empty only then. Raises ``NotFinalYet``-like ``Unavailable`` if the
        ledger is slow, and what keeps a transaction out of the pool (``NonceUsed``, ``PoolFull`` ...).
        """
        raw = transaction if isinstance(transaction, bytes) else encode(transaction)
        told = self._api.json(
            "POST",
            f"{LEDGER}/transactions",
            idempotent=True,
            content=raw,
            headers={"Content-Type": "application/octet-stream"},
            timeout=timeout_s,
        )
        return self._proof_check(told, tx_id_of(raw))

    def proof(self, tx_id: bytes) -> TxProof:
        """The verified proof of a final transaction; raises ``NotFound``."""
        return self._proof_check(self._api.json("GET", f"{LEDGER}/transactions/{tx_id.hex()}"), tx_id)

    # The ledger, as the market tells it.

    def events(self, after_height: int, up_to_height: int | None = None, kind: str = "") -> list[LedgerEvent]:
        """Events of the blocks after one height up to another, oldest first: hints of where to look."""
        found: list[LedgerEvent] = []
        query: dict[str, Any] = {"after": str(after_height), "limit": EVENTS_PAGE, "kind": kind}
        if up_to_height is not None:
            query["up_to"] = up_to_height
        while True:
            page = self._api.json("GET", f"{LEDGER}/events", params=query)
            found += events_parse(page)
            if not page.get("next"):
                return found
            query["after"] = page["next"]

    def indexed_height(self) -> int:
        """Up to which height events, histories and proofs of old transactions can be had."""
        return int(self._api.json("GET", f"{LEDGER}/head")["indexed_height"])

    def nonce(self, address: bytes) -> int:
        """The nonce of an address's next transaction, those that wait included."""
        return int(self._account(address)["nonce"])

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
        return decode(LotRow, _row(self._api.json("GET", f"{LEDGER}/lots/{lot_id.hex()}")))

    def order_row(self, order_id: bytes) -> OrderRow:
        """An order as the ledger's state has it; raises ``NotFound``."""
        return decode(OrderRow, _row(self._api.json("GET", f"{LEDGER}/orders/{order_id.hex()}")))

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

    def _account(self, address: bytes) -> dict[str, Any]:
        return dict(self._api.json("GET", f"{LEDGER}/accounts/{address.hex()}"))

    def _register(self, what: str, key: Key | bytes, body: dict[str, str]) -> dict[str, Any]:
        secret = key if isinstance(key, bytes) else key.secret
        public = public_key(secret)
        told = self._api.json("POST", f"{MARKET}/challenges", idempotent=True, json={"public_key": public.hex()})
        challenge = str(told["challenge"])
        signature = sign(secret, tagged("hearth/register", challenge.encode(), public))
        proof = {"public_key": public.hex(), "challenge": challenge, "signature": signature.hex()}
        return dict(self._api.json("POST", f"{MARKET}/{what}", json={**body, **proof}))

    def _header_check(self, signed: SignedHeader) -> Header:
        try:
            return self.light.header_check(signed)
        except ValidatorsUnknown:
            self._follow_validators()
            return self.light.header_check(signed)

    def _proof_check(self, told: Any, tx_id: bytes) -> TxProof:
        proof = proof_from_json(told)
        self._header_check(SignedHeader(proof.header, proof.commit))
        self.light.proof_check(proof)
        if proof.tx_id != tx_id:
            raise ProofInvalid("the market proved another transaction", height=proof.header.height)
        return proof

    def _follow_validators(self) -> None:
        after = self.light.pin.spans[-1].from_height
        told = self._api.json("GET", f"{LEDGER}/validators/changes", params={"after": max(0, after - 1)})
        self.light.validators_follow(proof_from_json(each) for each in told["proofs"])


def _process_pins(base_url: str) -> MemoryPins:
    with _PINS_LOCK:
        return _PINS.setdefault(base_url, MemoryPins())


def _row(told: Any) -> bytes:
    try:
        return bytes.fromhex(told["row"])
    except (KeyError, TypeError, ValueError) as fault:
        raise Malformed("the market's answer holds no row") from fault


def _id(text: str) -> str:
    """An id for a path: letters and digits only, so that it stays one segment of it."""
    if not text.isalnum():
        raise NotFound("There is no such thing on the market")
    return text


__all__ = ["Key", "LedgerEvent", "MarketAway", "MarketClient"]
