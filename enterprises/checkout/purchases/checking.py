"""What a buyer checks before paying: the lot's own receipt, its licence and price, and the whole stored object."""

from __future__ import annotations

import msgspec

from chain.contracts.market.rows import LISTED, LotRow, Publish
from chain.core.codec import decode
from chain.crypto.hashing import address_of
from chain.crypto.lot_format import lot_id_of
from chain.engine.proofs import TxProof
from chain.exchange.lots import object_check, object_parse
from enterprises.checkout import files
from enterprises.checkout.models import Purchase
from enterprises.checkout.ports import BuyerMarket
from enterprises.errors import LicenceNotKnown, LotNotOnSale, PriceChanged
from marketplace.common import licences
from marketplace.common.errors import HearthError, NotFound

COPY = "copy"
NO_RECEIPT = "The ledger has no receipt of this lot."


def publish_proven(market: BuyerMarket, lot_id: bytes, publish_tx: str) -> tuple[Publish, bytes]:
    """The digest of a lot and its payee key, from the verified receipt of its ``publish``.

    Raises:
        LotNotOnSale: there is no such receipt, or it is another lot's.
    """
    try:
        proof = market.proof(bytes.fromhex(publish_tx))
    except (NotFound, ValueError):
        raise LotNotOnSale(NO_RECEIPT) from None
    if not _is_publish(proof, lot_id):
        raise LotNotOnSale(NO_RECEIPT)
    tx = proof.signed.tx
    return decode(Publish, tx.args), tx.sender


def purchase_check(market: BuyerMarket, purchase: Purchase) -> tuple[Publish, bytes]:
    """All checks before paying; the object is kept in a file, so that opening needs nobody.

    Raises:
        LotNotOnSale, LicenceNotKnown, PriceChanged, LotFault: not to be bought.
    """
    lot_id = bytes.fromhex(purchase.lot_id)
    digest, payee_key = publish_proven(market, lot_id, str(purchase.facts.get("publish_tx", "")))
    offer_check(market.lot_row(lot_id), digest, purchase)
    data = market.object_get(digest.object_id)
    object_check(object_parse(data), digest)
    files.object_write(purchase, data)
    return digest, payee_key


def offer_check(row: LotRow, digest: Publish, purchase: Purchase) -> None:
    """The present offer against what was confirmed. The ledger checks it again when the money moves."""
    if row.status != LISTED or digest.licence_kind != COPY:
        raise LotNotOnSale
    if digest.licence.hex() != purchase.licence:
        raise LicenceNotKnown("The lot's licence is not the one that was confirmed.")
    try:
        text = licences.by_digest(digest.licence)
    except HearthError:
        raise LicenceNotKnown from None
    if text.kind != licences.COPY:
        raise LicenceNotKnown
    if row.price != purchase.price:
        raise PriceChanged


def lot_row_of(digest: Publish, payee_key: bytes, price: int) -> LotRow:
    """The row that ``funding_new`` needs, made of proven facts and the confirmed price alone."""
    return LotRow(
        digest=msgspec.structs.replace(digest, price=price),
        payee_key=payee_key,
        payee=address_of(payee_key),
        status=LISTED,
        price=price,
        anchored_height=0,
        anchored_ms=0,
        preview_until_ms=0,
    )


def _is_publish(proof: TxProof, lot_id: bytes) -> bool:
    tx = proof.signed.tx
    return tx.call == "market.publish" and not proof.receipt.code and lot_id_of(tx.sender) == lot_id
