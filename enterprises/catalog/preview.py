"""The preview of a lot: chunks whose keys stand on the ledger, opened, with what is needed to check them.

Whoever reads it need not believe the market: key, chunk and plaintext each come with their path to the lot's roots.
"""

from __future__ import annotations

import base64
from typing import Any

from rest_framework import serializers

from chain.contracts.market.rows import LotRow
from chain.core.merkle import levels_of, path_in
from chain.exchange.lots import LotObject, lists_check, lists_end, object_parse, open_preview
from chain.exchange.rows import chunk_read, rows_text
from enterprises.catalog.models import CatalogLot
from enterprises.catalog.objects import object_open
from enterprises.catalog.source import lot_source
from enterprises.errors import LotUnknown, PreviewMissing


class ColumnOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    unit = serializers.CharField()
    decimals = serializers.IntegerField()


class PreviewChunkOut(serializers.Serializer[Any]):
    """One opened chunk. Hashes and keys are hexadecimal, ``chunk`` (the sealed bytes) is base64."""

    index = serializers.IntegerField()
    key = serializers.CharField()
    chunk = serializers.CharField()
    key_path = serializers.ListField(child=serializers.CharField())
    cipher_path = serializers.ListField(child=serializers.CharField())
    plain_path = serializers.ListField(child=serializers.CharField())
    columns = ColumnOut(many=True)
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class PreviewOut(serializers.Serializer[Any]):
    """All opened chunks of a lot."""

    lot_id = serializers.CharField()
    chunks = PreviewChunkOut(many=True)


def preview_of(lot: CatalogLot) -> dict[str, Any]:
    """The opened chunks of a lot, checked against its roots.

    Raises:
        PreviewMissing: the seller has not opened it.
        LotFault: the stored object is not the one that the digest commits to.
    """
    row = lot_source().lot(bytes.fromhex(lot.lot_id))
    if row is None:
        raise LotUnknown
    if not row.opened:
        raise PreviewMissing
    lists = object_parse(_read(lot.object_id, 0, lists_end(row.digest.chunk_count)))
    lists_check(lists, row.digest)
    return {"lot_id": lot.lot_id, "chunks": [_chunk(lists, row, lot.object_id, *pair) for pair in row.opened]}


def _chunk(lists: LotObject, row: LotRow, object_id: str, index: int, key: bytes) -> dict[str, Any]:
    start, end = lists.span(index)
    sealed = _read(object_id, start, end)
    plaintext = open_preview(_with_chunk(lists, index, sealed), row.digest, row.payee_key, [(index, key)])[0][1]
    body = chunk_read(plaintext)
    return {
        "index": index,
        "key": key.hex(),
        "chunk": base64.b64encode(sealed).decode(),
        "key_path": _path(lists.key_leaves, index),
        "cipher_path": _path(lists.cipher_leaves, index),
        "plain_path": _path(lists.plain_leaves, index - 1),
        "columns": [{"name": c.name, "unit": c.unit, "decimals": c.decimals} for c in body.columns],
        "rows": [list(row) for row in rows_text(body.columns, body.rows)],
    }


def _with_chunk(lists: LotObject, index: int, sealed: bytes) -> LotObject:
    """The lists together with one chunk at its place, so that the rest of the object need not be read."""
    start, _ = lists.span(index)
    area = bytearray(start - lists_end(lists.chunk_count)) + sealed
    return LotObject(
        chunk_count=lists.chunk_count,
        manifest_bytes=lists.manifest_bytes,
        chunk_bytes=lists.chunk_bytes,
        cipher_leaves=lists.cipher_leaves,
        plain_leaves=lists.plain_leaves,
        key_leaves=lists.key_leaves,
        chunk_area=memoryview(area),
    )


def _read(object_id: str, start: int, end: int) -> bytes:
    return b"".join(object_open(object_id, start, end)[1])


def _path(leaves: tuple[bytes, ...], index: int) -> list[str]:
    return [item.hex() for item in path_in(levels_of(leaves), index)]
