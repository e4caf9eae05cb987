"""Evidence for the contract: what a buyer sends when a lot does not open to what its digest says (protocols.md 3)."""

from __future__ import annotations

from collections.abc import Sequence

from chain.contracts.market.rows import ComplainChunk, ComplainKey, OpenPreview, PreviewKey
from chain.core.merkle import levels_of, path, path_in
from chain.crypto.aead import DecryptFailed
from chain.crypto.lot_format import chunk_key, chunk_open, lot_id_of, lot_key
from chain.exchange.lots import LotObject, LotSecrets


def complaint_chunk(order_id: bytes, lot: LotObject, payee_key: bytes, secret: bytes, index: int) -> ComplainChunk:
    """The arguments of ``market.complain_chunk`` for the chunk that ``BadChunk`` named; they publish that chunk."""
    lot_id = lot_id_of(payee_key)
    key = chunk_key(lot_key(secret, lot_id), index)
    chunk = lot.chunk(index)
    plain_leaf = b""
    plain_path: tuple[bytes, ...] = ()
    if index > 0 and _opens(key, lot_id, index, chunk):
        plain_leaf, plain_path = lot.plain_leaves[index - 1], path(lot.plain_leaves, index - 1)
    return ComplainChunk(
        order_id=order_id,
        index=index,
        key=key,
        chunk=chunk,
        key_path=path(lot.key_leaves, index),
        cipher_path=path(lot.cipher_leaves, index),
        plain_leaf=plain_leaf,
        plain_path=plain_path,
    )


def complaint_key(order_id: bytes, lot: LotObject, secret: bytes, index: int) -> ComplainKey:
    """The arguments of ``market.complain_key`` for the leaf that ``BadKeyList`` named; they publish s."""
    return ComplainKey(
        order_id=order_id,
        secret=secret,
        index=index,
        key_leaf=lot.key_leaves[index],
        path=path(lot.key_leaves, index),
    )


def preview_keys(secrets: LotSecrets, lot: LotObject, indices: Sequence[int]) -> OpenPreview:
    """The arguments of ``market.open_preview``: the keys of the chosen chunks with their paths, in rising order."""
    levels = levels_of(lot.key_leaves)
    return OpenPreview(
        keys=tuple(
            PreviewKey(index=index, key=chunk_key(secrets.key, index), path=path_in(levels, index))
            for index in sorted(indices)
        )
    )


def _opens(key: bytes, lot_id: bytes, index: int, chunk: bytes) -> bool:
    try:
        chunk_open(key, lot_id, index, chunk)
    except DecryptFailed:
        return False
    return True
