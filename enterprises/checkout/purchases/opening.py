"""Opening what was delivered: s = e - r, every chunk against the lot's roots, the manifest and its certificate.

A fault that the contract can judge (a key list that is not that of s, a chunk that is not its leaf) becomes a
complaint. A fault that only a reader sees (rows or a certificate that make no sense) can't be proven there: it is
noted, the buyer does not accept, and the seller is paid when the complaint time is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from chain.contracts.market.rows import ComplainChunk, ComplainKey, Publish
from chain.core.codec import decode
from chain.crypto.lot_format import lot_id_of
from chain.exchange.complaints import complaint_chunk, complaint_key
from chain.exchange.errors import BadChunk, BadKeyList, LotFault, RowsInvalid
from chain.exchange.handover import buyer_secret
from chain.exchange.lots import LotObject, object_check, object_parse, open_chunks
from chain.exchange.manifest import manifest_check, manifest_decode
from chain.exchange.rows import Column, chunk_read, unpadded
from enterprises.checkout import files
from enterprises.checkout.keys import unseal
from enterprises.checkout.models import Purchase
from enterprises.checkout.ports import BuyerMarket


@dataclass
class Opened:
    """What came out: columns, how many rows, what the certificate shows, by which limits the home checked, and the code
    of a fault that is only noted."""

    row_count: int = 0
    columns: tuple[Column, ...] = ()
    label: str = ""
    limits: str = "default"
    fault: str = ""
    last_ms: int = field(default=-(2**63))

    def changes(self, facts: dict[str, Any]) -> dict[str, Any]:
        """As columns of the purchase, whose facts get what only the manifest says."""
        columns = [{"name": c.name, "unit": c.unit, "decimals": c.decimals} for c in self.columns]
        told = {"row_count": self.row_count, "columns": columns, "label": self.label, "reason": self.fault}
        return {**told, "facts": {**facts, "limits": self.limits}}


def r_context(purchase: Purchase) -> str:
    """What the sealed r of a purchase is bound to."""
    return f"purchase-r:{purchase.public_id}"


def purchase_open(market: BuyerMarket, purchase: Purchase) -> Opened | ComplainChunk | ComplainKey:
    """Open a delivered lot and keep its rows, sealed; or return the complaint that the ledger will uphold.

    Raises:
        LotFault: the object was lost and what the market gives now is another one (try again later).
    """
    digest = decode(Publish, bytes(purchase.digest))
    payee_key = bytes.fromhex(purchase.payee_key)
    lot = _object(market, purchase, digest)
    r = unseal(purchase.sealed_r, r_context(purchase))
    secret = buyer_secret(bytes(purchase.e), r, digest.key_point)
    opened = Opened()
    order_id = bytes.fromhex(purchase.ledger_order or "")
    try:
        plaintexts = open_chunks(lot, digest, payee_key, secret)
        files.data_write(purchase, _parts(plaintexts, digest, payee_key, opened))
    except BadKeyList as fault:
        return complaint_key(order_id, lot, secret, fault.index)
    except BadChunk as fault:
        return complaint_chunk(order_id, lot, payee_key, secret, fault.index)
    if opened.row_count != digest.record_count and not opened.fault:
        opened.fault = RowsInvalid.code
    return opened


def _object(market: BuyerMarket, purchase: Purchase, digest: Publish) -> LotObject:
    """The object as it was checked before paying; fetched and checked again if the file is gone."""
    data = files.object_read(purchase)
    if data is not None:
        return object_parse(data)
    data = market.object_get(digest.object_id)
    lot = object_parse(data)
    object_check(lot, digest)
    files.object_write(purchase, data)
    return lot


def _parts(plaintexts: Iterator[bytes], digest: Publish, payee_key: bytes, opened: Opened) -> Iterator[bytes]:
    """The manifest and the chunks' bodies without their padding; what can't be read is noted and left out."""
    yield _manifest_part(next(plaintexts), digest, payee_key, opened)
    for plaintext in plaintexts:
        try:
            body = chunk_read(plaintext)
            if opened.columns and body.columns != opened.columns:
                raise RowsInvalid
            if body.rows and body.rows[0][0] <= opened.last_ms:
                raise RowsInvalid
        except RowsInvalid as fault:
            opened.fault = opened.fault or fault.code
            continue
        opened.columns = body.columns
        opened.row_count += len(body.rows)
        if body.rows:
            opened.last_ms = body.rows[-1][0]
        yield unpadded(plaintext)


def _manifest_part(plaintext: bytes, digest: Publish, payee_key: bytes, opened: Opened) -> bytes:
    try:
        data = unpadded(plaintext)
        manifest = manifest_decode(data)
        shown = manifest_check(manifest, digest, lot_id_of(payee_key))
    except (LotFault, RowsInvalid) as fault:
        opened.fault = fault.code
        return b""
    opened.label, opened.limits = shown.label, manifest.facts.limits
    return data
