from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.contracts.market import pending
from chain.contracts.market.ids import preview_indices
from chain.contracts.market.lots import height_key
from chain.contracts.market.rows import (
    BEACONS,
    ExpireLot,
    OpenPreview,
    PreviewExpire,
    PreviewKey,
    Publish,
    Reprice,
    Unlist,
)
from chain.contracts.market.terms import TermsInvalid
from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.steps import chosen, listed, lot_row, publish
from tests.pure.chain.contracts.world import T0, World, address, key_of, make_lot, shared_genesis


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"chunk_count": 31}, "chunk_count_invalid"),
        ({"chunk_count": 4097}, "chunk_count_invalid"),
        ({"record_count": 0}, "lot_empty"),
        ({"size_bytes": 0}, "lot_empty"),
        ({"period_end_ms": 5, "period_start_ms": 5}, "period_invalid"),
        ({"price": 0}, "price_invalid"),
        ({"label": "bft-verified", "voters": 2}, "label_invalid"),
        ({"label": "pair-checked", "voters": 1}, "label_invalid"),
        ({"expires_ms": T0}, "expiry_past"),
        ({"hpke_key": bytes(32)}, "seal_key_invalid"),
        ({"key_point": b"\x02" + b"\xff" * 32}, "market_point_invalid"),
        ({"key_point": b"\x04" + b"\x01" * 32}, "market_point_invalid"),
    ],
)
def test_a_digest_that_cannot_be_true_is_refused(world: World, fields: dict[str, Any], code: str) -> None:
    lot = make_lot("a")
    assert world.code(lot.payee, "market.publish", msgspec.structs.replace(lot.digest, **fields)) == code
    assert not pending(world.state)


@pytest.mark.parametrize("field", ["label", "support", "licence_kind", "schema", "cell"])
def test_words_that_the_market_does_not_know_never_decode(field: str) -> None:
    digest = msgspec.structs.replace(make_lot("a").digest, **{field: ""})
    with pytest.raises(Malformed):
        decode(Publish, encode(digest))


def test_a_payee_has_one_lot_for_ever(world: World) -> None:
    lot = listed(world, make_lot("a"))
    again = msgspec.structs.replace(make_lot("b").digest, object_id=sha256(b"other"))
    assert world.code(lot.payee, "market.publish", again) == "payee_used"
    world.call(lot.payee, "market.unlist", Unlist())
    assert world.code(lot.payee, "market.publish", again) == "payee_used"


@pytest.mark.parametrize(
    ("field", "code"), [("object_id", "object_used"), ("key_point", "point_used"), ("batch_root", "batch_on_sale")]
)
def test_an_object_a_point_and_a_batch_stand_behind_one_lot(world: World, field: str, code: str) -> None:
    first, second = make_lot("a"), make_lot("b")
    publish(world, first)
    args = msgspec.structs.replace(second.digest, **{field: getattr(first.digest, field)})
    assert world.code(second.payee, "market.publish", args) == code
    publish(world, second)


def test_a_batch_may_be_sealed_again_after_its_lot_is_gone(world: World) -> None:
    first = listed(world, make_lot("a"))
    world.call(first.payee, "market.unlist", Unlist())
    publish(world, make_lot("b", batch_root=first.digest.batch_root))


def test_the_preview_waits_for_the_block_after_the_anchor(world: World) -> None:
    lot = make_lot("a")
    publish(world, lot)
    anything = lot.preview((1, 2))
    assert world.code(lot.payee, "market.open_preview", anything) == "beacon_pending"
    world.block()
    assert world.code(lot.payee, "market.open_preview", anything) == "beacon_pending"
    world.block()
    beacon = world.state.get(BEACONS, height_key(lot_row(world, lot).anchored_height))
    assert beacon is not None and beacon.hash == world.context().previous
    world.call(lot.payee, "market.open_preview", lot.preview(chosen(world, lot)))
    assert lot_row(world, lot).status == "LISTED"


def test_a_listed_lot_shows_the_keys_it_opened(world: World) -> None:
    lot = make_lot("a")
    publish(world, lot)
    world.block()
    world.block()
    indices = chosen(world, lot)
    world.call(lot.payee, "market.open_preview", lot.preview(indices))
    assert lot_row(world, lot).opened == tuple((i, lot.keys[i]) for i in indices)
    assert 0 not in indices


def test_one_beacon_serves_all_lots_of_a_block_and_goes_with_the_last(world: World) -> None:
    lots = [make_lot("a"), make_lot("b")]
    for lot in lots:
        publish(world, lot)
    key = height_key(world.height)
    world.block()
    world.block()
    for lot, waiting in zip(lots, (1, None), strict=True):
        world.call(lot.payee, "market.open_preview", lot.preview(chosen(world, lot)))
        beacon = world.state.get(BEACONS, key)
        assert (beacon.waiting if beacon else None) == waiting
    assert not pending(world.state)


def test_other_chunks_than_the_chosen_ones_are_refused_and_may_be_sent_again(world: World) -> None:
    lot = make_lot("a")
    publish(world, lot)
    world.block()
    world.block()
    indices = chosen(world, lot)
    others = tuple(i for i in range(1, 32) if i not in indices)[:2]
    for wrong in (others, indices[:1], indices[::-1], (*indices, *others), ()):
        assert world.code(lot.payee, "market.open_preview", lot.preview(wrong)) == "preview_indices_wrong"
    world.call(lot.payee, "market.open_preview", lot.preview(indices))


