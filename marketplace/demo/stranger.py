"""Those who have no node: an enterprise that pays with its own key, and somebody who only calls ``expire``."""

from __future__ import annotations

import os

import httpx

from chain.client import MarketClient
from chain.contracts.market.ids import order_id_of
from chain.contracts.market.rows import Expire
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Record
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.engine.proofs import TxProof
from chain.exchange.handover import funding_new
from chain.exchange.lots import scalar_of
from marketplace.demo.client import TIMEOUT_S, Refused, wait_until

VALID_BLOCKS = 10_000


class Outsider:
    """A key of one's own and the market's public API."""

    def __init__(self, url: str) -> None:
        self._secret = scalar_of(os.urandom(48))
        self.address = address_of(public_key(self._secret))
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)
        self.market = MarketClient(self._http)

    def register(self, name: str, contact: str) -> None:
        """Become an organisation that waits for an operator."""
        self.market.organisation_register(name, contact, self._secret)

    def fund(self, lot_id: str) -> bytes:
        """Pay for a lot into escrow; the order's id."""
        row = self.market.lot_row(bytes.fromhex(lot_id))
        funding = funding_new(scalar_of(os.urandom(48)), row, self.address, self.market.ledger)
        self._send("market.fund", funding)
        return order_id_of(row.lot_id, funding.point)

    def expire_when_due(self, order_id: bytes, timeout_s: float = 30.0) -> bytes:
        """Wait for an order's deadline in block time, then ask for its refund; the transaction's id."""
        deadline_ms = self.market.order_row(order_id).deadline_ms
        wait_until(lambda: self.market.head().time_ms > deadline_ms, "the order's deadline", timeout_s)
        return self._send("market.expire", Expire(order_id=order_id)).tx_id

    def close(self) -> None:
        self._http.close()

    def _send(self, call: str, args: Record) -> TxProof:
        tx = tx_new(
            ledger=self.market.ledger,
            sender=public_key(self._secret),
            nonce=self.market.nonce(self.address),
            valid_until=self.market.head().height + VALID_BLOCKS,
            call=call,
            args=args,
        )
        proof = self.market.submit_and_wait(tx_sign(tx, self._secret))
        if proof.receipt.code:
            raise Refused(409, proof.receipt.code, f"The ledger refused {call}.")
        return proof
