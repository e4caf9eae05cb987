from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chain.contracts.market import pending
from chain.contracts.market.rows import Accept, Deliver, Expire, Reject, Reprice, Settle, Unlist
from chain.contracts.registry import Suspend
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import ORDER, scalar_sub
from tests.pure.chain.contracts.steps import (
    accredit,
    committed,
    delivered,
    funded,
    listed,
    lot_row,
    order_row,
    pay,
    publish,
)
from tests.pure.chain.contracts.world import (
    OPERATOR,
    T0,
    TestLot,
    World,
    address,
    answer,
    commit_args,
    deliver_args,
    fund_args,
    make_lot,
    secret_of,
    shared_genesis,
)


@pytest.fixture
def lot(world: World) -> TestLot:
    return listed(world, make_lot("a"))


def test_a_purchase_pays_the_seller_and_the_fee_and_hands_over_the_key(world: World, lot: TestLot) -> None:
    order_id = delivered(world, lot, "r1", "acme")
    world.call("acme", "market.accept", Accept(order_id=order_id))
    order = order_row(world, order_id)
    assert (order.status, order.outcome) == ("SETTLED", "accepted")
    assert scalar_sub(order.e, secret_of("r1")) == lot.secret
    assert (world.balance("acme"), world.balance(lot.payee), world.balance(OPERATOR)) == (960, 39, 1)
    assert world.escrow() == 0
    assert lot_row(world, lot).open_orders == ()
    assert not pending(world.state)


def test_anyone_settles_after_the_complaint_time_and_not_before(world: World, lot: TestLot) -> None:
    order_id = delivered(world, lot, "r1", "acme")
    world.block(3000)
    assert world.time_ms == order_row(world, order_id).deadline_ms
    assert world.code("nobody", "market.settle", Settle(order_id=order_id)) == "deadline_not_passed"
    world.block()
    world.call("nobody", "market.settle", Settle(order_id=order_id))
    assert order_row(world, order_id).outcome == "settled"
    assert world.code("nobody", "market.settle", Settle(order_id=order_id)) == "order_not_delivered"


