"""Checking a preview on the enterprise's own node: the market's word is not needed for any of it.

The roots come from the verified receipt of the lot's ``publish``. Each opened key must be a leaf of ``key_root``, each
chunk a leaf of ``cipher_root``, and its plaintext, salted, a leaf of ``plain_root``. That the *ledger* chose which
chunks were opened is the contract's doing: a lot is listed only if they are those of the beacon.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from chain.contracts.market.rows import Publish
from chain.core.merkle import leaf_hash, verify_path
from chain.crypto.aead import DecryptFailed
from chain.crypto.lot_format import chunk_open, chunk_salt, lot_id_of, plain_item
from chain.exchange.errors import RowsInvalid
from chain.exchange.rows import Column, chunk_read, rows_text
from enterprises.checkout.ports import BuyerMarket
from enterprises.checkout.purchases.checking import publish_proven
from enterprises.errors import PreviewContradicts
from marketplace.common.types import from_ms


@dataclass(frozen=True, slots=True)
class CheckedPreview:
    """Rows of the opened chunks that passed every check: titles, texts, and which chunks of how many they are."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    indices: tuple[int, ...]
    chunk_count: int


def preview_checked(market: BuyerMarket, lot_id: str, publish_tx: str) -> CheckedPreview:
    """Fetch the preview of a lot and check it.

    Raises:
        LotNotOnSale: the ledger has no receipt of the lot.
        PreviewMissing: it was not opened.
        PreviewContradicts: something of it is not part of the lot.
    """
    digest, payee_key = publish_proven(market, bytes.fromhex(lot_id), publish_tx)
    return preview_check(market.preview(lot_id), digest, payee_key)


def preview_check(preview: dict[str, Any], digest: Publish, payee_key: bytes) -> CheckedPreview:
    """Check a preview as the market gives it against a lot's digest; raises ``PreviewContradicts``."""
    columns: tuple[Column, ...] = ()
    rows: list[tuple[str, ...]] = []
    try:
        chunks = sorted(preview["chunks"], key=lambda chunk: int(chunk["index"]))
        for chunk in chunks:
            body = chunk_read(_plaintext(chunk, digest, payee_key))
            if columns and body.columns != columns:
                raise PreviewContradicts
            columns = body.columns
            texts = rows_text(columns, body.rows)
            rows += [(_iso(row[0]), *text[1:]) for row, text in zip(body.rows, texts, strict=True)]
        indices = tuple(int(chunk["index"]) for chunk in chunks)
    except (KeyError, TypeError, ValueError, binascii.Error, DecryptFailed, RowsInvalid):
        raise PreviewContradicts from None
    if not indices or len(set(indices)) != len(indices):
        raise PreviewContradicts
    return CheckedPreview(columns, tuple(rows), indices, digest.chunk_count)


def _plaintext(chunk: dict[str, Any], digest: Publish, payee_key: bytes) -> bytes:
    index, count = int(chunk["index"]), digest.chunk_count
    key, sealed = bytes.fromhex(chunk["key"]), base64.b64decode(chunk["chunk"], validate=True)
    plaintext = chunk_open(key, lot_id_of(payee_key), index, sealed)
    plain_leaf = leaf_hash(plain_item(chunk_salt(key), plaintext))
    proven = (
        verify_path(leaf_hash(key), index, count, _path(chunk["key_path"]), digest.key_root)
        and verify_path(leaf_hash(sealed), index, count, _path(chunk["cipher_path"]), digest.cipher_root)
        and verify_path(plain_leaf, index - 1, count - 1, _path(chunk["plain_path"]), digest.plain_root)
    )
    if not proven:
        raise PreviewContradicts
    return plaintext


def _path(items: list[str]) -> list[bytes]:
    return [bytes.fromhex(item) for item in items]


def _iso(time_ms: int) -> str:
    return from_ms(time_ms).isoformat(timespec="minutes").replace("+00:00", "Z")
