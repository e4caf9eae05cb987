"""The explicit state that contracts read and change.

A state is tables of frozen records. Contracts see the ``State`` protocol only; the engine runs each call on an overlay
that is merged when the call succeeds and dropped when it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from chain.core.types import Record

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """A named table of one record type; ``name`` is part of every key that the state hash covers."""

    name: str
    row: type[R]


class State(Protocol):
    """Keyed records. ``put`` replaces the whole record; ``scan`` yields ``(key, row)`` in rising order of key.

    A scan starts at the first key that is not below ``start``. The first scan after writes to a table sorts its keys,
    so a contract that looks for what is due keeps a small table of its own for that, keyed by time.
    """

    def get(self, table: Table[R], key: bytes) -> R | None: ...

    def put(self, table: Table[R], key: bytes, row: R) -> None: ...

    def delete(self, table: Table[R], key: bytes) -> None: ...

    def scan(self, table: Table[R], start: bytes = b"") -> Iterator[tuple[bytes, R]]: ...