def test_a_wrong_preview_key_kills_the_lot_and_its_batch(world: World) -> None:
    lot = make_lot("a")
    publish(world, lot)
    world.block()
    world.block()
    first, *rest = lot.preview(chosen(world, lot)).keys
    forged = PreviewKey(index=first.index, key=sha256(b"forged"), path=first.path)
    events = world.call(lot.payee, "market.open_preview", OpenPreview(keys=(forged, *rest)))
    assert [event.kind for event in events] == ["lot.dead"]
    assert lot_row(world, lot).status == "DEAD"
    again = make_lot("b", batch_root=lot.digest.batch_root)
    assert world.code(again.payee, "market.publish", again.digest) == "batch_dead"


def test_an_unopened_preview_kills_the_lot_so_that_nobody_grinds_for_a_good_one(world: World) -> None:
    lot = make_lot("a")
    publish(world, lot)
    world.block()
    world.block()
    assert world.code("acme", "market.preview_expire", PreviewExpire(lot_id=lot.lot_id)) == "preview_still_open"
    assert world.code(lot.payee, "market.unlist", Unlist()) == "lot_not_listed"
    indices = chosen(world, lot)
    world.block(3000)
    assert world.code(lot.payee, "market.open_preview", lot.preview(indices)) == "preview_closed"
    world.call("acme", "market.preview_expire", PreviewExpire(lot_id=lot.lot_id))
    assert lot_row(world, lot).status == "DEAD"
    again = make_lot("b", batch_root=lot.digest.batch_root)
    assert world.code(again.payee, "market.publish", again.digest) == "batch_dead"
    assert world.code("acme", "market.preview_expire", PreviewExpire(lot_id=lot.lot_id)) == "lot_not_anchored"


def test_a_batch_cannot_be_anchored_twice_at_once_to_pick_the_better_preview(world: World) -> None:
    first = make_lot("a")
    publish(world, first)
    second = make_lot("b", batch_root=first.digest.batch_root)
    assert world.code(second.payee, "market.publish", second.digest) == "batch_on_sale"


def test_only_the_payee_opens_reprices_and_unlists(world: World) -> None:
    lot = listed(world, make_lot("a"))
    for name, args in (("open_preview", lot.preview((1,))), ("reprice", Reprice(price=1)), ("unlist", Unlist())):
        assert world.code("acme", f"market.{name}", args) == "lot_unknown"


def test_a_lot_is_repriced_while_it_is_listed(world: World) -> None:
    lot = listed(world, make_lot("a"))
    assert world.code(lot.payee, "market.reprice", Reprice(price=0)) == "price_invalid"
    world.call(lot.payee, "market.reprice", Reprice(price=41))
    assert (lot_row(world, lot).price, lot_row(world, lot).digest.price) == (41, 40)
    world.call(lot.payee, "market.unlist", Unlist())
    assert lot_row(world, lot).status == "GONE"
    assert world.code(lot.payee, "market.reprice", Reprice(price=42)) == "lot_not_listed"
    assert world.code(lot.payee, "market.unlist", Unlist()) == "lot_not_listed"


def test_anyone_ends_an_offer_after_its_time_and_not_before(world: World) -> None:
    lot = listed(world, make_lot("a", expires_ms=T0 + 1000))
    assert world.code("bolt", "market.expire_lot", ExpireLot(lot_id=lot.lot_id)) == "lot_not_expired"
    world.block(1000)
    world.call("bolt", "market.expire_lot", ExpireLot(lot_id=lot.lot_id))
    assert lot_row(world, lot).status == "GONE"
    assert world.code("bolt", "market.expire_lot", ExpireLot(lot_id=lot.lot_id)) == "lot_not_listed"
    assert world.code("bolt", "market.expire_lot", ExpireLot(lot_id=bytes(32))) == "lot_unknown"


def test_an_anchored_lot_keeps_the_ledger_awake(world: World) -> None:
    assert not pending(world.state)
    publish(world, make_lot("a"))
    assert pending(world.state)


def test_events_name_the_lot_and_its_payee_only(world: World) -> None:
    lot = make_lot("a")
    (event,) = world.call(lot.payee, "market.publish", lot.digest)
    assert event.kind == "lot.anchored"
    assert event.subjects == (lot.lot_id, address(lot.payee))
    assert lot_row(world, lot).payee_key == key_of(lot.payee)


@pytest.mark.parametrize(
    ("name", "value"), [("t1_ms", 0), ("fee_bps", 10_001), ("preview_chunks", 32), ("max_chunks", 31), ("t2_ms", -1)]
)
def test_a_genesis_with_senseless_terms_is_refused(name: str, value: int) -> None:
    with pytest.raises(TermsInvalid):
        World(shared_genesis(**{name: value}))


@given(st.binary(min_size=32, max_size=32), st.integers(32, 4096), st.integers(1, 31))
def test_a_preview_names_that_many_different_data_chunks(beacon: bytes, chunk_count: int, count: int) -> None:
    indices = preview_indices(beacon, bytes(32), chunk_count, count)
    assert len(set(indices)) == count
    assert indices == tuple(sorted(indices))
    assert indices[0] >= 1 and indices[-1] < chunk_count


def test_the_preview_follows_beacon_and_lot() -> None:
    drawn = {preview_indices(sha256(bytes([i])), sha256(bytes([j])), 4096, 4) for i in range(4) for j in range(4)}
    assert len(drawn) == 16
