"""Rows and chunks: what goes in comes out, everybody computes the same roots, and nonsense is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.crypto.hashing import sha256
from chain.crypto.lot_format import CHUNKS_MIN, PLAINTEXT_MAX_BYTES
from chain.exchange.errors import ChunksInvalid, RowsInvalid
from chain.exchange.lots import LotSecrets, salts
from chain.exchange.rows import (
    TIME_COLUMN,
    Column,
    batch_root,
    batch_salt,
    chunk_count_for,
    chunk_read,
    data_chunks,
    padded,
    plain_root,
    rows_read,
    rows_text,
    unpadded,
)
from tests.pure.exchange.world import CLOUD_SECRET, COLUMNS, PAYEE_KEY, SERIES, rows_of

VALUES = st.integers(-(2**63), 2**63 - 1)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 2**50), VALUES, max_size=150))
def test_rows_come_back_from_their_chunks_in_order(values):
    rows = sorted(values.items())
    chunks = data_chunks(rows, COLUMNS, chunk_count_for(rows, COLUMNS))
    assert rows_read(chunks) == (COLUMNS, rows)
    assert len({len(chunk) for chunk in chunks}) == 1


@pytest.mark.parametrize("count", [0, 1, 24, 31, 32, 500, 150_000])
def test_chunks_are_enough_and_within_the_limit(count):
    chunk_count = chunk_count_for(rows_of(count), COLUMNS)
    chunks = data_chunks(rows_of(count), COLUMNS, chunk_count)
    assert chunk_count >= CHUNKS_MIN and len(chunks) == chunk_count - 1
    assert max(map(len, chunks)) <= PLAINTEXT_MAX_BYTES
    sizes = [len(chunk_read(chunk).rows) for chunk in chunks[:40]]
    assert max(sizes) - min(sizes) <= 1


def test_the_widest_values_still_fit_the_count():
    columns = (TIME_COLUMN, *(Column(f"v{i}", "C") for i in range(15)))
    rows = [(2**62 + i, *([-(2**63)] * 15)) for i in range(15_000)]
    assert rows_read(data_chunks(rows, columns, chunk_count_for(rows, columns)))[1] == rows


def test_a_voter_with_salts_alone_computes_the_hubs_root():
    secrets = LotSecrets.derive(CLOUD_SECRET, PAYEE_KEY)
    rows = rows_of(100)
    chunk_count = chunk_count_for(rows, COLUMNS)
    handed_over = salts(secrets, chunk_count)
    root = plain_root(handed_over, data_chunks(rows, COLUMNS, chunk_count))
    for altered in (rows[:-1], [*rows[:-1], (rows[-1][0], rows[-1][1] + 1)]):
        assert plain_root(handed_over, data_chunks(altered, COLUMNS, chunk_count)) != root
    renamed = (TIME_COLUMN, Column("temperature", "F", 2))
    assert plain_root(handed_over, data_chunks(rows, renamed, chunk_count)) != root
    with pytest.raises(ChunksInvalid):
        plain_root(handed_over[1:], data_chunks(rows, COLUMNS, chunk_count))


def test_the_batch_root_stays_when_rows_are_sealed_again_and_the_plain_root_does_not():
    chunks = data_chunks(rows_of(100), COLUMNS, 32)
    salt = batch_salt(sha256(b"seed"), SERIES)
    first, second = (LotSecrets.derive(CLOUD_SECRET, b"\x02" + sha256(name)) for name in (b"one", b"two"))
    assert plain_root(salts(first, 32), chunks) != plain_root(salts(second, 32), chunks)
    assert batch_root(salt, chunks) == batch_root(batch_salt(sha256(b"seed"), SERIES), chunks)
    assert batch_root(salt, chunks) != batch_root(batch_salt(sha256(b"seed"), sha256(b"other")), chunks)
    assert batch_root(salt, chunks) != plain_root(salts(first, 32), chunks)


@pytest.mark.parametrize(
    "rows", [[(1, 2, 3)], [(1,)], [(2, 0), (1, 0)], [(1, 0), (1, 0)], [(1, 2**63)], [(1, True)], [(1, 2.0)]]
)
def test_rows_that_do_not_fit_are_refused(rows):
    with pytest.raises(RowsInvalid):
        data_chunks(rows, COLUMNS, 32)


@pytest.mark.parametrize("columns", [(), COLUMNS[1:], (TIME_COLUMN, TIME_COLUMN), (TIME_COLUMN,) * 17])
def test_columns_that_are_none_are_refused(columns):
    with pytest.raises(RowsInvalid):
        data_chunks([], columns, 32)


def test_too_few_or_too_small_chunks_are_refused():
    with pytest.raises(ChunksInvalid):
        data_chunks([], COLUMNS, 31)
    with pytest.raises(ChunksInvalid):
        data_chunks([(2**60 + i, 2**60) for i in range(150_000)], COLUMNS, 32)


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=5))
def test_padding_hides_lengths_and_comes_off(bodies):
    texts = padded(bodies)
    assert len({len(text) for text in texts}) == 1 and len(texts[0]) % 1024 == 0
    assert [unpadded(text) for text in texts] == bodies


@pytest.mark.parametrize(
    "plaintext", [b"", b"\x00\x00\x00\x05abc", b"\x00\x00\x00\x01a" + b"\x00" * 9 + b"x", b"\xff" * 9]
)
def test_wrong_padding_is_refused(plaintext):
    with pytest.raises(RowsInvalid):
        chunk_read(plaintext)


def test_chunks_that_disagree_on_columns_or_order_are_refused():
    first = data_chunks(rows_of(40), COLUMNS, 32)
    other = data_chunks(rows_of(40), (TIME_COLUMN, Column("humidity", "%", 2)), 32)
    with pytest.raises(RowsInvalid):
        rows_read([first[0], other[1]])
    with pytest.raises(RowsInvalid):
        rows_read([first[1], first[0]])


def test_rows_are_shown_as_decimals():
    assert list(rows_text(COLUMNS, [(5, 2494), (6, -5), (7, 0)])) == [("5", "24.94"), ("6", "-0.05"), ("7", "0.00")]
