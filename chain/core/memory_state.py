"""The state in memory, and the journalled overlay that a block is executed on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar, cast

from chain.core.codec import decode, encode
from chain.core.state import State, Table
from chain.core.types import Record

R = TypeVar("R", bound=Record)
Change = tuple[str, bytes, Record | None]
_ABSENT: Final[Any] = object()


class _Rows:
    """One table: rows by key, and its keys in order, sorted when they are next asked for.

    Rows of a checkpoint stay encoded until they are first read, so that a ledger opens without decoding all its state.
    """

    __slots__ = ("_added", "_gone", "_ordered", "by_key")

    def __init__(self, by_key: dict[bytes, Record | bytes]) -> None:
        self.by_key = by_key
        self._ordered: list[bytes] = []
        self._added: set[bytes] = set(by_key)
        self._gone = False

    def put(self, key: bytes, row: Record) -> None:
        if key not in self.by_key:
            self._added.add(key)
        self.by_key[key] = row

    def delete(self, key: bytes) -> None:
        if self.by_key.pop(key, None) is not None:
            self._gone = True
            self._added.discard(key)

    def keys(self) -> list[bytes]:
        if self._gone:
            kept = self.by_key
            self._ordered = [key for key in self._ordered if key in kept and key not in self._added]
            self._gone = False
        if self._added:
            # Two sorted runs: the sort merges them without comparing all keys anew.
            self._ordered = self._ordered + sorted(self._added)
            self._ordered.sort()
            self._added.clear()
        return self._ordered


class MemoryState:
    """All tables of a ledger; implements ``State``."""

    def __init__(self) -> None:
        self._tables: dict[str, _Rows] = {}

    def get(self, table: Table[R], key: bytes) -> R | None:
        rows = self._tables.get(table.name)
        row = None if rows is None else rows.by_key.get(key)
        if rows is not None and isinstance(row, bytes):
            row = rows.by_key[key] = decode(table.row, row)
        return cast("R | None", row)

    def put(self, table: Table[R], key: bytes, row: R) -> None:
        self._rows(table.name).put(key, row)

    def delete(self, table: Table[R], key: bytes) -> None:
        self._rows(table.name).delete(key)

    def scan(self, table: Table[R], start: bytes = b"") -> Iterator[tuple[bytes, R]]:
        rows = self._tables.get(table.name)
        for key in self.keys(table.name, start):
            row = rows.by_key[key] if rows is not None else None
            if isinstance(row, bytes) and rows is not None:
                row = rows.by_key[key] = decode(table.row, row)
            yield key, cast("R", row)

    def keys(self, table_name: str, start: bytes = b"") -> Iterator[bytes]:
        """The keys of a table from ``start`` on, in rising order. The table must not change while they are read."""
        rows = self._tables.get(table_name)
        if rows is None:
            return
        ordered = rows.keys()
        for position in range(bisect_left(ordered, start), len(ordered)):
            yield ordered[position]

    def raw(self, table_name: str, key: bytes) -> bytes | None:
        """The canonical bytes of a row, for readers that know a table by name only."""
        rows = self._tables.get(table_name)
        row = None if rows is None else rows.by_key.get(key)
        return row if row is None or isinstance(row, bytes) else encode(row)

    def apply(self, changes: Iterable[Change]) -> None:
        """Take over a block's changes."""
        name, rows = "", self._rows("")
        for table_name, key, row in changes:
            if table_name != name:
                name, rows = table_name, self._rows(table_name)
            if row is None:
                rows.delete(key)
            else:
                rows.put(key, row)

    def row_count(self) -> int:
        """How many rows all tables hold."""
        return sum(len(rows.by_key) for rows in self._tables.values())

    def snapshot(self) -> dict[str, dict[bytes, Record | bytes]]:
        """A copy of the tables that have rows; later changes do not touch it. Rows are frozen and shared."""
        return {name: dict(rows.by_key) for name, rows in self._tables.items() if rows.by_key}

    @classmethod
    def restored(cls, tables: dict[str, dict[bytes, Record | bytes]]) -> MemoryState:
        """The state that a snapshot was taken of; rows may be canonical bytes."""
        state = cls()
        state._tables = {name: _Rows(by_key) for name, by_key in tables.items()}
        return state

    def _rows(self, table_name: str) -> _Rows:
        rows = self._tables.get(table_name)
        if rows is None:
            rows = self._tables[table_name] = _Rows({})
        return rows


class Overlay:
    """Writes on top of a state that stays as it is; implements ``State``.

    Every write is journalled, so ``rollback`` to a ``mark`` costs what was written since. ``changes`` are what the
    block did to the state.
    """

    def __init__(self, base: State) -> None:
        self._base = base
        self._writes: dict[str, dict[bytes, Record | None]] = {}
        self._journal: list[tuple[dict[bytes, Record | None], bytes, Any]] = []

    def get(self, table: Table[R], key: bytes) -> R | None:
        writes = self._writes.get(table.name)
        if writes is not None:
            row = writes.get(key, _ABSENT)
            if row is not _ABSENT:
                return cast("R | None", row)
        return self._base.get(table, key)

    def put(self, table: Table[R], key: bytes, row: R) -> None:
        writes = self._writes.get(table.name)
        if writes is None:
            writes = self._writes[table.name] = {}
        self._journal.append((writes, key, writes.get(key, _ABSENT)))
        writes[key] = row

    def delete(self, table: Table[R], key: bytes) -> None:
        writes = self._writes.setdefault(table.name, {})
        self._journal.append((writes, key, writes.get(key, _ABSENT)))
        writes[key] = None

    def scan(self, table: Table[R], start: bytes = b"") -> Iterator[tuple[bytes, R]]:
        """The table as it is when the scan begins, whatever is written while it is read."""
        writes = dict(self._writes.get(table.name, {}))
        below = self._base.scan(table, start)
        held = next(below, None)
        for key in sorted(key for key in writes if key >= start):
            while held is not None and held[0] < key:
                yield held
                held = next(below, None)
            if held is not None and held[0] == key:
                held = next(below, None)
            if (row := writes[key]) is not None:
                yield key, cast("R", row)
        while held is not None:
            yield held
            held = next(below, None)

    def mark(self) -> int:
        """A point to which ``rollback`` can return."""
        return len(self._journal)

    def rollback(self, mark: int) -> None:
        """Undo every write since the mark."""
        while len(self._journal) > mark:
            writes, key, before = self._journal.pop()
            if before is _ABSENT:
                del writes[key]
            else:
                writes[key] = before

    def settle(self) -> None:
        """Forget the journal: what was written so far can no longer be undone."""
        self._journal.clear()

    def changes(self) -> list[Change]:
        """The last write to each key, sorted by table name and key; a deletion stands as None."""
        return [(name, key, writes[key]) for name, writes in sorted(self._writes.items()) for key in sorted(writes)]
