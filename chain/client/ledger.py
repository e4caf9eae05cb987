"""One ledger of a market node as methods. Receipts and headers that come out of here were verified; events are hints.

Raises ``HearthError`` with the market's own code for whatever it refuses, ``MarketAway`` if it is not there, and
``LedgerFault`` if it tells something that its ledger does not bear out.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

from chain.client.http import Http
from chain.client.light import LightClient, ValidatorsUnknown
from chain.client.pins import MemoryPins, PinStore
from chain.client.records import SignedHeader
from chain.client.wire import LedgerEvent, events_parse, genesis_parse, signed_header_parse
from chain.core.codec import encode
from chain.core.errors import LedgerFault, Malformed
from chain.core.transactions import tx_id_of
from chain.core.types import Genesis, Header, SignedTransaction
from chain.engine.proofs import ProofInvalid, TxProof, proof_from_json
from marketplace.common.errors import NotFound

LEDGER: Final = "/api/v1/market/ledger"
EVENTS_PAGE: Final = 500
FINAL_TIMEOUT_S: Final = 30.0
_PINS: dict[str, MemoryPins] = {}
_PINS_LOCK = Lock()


class LedgerClient:
    """One ledger of a market, by its light client.

    ``path`` is the ledger's address on the market, ``pins`` keeps what is believed of it (without it, for the life of
    the process). The ledger is pinned at the first call that needs it.
    """

    def __init__(self, api: Http, path: str = LEDGER, *, pins: PinStore | None = None) -> None:
        self._api = api
        self._path = path
        self._light = LightClient(pins if pins is not None else _process_pins(api.base_url + path))
        self._met = False

    @property
    def light(self) -> LightClient:
        """The light client, with the genesis pinned and compared."""
        if not self._met:
            genesis = genesis_parse(self._api.json("GET", f"{self._path}/genesis"))
            self._genesis_check(genesis)
            self._light.begin(genesis)
            self._met = True
        return self._light

    @property
    def ledger(self) -> str:
        """The id that transactions are signed for."""
        return self.genesis().ledger

    @property
    def params(self) -> dict[str, int]:
        """The parameters of the ledger's contracts, as the genesis has them."""
        return dict(self.genesis().params)

    def genesis(self) -> Genesis:
        """The pinned genesis; raises ``GenesisChanged`` if the market has another one."""
        return self.light.genesis

    def head(self) -> Header:
        """The newest header, verified. Raises ``NotFound`` before the first block."""
        told = self._api.json("GET", f"{self._path}/head")
        if not told.get("header"):
            raise NotFound("The ledger has no block yet")
        self._header_check(signed_header_parse(told))
        newest = self.light.pin.newest
        assert newest is not None
        return newest.header

    def header(self, height: int) -> Header | None:
        """The verified header of a height, or None if there is no such block yet."""
        try:
            told = self._api.json("GET", f"{self._path}/blocks/{height}")
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
            f"{self._path}/transactions",
            idempotent=True,
            content=raw,
            headers={"Content-Type": "application/octet-stream"},
            timeout=timeout_s,
        )
        return self._proof_check(told, tx_id_of(raw))

    def proof(self, tx_id: bytes) -> TxProof:
        """The verified proof of a final transaction; raises ``NotFound``."""
        return self._proof_check(self._api.json("GET", f"{self._path}/transactions/{tx_id.hex()}"), tx_id)

    def events(self, after_height: int, up_to_height: int | None = None, kind: str = "") -> list[LedgerEvent]:
        """Events of the blocks after one height up to another, oldest first: hints of where to look."""
        found: list[LedgerEvent] = []
        query: dict[str, Any] = {"after": str(after_height), "limit": EVENTS_PAGE, "kind": kind}
        if up_to_height is not None:
            query["up_to"] = up_to_height
        while True:
            page = self._api.json("GET", f"{self._path}/events", params=query)
            found += events_parse(page)
            if not page.get("next"):
                return found
            query["after"] = page["next"]

    def indexed_height(self) -> int:
        """Up to which height events, histories and proofs of old transactions can be had."""
        return int(self._api.json("GET", f"{self._path}/head")["indexed_height"])

    def nonce(self, address: bytes) -> int:
        """The nonce of an address's next transaction, those that wait included."""
        return int(self._account(address)["nonce"])

    def _genesis_check(self, genesis: Genesis) -> None:
        """Raise if a ledger with this genesis can't be the one that is wanted, before it is pinned."""

    def _account(self, address: bytes) -> dict[str, Any]:
        return dict(self._api.json("GET", f"{self._path}/accounts/{address.hex()}"))

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
        told = self._api.json("GET", f"{self._path}/validators/changes", params={"after": max(0, after - 1)})
        self.light.validators_follow(proof_from_json(each) for each in told["proofs"])


def row_bytes(told: Any) -> bytes:
    """The canonical bytes of a row in the market's answer; raises ``Malformed``."""
    try:
        return bytes.fromhex(told["row"])
    except (KeyError, TypeError, ValueError) as fault:
        raise Malformed("the market's answer holds no row") from fault


def _process_pins(address: str) -> MemoryPins:
    with _PINS_LOCK:
        return _PINS.setdefault(address, MemoryPins())
