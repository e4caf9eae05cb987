"""The cast's faults against the devices' own checks: what is bad is found, what is honest passes. No processes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from chain.crypto.hashing import address_of, sha256
from chain.crypto.secp256k1 import public_key
from households.consensus.batch import BatchData, BatchTerms, SeriesTerms, batch_order, series_id
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.judge import examine, remember_batch
from households.consensus.membership import Member, Membership
from households.consensus.memory import Memory
from households.consensus.readings import MAX_READINGS, Segment, segment_sign
from households.privacy.classes import quantity_of, to_fixed
from marketplace.demo.cast import DevicePlan, HomePlan
from marketplace.demo.real_data import real_cast
from marketplace.demo.simulated import simulated_cast

LEDGER = "home-of-the-cast"


def test_every_fault_of_the_simulated_cast_is_found_and_no_honest_series_is():
    assert found_bad(simulated_cast()) == planned_bad(simulated_cast()) != set()


@pytest.mark.requires_real_data
@pytest.mark.parametrize("full", [False, True])
def test_every_fault_of_the_real_cast_is_found_and_no_honest_series_is(data: Path, full: bool):
    assert found_bad(real_cast(data, full=full)) == planned_bad(real_cast(data, full=full)) != set()


@pytest.mark.requires_real_data
def test_homes_of_the_real_cast_have_four_voters_at_least_and_share_their_cells(data: Path):
    cast = real_cast(data)
    cells = [home.cell for home in cast]
    assert all(len(home.devices) >= 4 for home in cast)
    assert all(cells.count(cell) >= 2 for cell in cells)


def planned_bad(homes: Iterable[HomePlan]) -> set[tuple[str, int, str, str]]:
    return {
        (home.key, number, device.key, quantity)
        for home in homes
        for device in home.devices
        for number, batch in enumerate(device.batches, start=1)
        for quantity in batch
        if device.fault_in(number, quantity)
    }


def found_bad(homes: Iterable[HomePlan]) -> set[tuple[str, int, str, str]]:
    """What any honest voter finds, batch after batch, with a memory of what was before."""
    return {(home.key, *place) for home in homes for place in _judged(home)}


def _judged(home: HomePlan) -> set[tuple[int, str, str]]:
    keys = {device.key: public_key(_secret(device)) for device in home.devices}
    members = [
        Member(address_of(key), key, d.device_class, d.area, d.key) for d in home.devices for key in [keys[d.key]]
    ]
    membership = Membership(LEDGER, tuple(sorted(members, key=lambda member: member.device_id)))
    memory = Memory()
    following: dict[tuple[str, str], int] = {}
    bad: set[tuple[int, str, str]] = set()
    for number in range(1, home.batch_count + 1):
        names: dict[bytes, tuple[str, str]] = {}
        batch = _batch(home, number, following, names)
        evidence = examine(batch, membership, memory, DEFAULT_CONFIG)
        good = frozenset(sid for sid, reason in evidence.findings.items() if reason is None)
        memory = remember_batch(memory, evidence, good, DEFAULT_CONFIG)
        bad |= {(number, *names[sid]) for sid, reason in evidence.findings.items() if reason is not None}
    return bad


def _batch(
    home: HomePlan, number: int, following: dict[tuple[str, str], int], names: dict[bytes, tuple[str, str]]
) -> BatchData:
    batch_id = sha256(number.to_bytes(4, "big"))
    terms: list[SeriesTerms] = []
    segments: list[tuple[bytes, str, int, bytes]] = []
    for device in home.devices:
        own = address_of(public_key(_secret(device)))
        for quantity, rows in device.batches[number - 1].items():
            sid = series_id(batch_id, own, quantity)
            names[sid] = (device.key, quantity)
            terms.append(SeriesTerms(sid, own, quantity, own, 0, 0, None))
            segments += _segments(device, own, quantity, rows, following)
    first = min(rows[0][0] for d in home.devices for rows in d.batches[number - 1].values() if rows)
    ordered = tuple(sorted(terms, key=lambda entry: entry.series_id))
    head = BatchTerms(LEDGER, batch_id, first, home.cut_ms(number), bytes(32), ordered)
    return BatchData(head, tuple(batch_order(segments)))


def _segments(
    device: DevicePlan, own: bytes, quantity: str, rows: list[tuple[int, str]], following: dict[tuple[str, str], int]
) -> Iterable[tuple[bytes, str, int, bytes]]:
    measured = quantity_of(device.device_class, quantity)
    for start in range(0, len(rows), MAX_READINGS):
        part = rows[start : start + MAX_READINGS]
        sequence = following.get((device.key, quantity), 1)
        following[device.key, quantity] = sequence + len(part)
        values = tuple(to_fixed(measured, text) for _, text in part)
        times = tuple(t_ms for t_ms, _ in part)
        segment = Segment(LEDGER, own, own, quantity, measured.unit, sequence, True, times, values)
        yield own, quantity, sequence, segment_sign(segment, _secret(device))


def _secret(device: DevicePlan) -> bytes:
    return sha256(device.key.encode())