def test_a_buyer_who_never_gets_the_key_is_refunded_by_a_third_partys_call(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    assert (world.balance("acme"), world.escrow()) == (960, 40)
    world.block(3001)
    world.call("nobody", "market.expire", Expire(order_id=order_id))
    assert (world.balance("acme"), world.escrow()) == (1000, 0)
    assert (order_row(world, order_id).outcome, lot_row(world, lot).missed) == ("missed", 1)


def test_expire_refunds_the_buyer_when_the_hub_commits_and_stays_silent(world: World, lot: TestLot) -> None:
    order_id = committed(world, lot, "r1", "acme")
    world.block(3001)
    late = deliver_args(order_id, answer(lot, "r1"))
    assert world.code(lot.payee, "market.deliver", late) == "deadline_passed"
    world.call("nobody", "market.expire", Expire(order_id=order_id))
    assert world.balance("acme") == 1000
    assert world.code(lot.payee, "market.deliver", late) == "order_not_committed"


@pytest.mark.parametrize("step", [funded, committed])
def test_no_moment_belongs_to_both_the_seller_and_the_expiry(world: World, lot: TestLot, step: Any) -> None:
    order_id = step(world, lot, "r1", "acme")
    sellers = {
        funded: ("market.commit", commit_args(order_id, answer(lot, "r1"))),
        committed: ("market.deliver", deliver_args(order_id, answer(lot, "r1"))),
    }
    name, args = sellers[step]
    world.block(3000)
    assert world.code("nobody", "market.expire", Expire(order_id=order_id)) == "deadline_not_passed"
    world.block()
    assert world.code(lot.payee, name, args) == "deadline_passed"
    assert world.code("nobody", "market.expire", Expire(order_id=order_id)) == ""


def test_the_seller_may_still_act_at_the_deadline_itself(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    world.block(3000)
    world.call(lot.payee, "market.commit", commit_args(order_id, answer(lot, "r1")))
    world.block(3000)
    world.call(lot.payee, "market.deliver", deliver_args(order_id, answer(lot, "r1")))


def test_a_seller_may_decline_in_time_and_bears_no_mark(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    assert world.code("bolt", "market.reject", Reject(order_id=order_id, code="bad_r")) == "not_the_seller"
    world.call(lot.payee, "market.reject", Reject(order_id=order_id, code="bad_r"))
    order = order_row(world, order_id)
    assert (order.status, order.outcome, order.reject_code) == ("REFUNDED", "rejected", "bad_r")
    assert (world.balance("acme"), lot_row(world, lot).missed) == (1000, 0)
    assert world.code(lot.payee, "market.reject", Reject(order_id=order_id, code="bad_r")) == "order_not_funded"


def test_a_seller_who_missed_the_deadline_cannot_decline_to_escape_the_mark(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    world.block(3001)
    assert world.code(lot.payee, "market.reject", Reject(order_id=order_id, code="late")) == "deadline_passed"


def test_a_wrong_key_is_refused_by_the_contract(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    wrong = answer(lot, "another r")
    world.call(lot.payee, "market.commit", commit_args(order_id, wrong))
    assert world.code(lot.payee, "market.deliver", deliver_args(order_id, wrong)) == "answer_wrong"
    assert order_row(world, order_id).e == b""


def test_an_answer_that_was_not_committed_to_is_refused(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    world.call(lot.payee, "market.commit", commit_args(order_id, sha256(b"something else")))
    right = deliver_args(order_id, answer(lot, "r1"))
    assert world.code(lot.payee, "market.deliver", right) == "commitment_mismatch"
    nonce = msgspec.structs.replace(right, nonce=bytes(32))
    assert world.code(lot.payee, "market.deliver", nonce) == "commitment_mismatch"


@pytest.mark.parametrize("e", [bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_a_scalar_out_of_range_is_refused(world: World, lot: TestLot, e: bytes) -> None:
    order_id = funded(world, lot, "r1", "acme")
    world.call(lot.payee, "market.commit", commit_args(order_id, e))
    assert world.code(lot.payee, "market.deliver", deliver_args(order_id, e)) == "market_scalar_invalid"


def test_a_seller_commits_once(world: World, lot: TestLot) -> None:
    order_id = committed(world, lot, "r1", "acme")
    again = commit_args(order_id, answer(lot, "r1"))
    assert world.code(lot.payee, "market.commit", again) == "order_not_funded"


def test_only_the_payee_key_answers(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    e = answer(lot, "r1")
    assert world.code("acme", "market.commit", commit_args(order_id, e)) == "not_the_seller"
    world.call(lot.payee, "market.commit", commit_args(order_id, e))
    assert world.code("acme", "market.deliver", deliver_args(order_id, e)) == "not_the_seller"


def test_an_order_is_not_delivered_before_it_is_committed(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    assert world.code(lot.payee, "market.deliver", deliver_args(order_id, answer(lot, "r1"))) == "order_not_committed"
    assert world.code("acme", "market.accept", Accept(order_id=order_id)) == "order_not_delivered"
    assert world.code("nobody", "market.settle", Settle(order_id=order_id)) == "order_not_delivered"


def test_only_the_buyer_accepts(world: World, lot: TestLot) -> None:
    order_id = delivered(world, lot, "r1", "acme")
    assert world.code("bolt", "market.accept", Accept(order_id=order_id)) == "not_the_buyer"


def test_a_delivered_order_does_not_expire(world: World, lot: TestLot) -> None:
    order_id = delivered(world, lot, "r1", "acme")
    world.block(10_000)
    assert world.code("acme", "market.expire", Expire(order_id=order_id)) == "order_not_open"


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("reject", Reject(order_id=bytes(32), code="x")),
        ("commit", commit_args(bytes(32), bytes(32))),
        ("deliver", Deliver(order_id=bytes(32), e=bytes(32), nonce=bytes(32))),
        ("accept", Accept(order_id=bytes(32))),
        ("settle", Settle(order_id=bytes(32))),
        ("expire", Expire(order_id=bytes(32))),
    ],
)
def test_an_order_that_is_not_there_is_said_so(world: World, name: str, args: Any) -> None:
    assert world.code("acme", f"market.{name}", args) == "order_unknown"


def test_a_buyer_must_be_accredited(world: World, lot: TestLot) -> None:
    assert world.code("cargo", "market.fund", fund_args(world, lot, "r1", "cargo")) == "buyer_not_accredited"
    world.call(OPERATOR, "registry.suspend", Suspend(address=address("acme")))
    assert world.code("acme", "market.fund", fund_args(world, lot, "r1", "acme")) == "buyer_not_accredited"


def test_a_buyer_needs_the_money(world: World, lot: TestLot) -> None:
    pay(world, "acme", "bolt", 961)
    assert world.code("acme", "market.fund", fund_args(world, lot, "r1", "acme")) == "balance_too_low"


def test_a_buyer_signs_the_price_and_the_licence(world: World, lot: TestLot) -> None:
    args = fund_args(world, lot, "r1", "acme")
    wrong = msgspec.structs.replace(args, licence=sha256(b"another licence"))
    assert world.code("acme", "market.fund", wrong) == "licence_mismatch"
    world.call(lot.payee, "market.reprice", Reprice(price=30))
    assert world.code("acme", "market.fund", args) == "price_changed"
    world.call("acme", "market.fund", fund_args(world, lot, "r1", "acme", price=30))
    assert world.escrow() == 30


def test_a_new_price_leaves_open_orders_alone(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    world.call(lot.payee, "market.reprice", Reprice(price=400))
    world.block(3001)
    world.call("nobody", "market.expire", Expire(order_id=order_id))
    assert world.balance("acme") == 1000


def test_only_a_listed_lot_in_its_time_is_sold(world: World) -> None:
    anchored = make_lot("anchored")
    publish(world, anchored)
    assert world.code("acme", "market.fund", fund_args(world, anchored, "r1", "acme")) == "lot_not_listed"
    short = listed(world, make_lot("short", expires_ms=T0 + 1000))
    world.block(1000)
    assert world.code("acme", "market.fund", fund_args(world, short, "r1", "acme")) == "lot_expired"
    ghost = make_lot("ghost")
    assert world.code("acme", "market.fund", fund_args(world, ghost, "r1", "acme")) == "lot_unknown"
    training = listed(world, make_lot("training", licence_kind="training"))
    assert world.code("acme", "market.fund", fund_args(world, training, "r1", "acme")) == "not_for_copy"


def test_a_point_serves_one_order(world: World, lot: TestLot) -> None:
    funded(world, lot, "r1", "acme")
    other = listed(world, make_lot("b"))
    for target in (lot, other):
        assert world.code("acme", "market.fund", fund_args(world, target, "r1", "acme")) == "point_used"


def test_a_copied_point_is_useless_to_another_buyer(world: World, lot: TestLot) -> None:
    seen = fund_args(world, lot, "r1", "acme")
    assert world.code("bolt", "market.fund", seen) == "r_signature_invalid"


def test_a_signature_of_r_for_another_ledger_is_refused(world: World, lot: TestLot) -> None:
    elsewhere = World(msgspec.structs.replace(shared_genesis(), ledger="other"))
    args = fund_args(elsewhere, lot, "r1", "acme")
    assert world.code("acme", "market.fund", args) == "r_signature_invalid"


def test_the_point_of_a_lot_is_no_point_of_an_order(world: World, lot: TestLot) -> None:
    mirrored = bytes([lot.digest.key_point[0] ^ 1]) + lot.digest.key_point[1:]
    args = fund_args(world, lot, "r1", "acme")
    for point, code in (
        (lot.digest.key_point, "point_used"),
        (mirrored, "points_cancel"),
        (b"\x02" + b"\xff" * 32, "market_point_invalid"),
    ):
        assert world.code("acme", "market.fund", msgspec.structs.replace(args, point=point)) == code


def test_open_orders_of_a_gone_lot_finish(world: World, lot: TestLot) -> None:
    order_id = funded(world, lot, "r1", "acme")
    world.call(lot.payee, "market.unlist", Unlist())
    e = answer(lot, "r1")
    world.call(lot.payee, "market.commit", commit_args(order_id, e))
    world.call(lot.payee, "market.deliver", deliver_args(order_id, e))
    world.call("acme", "market.accept", Accept(order_id=order_id))
    assert world.balance(lot.payee) == 39


def test_a_lot_has_at_most_so_many_open_orders() -> None:
    world = World(shared_genesis(max_open_orders=2))
    accredit(world, "acme")
    lot = listed(world, make_lot("a"))
    order_id = funded(world, lot, "r1", "acme")
    funded(world, lot, "r2", "acme")
    third = fund_args(world, lot, "r3", "acme")
    assert world.code("acme", "market.fund", third) == "too_many_open_orders"
    world.call(lot.payee, "market.reject", Reject(order_id=order_id, code="busy"))
    world.call("acme", "market.fund", third)


def test_events_reach_both_sides(world: World, lot: TestLot) -> None:
    events = world.call("acme", "market.fund", fund_args(world, lot, "r1", "acme"))
    assert [event.kind for event in events] == ["order.funded", "credits.moved"]
    assert events[0].subjects[1:] == (lot.lot_id, address(lot.payee), address("acme"))


def test_a_fee_of_nothing_moves_nothing() -> None:
    world = World(shared_genesis(fee_bps=0))
    accredit(world, "acme")
    lot = listed(world, make_lot("a"))
    order_id = delivered(world, lot, "r1", "acme")
    world.call("acme", "market.accept", Accept(order_id=order_id))
    assert (world.balance(lot.payee), world.balance(OPERATOR)) == (40, 0)
