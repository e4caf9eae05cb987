"""Rows of a lot and the chunks that hold them: pure functions that hub, voters and buyers compute alike.

A row is a tuple of integers, one for each column, the first of which is the time of the bucket in milliseconds; values
are in fixed point. Each chunk repeats the columns, so that what a quorum signed includes names, units and decimals. A
chunk's plaintext is a 4-byte length, the canonical bytes of ``ChunkBody``, and zeros up to the common length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated

import msgspec

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.merkle import leaf_hash, root
from chain.core.types import Record
from chain.crypto.kdf import hkdf
from chain.crypto.lot_format import CHUNKS_MIN, PLAINTEXT_MAX_BYTES, index_bytes, plain_item
from chain.exchange.errors import ChunksInvalid, RowsInvalid

LENGTH_BYTES = 4
STEP_BYTES = 1024
MAX_COLUMNS = 16
_INTEGER_BYTES = 9
_ARRAY_HEAD_BYTES = 5

ColumnText = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_/%]{1,32}\Z")]
Row = tuple[int, ...]


class Column(Record):
    """A column's name, its unit, and how many decimals its fixed-point integers have."""

    name: ColumnText
    unit: ColumnText
    decimals: Annotated[int, msgspec.Meta(ge=0, le=9)] = 0


TIME_COLUMN = Column("t", "ms", 0)


class ChunkBody(Record):
    """What one chunk says."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[int, ...], ...]


def chunk_count_for(rows: Sequence[Row], columns: Sequence[Column]) -> int:
    """How many chunks the rows need, the manifest's included: at least 32, and more when 64 KiB would not do.

    It depends on the number of rows and columns only, so everybody gets the same. Raises ``RowsInvalid``.
    """
    row_bytes = 1 + _INTEGER_BYTES * len(columns)
    head_bytes = LENGTH_BYTES + _ARRAY_HEAD_BYTES + len(encode(ChunkBody(_checked_columns(columns), ())))
    rows_in_chunk = (PLAINTEXT_MAX_BYTES - head_bytes) // row_bytes
    return max(CHUNKS_MIN, 1 + -(-len(rows) // rows_in_chunk))


def data_chunks(rows: Sequence[Row], columns: Sequence[Column], chunk_count: int) -> list[bytes]:
    """The padded plaintexts of chunks 1..chunk_count-1, all of one length, the rows spread evenly in their order.

    Raises ``RowsInvalid`` if the rows do not fit the columns or do not rise in time, ``ChunksInvalid`` if there are too
    few chunks for them.
    """
    if chunk_count < CHUNKS_MIN:
        raise ChunksInvalid
    checked = _checked_columns(columns)
    _check_rows(rows, len(checked))
    if any(not _fits(value) for row in rows for value in row):
        raise RowsInvalid("A value is no 64-bit integer")
    parts = chunk_count - 1
    cuts = [part * len(rows) // parts for part in range(parts + 1)]
    bodies = [encode(ChunkBody(checked, tuple(rows[start:end]))) for start, end in pairwise(cuts)]
    return padded(bodies)


def padded(bodies: Sequence[bytes]) -> list[bytes]:
    """Each body with its length before it and zeros after it, all as long as the longest needs, in steps of 1 KiB."""
    longest = max(map(len, bodies)) + LENGTH_BYTES
    size = -(-longest // STEP_BYTES) * STEP_BYTES
    if size > PLAINTEXT_MAX_BYTES:
        raise ChunksInvalid
    return [(len(body).to_bytes(LENGTH_BYTES, "big") + body).ljust(size, b"\0") for body in bodies]


def unpadded(plaintext: bytes) -> bytes:
    """Undo ``padded`` for one plaintext; raises ``RowsInvalid`` if length or zeros are wrong."""
    length = int.from_bytes(plaintext[:LENGTH_BYTES], "big")
    end = LENGTH_BYTES + length
    if len(plaintext) < LENGTH_BYTES or end > len(plaintext) or plaintext[end:].strip(b"\0"):
        raise RowsInvalid("A chunk is not padded as it should be")
    return plaintext[LENGTH_BYTES:end]


def chunk_read(plaintext: bytes) -> ChunkBody:
    """The columns and rows of one padded plaintext; raises ``RowsInvalid``."""
    body = _decoded(plaintext)
    _check_rows(body.rows, len(body.columns))
    return body


def rows_read(plaintexts: Sequence[bytes]) -> tuple[tuple[Column, ...], list[Row]]:
    """Columns and all rows of a lot's data chunks, in order; raises ``RowsInvalid`` if the chunks disagree."""
    rows: list[Row] = []
    columns: tuple[Column, ...] = ()
    for plaintext in plaintexts:
        body = _decoded(plaintext)
        if columns and body.columns != columns:
            raise RowsInvalid("The chunks of a lot have different columns")
        columns = body.columns
        rows.extend(body.rows)
    _check_rows(rows, len(columns))
    return columns, rows


def plain_root(salts: Sequence[bytes], chunks: Sequence[bytes]) -> bytes:
    """The commitment to the data chunks: the Merkle root over ``salt_i | plaintext_i`` for i = 1.., from salts alone.

    ``salts`` and ``chunks`` begin with those of chunk 1. Raises ``ChunksInvalid`` if their numbers differ.
    """
    return root(plain_leaves(salts, chunks))


def plain_leaves(salts: Sequence[bytes], chunks: Sequence[bytes]) -> list[bytes]:
    """The leaves of ``plain_root``."""
    if len(salts) != len(chunks):
        raise ChunksInvalid("There is one salt for each chunk")
    return [leaf_hash(plain_item(salt, chunk)) for salt, chunk in zip(salts, chunks, strict=True)]


def batch_salt(batch_seed: bytes, series_id: bytes) -> bytes:
    """The 32-byte salt of a series in its batch, from the batch's seed."""
    return hkdf(batch_seed, b"hearth/batch-salt" + series_id)


def batch_root(salt: bytes, chunks: Sequence[bytes]) -> bytes:
    """The commitment to a series' rows under its batch's own salt: the same however often the rows are sealed.

    A batch root that failed its preview can't be listed again under another lot.
    """
    return plain_root([hkdf(salt, b"salt" + index_bytes(index + 1)) for index in range(len(chunks))], chunks)


def _decoded(plaintext: bytes) -> ChunkBody:
    try:
        body = decode(ChunkBody, unpadded(plaintext))
    except Malformed:
        raise RowsInvalid("A chunk does not hold rows") from None
    _checked_columns(body.columns)
    return body


def _checked_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    names = [column.name for column in columns]
    if not 1 <= len(names) <= MAX_COLUMNS or columns[0] != TIME_COLUMN or len(set(names)) != len(names):
        raise RowsInvalid("Columns begin with the time and have different names")
    return tuple(columns)


def _check_rows(rows: Sequence[Row], width: int) -> None:
    if any(len(row) != width for row in rows):
        raise RowsInvalid("A row has another number of values than there are columns")
    if any(first[0] >= second[0] for first, second in pairwise(rows)):
        raise RowsInvalid("The times of the rows do not rise")


def _fits(value: int) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def rows_text(columns: Sequence[Column], rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    """Rows as decimal texts, times as they are, for previews and CSV."""
    for row in rows:
        yield tuple(_decimal(value, column.decimals) for column, value in zip(columns, row, strict=True))


def _decimal(value: int, decimals: int) -> str:
    digits = str(abs(value)).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if value < 0 else text
