"""Ids and digests of the exchange, and how a beacon chooses a preview: for both sides and the contract."""

from __future__ import annotations

from chain.crypto.hashing import sha256, tagged
from chain.crypto.lot_format import lot_id_of

__all__ = [
    "commitment_of", "fund_aad", "fund_digest", "fund_message", "lot_id_of", "order_id_of", "preview_indices",
]  # fmt: skip


def order_id_of(lot_id: bytes, point: bytes) -> bytes:
    """The id of the order that the point R makes for a lot."""
    return tagged("hearth/order", lot_id, point)


def commitment_of(e: bytes, nonce: bytes) -> bytes:
    """What the seller commits to before it shows e; both are 32 bytes."""
    return tagged("hearth/commit", e, nonce)


def fund_message(ledger: str, order_id: bytes, lot_id: bytes, buyer: bytes) -> bytes:
    """What binds r to one order of one buyer on one ledger. All parts but the ledger's name have a fixed length."""
    return b"hearth/fund" + order_id + lot_id + buyer + ledger.encode()


def fund_digest(ledger: str, order_id: bytes, lot_id: bytes, buyer: bytes) -> bytes:
    """The 32-byte digest that r signs, so that nobody can copy R into an order of his own. ``buyer`` is the address."""
    return sha256(fund_message(ledger, order_id, lot_id, buyer))


def fund_aad(ledger: str, order_id: bytes, lot_id: bytes, buyer: bytes) -> bytes:
    """The associated data under which r is sealed to the lot's HPKE key: the same message that r signs."""
    return fund_message(ledger, order_id, lot_id, buyer)


def preview_indices(beacon: bytes, lot_id: bytes, chunk_count: int, count: int) -> tuple[int, ...]:
    """Which data chunks a lot must open, in rising order: ``count`` distinct ones of 1..chunk_count-1.

    Draw j is the first 8 bytes of SHA-256("hearth/preview" | beacon | lot id | j) modulo the number of data chunks, so
    the bias is below 2^-32; repeated draws are skipped.
    """
    data_chunks = chunk_count - 1
    chosen: set[int] = set()
    draw = 0
    while len(chosen) < min(count, data_chunks):
        digest = tagged("hearth/preview", beacon, lot_id, draw.to_bytes(4, "big"))
        chosen.add(1 + int.from_bytes(digest[:8], "big") % data_chunks)
        draw += 1
    return tuple(sorted(chosen))
