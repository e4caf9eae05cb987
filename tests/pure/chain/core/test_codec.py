"""One byte form for every record, by the vectors and by chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core import types
from chain.core.codec import decode, encode, require_canonical
from chain.core.errors import Malformed
from chain.core.types import Event, Record, Transaction

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "codec.json").read_text())


class Floating(Record):
    value: float


class Mapped(Record):
    values: dict[str, int]


class Loose(Record):
    values: tuple[Any, ...]


@pytest.mark.parametrize("vector", VECTORS["records"], ids=lambda vector: vector["type"])
def test_records_have_the_bytes_of_the_vectors(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["hex"])
    assert encode(decode(getattr(types, vector["type"]), data)) == data


def test_an_event_of_the_vectors_means_what_it_says() -> None:
    known = VECTORS["event"]
    event = Event(known["kind"], tuple(bytes.fromhex(subject) for subject in known["subjects"]))
    assert encode(event).hex() == known["hex"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["why"])
def test_other_byte_forms_are_malformed(vector: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        decode(Event, bytes.fromhex(vector["hex"]))


@given(st.binary(max_size=200))
def test_whatever_decodes_is_its_own_encoding(data: bytes) -> None:
    try:
        event = decode(Event, data)
    except Malformed:
        return
    assert encode(event) == data


@given(
    st.builds(
        Transaction,
        ledger=st.text(max_size=20),
        sender=st.binary(min_size=33, max_size=33),
        nonce=st.integers(0, 2**63 - 1),
        valid_until=st.integers(0, 2**63 - 1),
        call=st.text(max_size=20),
        args=st.binary(max_size=300),
    ),
    st.data(),
)
def test_a_changed_byte_is_another_transaction_or_none(tx: Transaction, data: st.DataObject) -> None:
    raw = encode(tx)
    assert decode(Transaction, raw) == tx
    place = data.draw(st.integers(0, len(raw) - 1))
    bits = data.draw(st.integers(1, 255))
    changed = raw[:place] + bytes([raw[place] ^ bits]) + raw[place + 1 :]
    try:
        assert decode(Transaction, changed) != tx
    except Malformed:
        return


@pytest.mark.parametrize("record", [Floating, Mapped, Loose])
def test_types_without_one_form_are_refused_before_they_are_used(record: type) -> None:
    with pytest.raises(TypeError):
        require_canonical(record)
    with pytest.raises(TypeError):
        decode(record, b"\x91\xc0")


def test_records_do_not_change() -> None:
    event = Event("kind", ())
    with pytest.raises(AttributeError):
        event.kind = "other"  # type: ignore[misc]
