"""Purchased rows as CSV, JSON and Parquet, streamed chunk by chunk.

CSV keeps the exact decimals of the fixed point; JSON has numbers; Parquet a UTC time stamp and doubles, one row group a
chunk.
"""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from chain.core.codec import decode
from chain.exchange.rows import ChunkBody, Column, Row, rows_text
from enterprises.checkout.files import data_parts
from enterprises.checkout.models import Purchase
from enterprises.errors import DataNotReady, ExportUnknown
from marketplace.common.types import from_ms

BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Export:
    """A file to be sent: its name, its media type, and its bytes as they are made."""

    name: str
    media_type: str
    blocks: Iterator[bytes]


def export(purchase: Purchase, kind: str) -> Export:
    """The rows of a purchase as ``csv``, ``json`` or ``parquet``.

    Raises:
        ExportUnknown: another kind was asked for.
        DataNotReady: nothing was opened, or the money went back.
    """
    if kind not in WRITERS:
        raise ExportUnknown
    media_type, write = WRITERS[kind]
    if not purchase.columns:
        raise DataNotReady
    columns = tuple(Column(**column) for column in purchase.columns)
    return Export(f"lot-{purchase.lot_id[:12]}.{kind}", media_type, write(columns, bodies(purchase)))


def bodies(purchase: Purchase) -> Iterator[ChunkBody]:
    """The chunks of rows, in order, one in memory at a time."""
    parts = data_parts(purchase)
    next(parts, b"")  # the manifest
    for part in parts:
        yield decode(ChunkBody, part)


def head_rows(purchase: Purchase, count: int) -> list[tuple[str, ...]]:
    """The first ``count`` rows as texts, times in ISO 8601."""
    found: list[tuple[str, ...]] = []
    for body in bodies(purchase):
        found.extend(_texts(body.columns, body.rows[: count - len(found)]))
        if len(found) >= count:
            break
    return found


def _texts(columns: Iterable[Column], rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    rows = list(rows)
    for row, texts in zip(rows, rows_text(tuple(columns), rows), strict=True):
        yield (_iso(row[0]), *texts[1:])


def _iso(time_ms: int) -> str:
    return from_ms(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _titles(columns: tuple[Column, ...]) -> list[str]:
    return ["time", *(f"{column.name}_{column.unit}" for column in columns[1:])]


def _csv(columns: tuple[Column, ...], chunks: Iterator[ChunkBody]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
    writer.writerow(_titles(columns))
    for chunk in chunks:
        writer.writerows(_texts(columns, chunk.rows))
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


def _json(columns: tuple[Column, ...], chunks: Iterator[ChunkBody]) -> Iterator[bytes]:
    yield b'{"columns":' + json.dumps(_titles(columns)).encode() + b',"rows":['
    first = True
    for chunk in chunks:
        rows = [json.dumps([_iso(row[0]), *_numbers(columns, row)]) for row in chunk.rows]
        if rows:
            yield (b"" if first else b",") + ",".join(rows).encode()
            first = False
    yield b"]}"


def _parquet(columns: tuple[Column, ...], chunks: Iterator[ChunkBody]) -> Iterator[bytes]:
    schema = pa.schema(
        [pa.field("time", pa.timestamp("ms", tz="UTC"))]
        + [pa.field(title, pa.float64()) for title in _titles(columns)[1:]]
    )
    with tempfile.TemporaryFile() as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for chunk in chunks:
                if chunk.rows:
                    writer.write_table(_table(columns, chunk, schema))
        file.seek(0)
        while block := file.read(BLOCK):
            yield block


def _table(columns: tuple[Column, ...], chunk: ChunkBody, schema: pa.Schema) -> pa.Table:
    values = [_numbers(columns, row) for row in chunk.rows]
    arrays = [pa.array([row[0] for row in chunk.rows], pa.timestamp("ms", tz="UTC"))]
    arrays += [pa.array([row[at] for row in values], pa.float64()) for at in range(len(columns) - 1)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _numbers(columns: tuple[Column, ...], row: Row) -> list[float]:
    return [value / 10**column.decimals for column, value in zip(columns[1:], row[1:], strict=True)]


Writer = Callable[[tuple[Column, ...], Iterator[ChunkBody]], Iterator[bytes]]
WRITERS: dict[str, tuple[str, Writer]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "json": ("application/json", _json),
    "parquet": ("application/vnd.apache.parquet", _parquet),
}
