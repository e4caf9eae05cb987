"""A ledger's state as bytes, so that opening it needs only the blocks since.

A checkpoint is a list of parts: a head (header, number of parts, digest over them) and portions of at most about 1 MiB
of rows. It is a convenience of one machine, never a proof: the digest finds damage, and ``verify_chain`` compares every
checkpoint with what replaying the blocks gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chain.core.blocks import genesis_hash
from chain.core.codec import decode, encode
from chain.core.errors import LedgerFault, Malformed
from chain.core.memory_state import MemoryState
from chain.core.types import Genesis, Hash, Header, Name, Record, Uint
from chain.crypto.hashing import sha256
from chain.engine.application import Application
from chain.engine.ports import Store

PART_BYTES = 1024 * 1024
CHECKPOINT_EVERY = 1_000
Tables = dict[str, dict[bytes, Record | bytes]]


class CheckpointHead(Record):
    """What the other parts must be."""

    genesis: Hash
    header: Header
    parts: Uint
    digest: Hash


class CheckpointPart(Record):
    """Some rows of one table, in rising order of key, each as its canonical bytes."""

    table: Name
    rows: tuple[tuple[bytes, bytes], ...]


def checkpoint_parts(genesis: Genesis, header: Header, tables: Tables) -> list[bytes]:
    """The parts of a checkpoint, its head first; the same state always gives the same bytes."""
    parts = [encode(part) for part in _portions(tables)]
    head = CheckpointHead(genesis_hash(genesis), header, len(parts), sha256(*parts) if parts else sha256(b""))
    return [encode(head), *parts]


def checkpoint_open(genesis: Genesis, parts: Sequence[bytes]) -> tuple[Header, MemoryState]:
    """The header and the state of a checkpoint; raises ``LedgerFault`` or ``Malformed`` if its parts were changed."""
    if not parts:
        raise LedgerFault("the checkpoint has no parts")
    head = decode(CheckpointHead, parts[0])
    if head.genesis != genesis_hash(genesis) or head.parts != len(parts) - 1:
        raise LedgerFault("the checkpoint is of another ledger or not complete")
    if head.digest != (sha256(*parts[1:]) if head.parts else sha256(b"")):
        raise LedgerFault("the checkpoint does not match its digest")
    tables: Tables = {}
    for data in parts[1:]:
        part = decode(CheckpointPart, data)
        tables.setdefault(part.table, {}).update(part.rows)
    return head.header, MemoryState.restored(tables)


def restore_newest(app: Application, store: Store) -> None:
    """Put the application on the newest checkpoint that is whole and belongs to a stored block, if there is one."""
    for height in store.checkpoint_heights():
        try:
            header, state = checkpoint_open(app.genesis, store.checkpoint_parts(height))
            block = store.block(height)
        except (LedgerFault, Malformed):
            continue
        if block is not None and block.header == header and header.height == height:
            app.restore(header, state)
            return


def checkpoint_due(blocks: int, changes: int, rows: int, every: int = CHECKPOINT_EVERY) -> bool:
    """Whether a checkpoint pays: enough blocks, and enough changes for the rows that must be written again."""
    return blocks >= every and (4 * changes >= rows or blocks >= 20 * every)


def _portions(tables: Tables) -> Iterator[CheckpointPart]:
    for name in sorted(tables):
        rows: list[tuple[bytes, bytes]] = []
        size = 0
        for key, row in sorted(tables[name].items()):
            data = row if isinstance(row, bytes) else encode(row)
            rows.append((key, data))
            size += len(key) + len(data)
            if size >= PART_BYTES:
                yield CheckpointPart(name, tuple(rows))
                rows, size = [], 0
        if rows:
            yield CheckpointPart(name, tuple(rows))
