from __future__ import annotations

import msgspec
import pytest

from chain.contracts.market.rows import Accept, Settle
from chain.core.merkle import leaf_hash, path
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.steps import committed, delivered, funded, listed, lot_row, order_row
from tests.pure.chain.contracts.world import World, broken_cipher, make_lot, wrong_key, wrong_plaintext


@pytest.mark.parametrize("index", [0, 1, 17, 31])
@pytest.mark.parametrize("tamper", [wrong_plaintext, broken_cipher])
def test_a_corrupted_chunk_leads_to_a_refund(world: World, tamper: object, index: int) -> None:
    assert callable(tamper)
    lot = listed(world, make_lot("false", tamper(index)))
    order_id = delivered(world, lot, "r1", "acme")
    world.call("acme", "market.complain_chunk", lot.complaint_chunk(order_id, index))
    assert (order_row(world, order_id).status, order_row(world, order_id).outcome) == ("REFUNDED", "bad_chunk")
    assert (world.balance("acme"), world.balance(lot.payee), world.escrow()) == (1000, 0, 0)
    assert (lot_row(world, lot).disputes, lot_row(world, lot).status) == (1, "LISTED")


@pytest.mark.parametrize("index", [0, 1, 31])
def test_a_false_complaint_is_refused_and_changes_nothing(world: World, index: int) -> None:
    lot = listed(world, make_lot("a"))
    order_id = delivered(world, lot, "r1", "acme")
    before = order_row(world, order_id)
    assert world.code("acme", "market.complain_chunk", lot.complaint_chunk(order_id, index)) == "chunk_honest"
    assert world.code("acme", "market.complain_key", lot.complaint_key(order_id, index)) == "key_honest"
    assert order_row(world, order_id) == before
    assert lot_row(world, lot).disputes == 0


def test_a_complaint_about_things_that_are_not_in_the_lot_is_refused(world: World) -> None:
    lot = listed(world, make_lot("a"))
    order_id = delivered(world, lot, "r1", "acme")
    right = lot.complaint_chunk(order_id, 5)
    wrong = {
        "complaint_index_invalid": {"index": 32},
        "key_not_in_lot": {"key": sha256(b"x")},
        "chunk_not_in_lot": {"chunk": b"x" * 48},
        "plain_leaf_not_in_lot": {"plain_leaf": leaf_hash(b"x")},
    }
    for code, fields in wrong.items():
        args = msgspec.structs.replace(right, **fields)
        assert world.code("acme", "market.complain_chunk", args) == code
    swapped = msgspec.structs.replace(right, plain_leaf=lot.plain_leaves[6], plain_path=path(lot.plain_leaves[1:], 5))
    assert world.code("acme", "market.complain_chunk", swapped) == "plain_leaf_not_in_lot"
    assert world.code("acme", "market.complain_chunk", msgspec.structs.replace(right, index=6)) == "key_not_in_lot"


def test_a_lot_whose_keys_are_not_of_its_secret_is_burnt_and_all_are_refunded(world: World) -> None:
    lot = listed(world, make_lot("false", wrong_key(0)))
    own = delivered(world, lot, "r1", "acme")
    others = [
        funded(world, lot, "r2", "bolt"),
        committed(world, lot, "r3", "bolt"),
        delivered(world, lot, "r4", "bolt"),
    ]
    paid = delivered(world, lot, "r5", "bolt")
    world.call("bolt", "market.accept", Accept(order_id=paid))
    world.call("acme", "market.complain_key", lot.complaint_key(own, 0))
    assert lot_row(world, lot).status == "BURNT"
    assert order_row(world, own).outcome == "bad_keys"
    assert {order_row(world, order_id).outcome for order_id in others} == {"lot_burnt"}
    assert order_row(world, paid).status == "SETTLED"
    assert (world.balance("acme"), world.balance("bolt"), world.escrow()) == (1000, 960, 0)
    assert lot_row(world, lot).open_orders == ()
    again = make_lot("again", batch_root=lot.digest.batch_root)
    assert world.code(again.payee, "market.publish", again.digest) == "batch_dead"


def test_a_complaint_about_keys_needs_the_lots_own_secret_and_leaf(world: World) -> None:
    lot = listed(world, make_lot("false", wrong_key(3)))
    order_id = delivered(world, lot, "r1", "acme")
    right = lot.complaint_key(order_id, 3)
    wrong = {
        "complaint_index_invalid": {"index": 32},
        "market_scalar_invalid": {"secret": bytes(32)},
        "secret_not_of_lot": {"secret": sha256(b"x")},
        "key_not_in_lot": {"key_leaf": sha256(b"x")},
    }
    for code, fields in wrong.items():
        assert world.code("acme", "market.complain_key", msgspec.structs.replace(right, **fields)) == code
    assert world.code("acme", "market.complain_key", lot.complaint_key(order_id, 4)) == "key_honest"


def test_only_the_buyer_of_a_delivered_order_complains_and_in_time(world: World) -> None:
    lot = listed(world, make_lot("false", wrong_plaintext(2)))
    early = committed(world, lot, "r1", "acme")
    assert world.code("acme", "market.complain_chunk", lot.complaint_chunk(early, 2)) == "order_not_delivered"
    order_id = delivered(world, lot, "r2", "acme")
    args = lot.complaint_chunk(order_id, 2)
    assert world.code("bolt", "market.complain_chunk", args) == "not_the_buyer"
    world.block(3000)
    assert world.code("bolt", "market.settle", Settle(order_id=order_id)) == "deadline_not_passed"
    world.block()
    assert world.code("acme", "market.complain_chunk", args) == "deadline_passed"
    world.call("bolt", "market.settle", Settle(order_id=order_id))
    assert world.code("acme", "market.complain_chunk", args) == "order_not_delivered"


def test_a_refunded_order_cannot_be_refunded_again(world: World) -> None:
    lot = listed(world, make_lot("false", wrong_plaintext(2)))
    order_id = delivered(world, lot, "r1", "acme")
    world.call("acme", "market.complain_chunk", lot.complaint_chunk(order_id, 2))
    assert world.code("acme", "market.complain_chunk", lot.complaint_chunk(order_id, 2)) == "order_not_delivered"
    assert world.code("acme", "market.accept", Accept(order_id=order_id)) == "order_not_delivered"
    assert world.balance("acme") == 1000
