"""A ledger's log in a SQL database: one row a block, one durable transaction a block, by raw cursor.

The database alias is an argument. On SQLite a block is written with ``synchronous=FULL`` whatever the connection's
setting is otherwise, on PostgreSQL with ``synchronous_commit``: when ``append_bytes`` returns, the block survives a
loss of power.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.backends.utils import CursorWrapper

from chain.core.blocks import genesis_hash
from chain.core.codec import encode
from chain.core.types import Genesis
from chain.engine.ports import HeightTaken, Store

KEPT_CHECKPOINTS = 2
_PORTION_BYTES = 4 * 1024 * 1024
_PORTION_ROWS = 256
_FULL = 2


class SqlStore(Store):
    """The log of one ledger among those of a database. Threads may share it: connections are each thread's own."""

    def __init__(self, ledger: str, alias: str) -> None:
        self.ledger = ledger
        self.alias = alias

    def genesis_row(self) -> tuple[bytes, bytes] | None:
        found = self._row("SELECT data, hash FROM chain_genesis WHERE ledger_id = %s", [self.ledger])
        return None if found is None else (bytes(found[0]), bytes(found[1]))

    def save_genesis(self, genesis: Genesis) -> None:
        try:
            with durable(self.alias) as cursor:
                cursor.execute(
                    "INSERT INTO chain_genesis (ledger_id, data, hash) VALUES (%s, %s, %s)",
                    [self.ledger, encode(genesis), genesis_hash(genesis)],
                )
        except IntegrityError as fault:
            raise HeightTaken("the ledger has a genesis already") from fault

    def height(self) -> int:
        found = self._row("SELECT MAX(height) FROM chain_block WHERE ledger_id = %s", [self.ledger])
        return int(found[0]) if found and found[0] is not None else 0

    def append_bytes(self, height: int, data: bytes) -> None:
        try:
            with durable(self.alias) as cursor:
                cursor.execute("SELECT MAX(height) FROM chain_block WHERE ledger_id = %s", [self.ledger])
                found = cursor.fetchone()
                following = (found[0] or 0) + 1
                if height != following:
                    raise HeightTaken(f"the next height is {following}")
                cursor.execute(
                    "INSERT INTO chain_block (ledger_id, height, data) VALUES (%s, %s, %s)", [self.ledger, height, data]
                )
        except IntegrityError as fault:
            raise HeightTaken(f"somebody else wrote block {height}") from fault

    def rows(self, from_height: int = 1) -> Iterator[tuple[int, bytes]]:
        following, portion = from_height, 16
        while True:
            found = self._all(
                "SELECT height, data FROM chain_block WHERE ledger_id = %s AND height >= %s ORDER BY height LIMIT %s",
                [self.ledger, following, portion],
            )
            for height, data in found:
                yield int(height), bytes(data)
            if len(found) < portion:
                return
            following = int(found[-1][0]) + 1
            size = sum(len(data) for _, data in found)
            portion = max(1, min(_PORTION_ROWS, portion * _PORTION_BYTES // max(1, size)))

    def row(self, height: int) -> bytes | None:
        found = self._row("SELECT data FROM chain_block WHERE ledger_id = %s AND height = %s", [self.ledger, height])
        return None if found is None else bytes(found[0])

    def save_checkpoint(self, height: int, parts: Iterable[bytes]) -> None:
        """Short transactions, one a part and the head last, so that blocks are not kept waiting by a large state."""
        head, *rest = parts
        self._delete_checkpoints([height])
        for number, data in [*enumerate(rest, start=1), (0, head)]:
            with transaction.atomic(using=self.alias), connections[self.alias].cursor() as cursor:
                cursor.execute(
                    "INSERT INTO chain_checkpoint (ledger_id, height, part, data) VALUES (%s, %s, %s, %s)",
                    [self.ledger, height, number, data],
                )
        kept = self.checkpoint_heights()[:KEPT_CHECKPOINTS]
        stored = self._all("SELECT DISTINCT height FROM chain_checkpoint WHERE ledger_id = %s", [self.ledger])
        self._delete_checkpoints([int(old) for (old,) in stored if old not in kept])

    def checkpoint_heights(self) -> tuple[int, ...]:
        found = self._all(
            "SELECT height FROM chain_checkpoint WHERE ledger_id = %s AND part = 0 ORDER BY height DESC", [self.ledger]
        )
        return tuple(int(height) for (height,) in found)

    def checkpoint_parts(self, height: int) -> tuple[bytes, ...]:
        found = self._all(
            "SELECT data FROM chain_checkpoint WHERE ledger_id = %s AND height = %s ORDER BY part",
            [self.ledger, height],
        )
        return tuple(bytes(data) for (data,) in found)

    def _delete_checkpoints(self, heights: list[int]) -> None:
        for height in heights:
            with transaction.atomic(using=self.alias), connections[self.alias].cursor() as cursor:
                cursor.execute(
                    "DELETE FROM chain_checkpoint WHERE ledger_id = %s AND height = %s", [self.ledger, height]
                )

    def _row(self, query: str, arguments: list[Any]) -> tuple[Any, ...] | None:
        with connections[self.alias].cursor() as cursor:
            cursor.execute(query, arguments)
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found

    def _all(self, query: str, arguments: list[Any]) -> list[tuple[Any, ...]]:
        with connections[self.alias].cursor() as cursor:
            cursor.execute(query, arguments)
            return list(cursor.fetchall())


@contextmanager
def durable(alias: str) -> Iterator[CursorWrapper]:
    """A transaction that is on the disk when the block ends; it can't stand inside another one."""
    connection = connections[alias]
    restore = _raise_synchronous(alias) if connection.vendor == "sqlite" else None
    try:
        with transaction.atomic(using=alias, durable=True), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL synchronous_commit TO on")
            yield cursor
    finally:
        if restore is not None:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA synchronous={restore:d}")


def _raise_synchronous(alias: str) -> int | None:
    """Set SQLite's ``synchronous`` to FULL; gives the former value if it must be set back.

    Inside a transaction SQLite refuses the change. Only a test's own transaction can be around us, since ``durable``
    refuses every other.
    """
    connection = connections[alias]
    if connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        before = int(cursor.fetchone()[0])
        if before >= _FULL:
            return None
        cursor.execute(f"PRAGMA synchronous={_FULL}")
    return before


def ledgers_in(alias: str) -> tuple[str, ...]:
    """The ids of the ledgers that a database keeps, sorted."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT ledger_id FROM chain_genesis ORDER BY ledger_id")
        return tuple(ledger for (ledger,) in cursor.fetchall())
