"""The state against a model, over random writes, rollbacks and blocks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chain.core.codec import encode
from chain.core.memory_state import MemoryState, Overlay
from chain.core.state import Table
from chain.core.types import Record, Uint


class Count(Record):
    value: Uint


FIRST: Table[Count] = Table("first", Count)
SECOND: Table[Count] = Table("second", Count)
tables = st.sampled_from([FIRST, SECOND])
keys = st.binary(max_size=2)


class Blocks(RuleBasedStateMachine):
    """Writes on an overlay, undone or kept, and applied to the state; a plain dict says what is right."""

    def __init__(self) -> None:
        super().__init__()
        self.state = MemoryState()
        self.overlay = Overlay(self.state)
        self.model: dict[tuple[str, bytes], Count] = {}
        self.marks: list[tuple[int, dict[tuple[str, bytes], Count]]] = []

    @rule(table=tables, key=keys, value=st.integers(0, 9))
    def put(self, table: Table[Count], key: bytes, value: int) -> None:
        self.overlay.put(table, key, Count(value))
        self.model[table.name, key] = Count(value)

    @rule(table=tables, key=keys)
    def delete(self, table: Table[Count], key: bytes) -> None:
        self.overlay.delete(table, key)
        self.model.pop((table.name, key), None)

    @rule()
    def mark(self) -> None:
        self.marks.append((self.overlay.mark(), dict(self.model)))

    @precondition(lambda self: self.marks)
    @rule()
    def rollback(self) -> None:
        mark, model = self.marks.pop()
        self.overlay.rollback(mark)
        self.model = model

    @rule()
    def next_block(self) -> None:
        changes = self.overlay.changes()
        assert [change[:2] for change in changes] == sorted({change[:2] for change in changes})
        self.state.apply(changes)
        self.overlay = Overlay(self.state)
        self.marks.clear()

    @rule()
    def reopen_from_a_checkpoint(self) -> None:
        self.next_block()
        encoded: dict[str, dict[bytes, Record | bytes]] = {
            name: {key: row if isinstance(row, bytes) else encode(row) for key, row in rows.items()}
            for name, rows in self.state.snapshot().items()
        }
        self.state = MemoryState.restored(encoded)
        self.overlay = Overlay(self.state)

    @rule(table=tables, key=keys)
    def get(self, table: Table[Count], key: bytes) -> None:
        assert self.overlay.get(table, key) == self.model.get((table.name, key))

    @rule(table=tables, start=keys)
    def scan_from(self, table: Table[Count], start: bytes) -> None:
        expected = sorted((key, row) for (name, key), row in self.model.items() if name == table.name and key >= start)
        assert list(self.overlay.scan(table, start)) == expected

    @invariant()
    def scans_see_what_was_written_in_order(self) -> None:
        for table in (FIRST, SECOND):
            expected = sorted((key, row) for (name, key), row in self.model.items() if name == table.name)
            assert list(self.overlay.scan(table)) == expected


TestBlocks = Blocks.TestCase
TestBlocks.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.dictionaries(keys, st.integers(0, 9), max_size=8))
def test_raw_rows_are_the_encoding_of_what_was_put(rows: dict[bytes, int]) -> None:
    state = MemoryState()
    for key, value in rows.items():
        state.put(FIRST, key, Count(value))
    assert {key: state.raw("first", key) for key in rows} == {key: encode(Count(value)) for key, value in rows.items()}
    assert list(state.keys("first")) == sorted(rows)
    assert state.raw("nowhere", b"") is None


def test_a_snapshot_does_not_move_with_the_state() -> None:
    state = MemoryState()
    state.put(FIRST, b"k", Count(1))
    snapshot = state.snapshot()
    state.put(FIRST, b"k", Count(2))
    state.delete(FIRST, b"k")
    assert snapshot == {"first": {b"k": Count(1)}}
