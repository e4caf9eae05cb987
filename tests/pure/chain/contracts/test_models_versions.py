"""Versions of models with their lineage, and a household's order of an offer, on the service-model ledger."""

from __future__ import annotations

from typing import Any

import pytest

from chain.contracts.crossing import ConfirmService, FundService, service_order_id_of
from chain.contracts.service_models import lineage_of, models_of, rows
from chain.contracts.service_models.rows import ORDERS, VERSIONS, Metric, OrderRow
from chain.core.proofs import TxProof
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.learning import (
    FAR_MS,
    SERVICE,
    learnt,
    opened,
    published,
    serve,
    version_args,
    version_of,
)
from tests.pure.chain.contracts.receipts import SHARED_ID, models_genesis, receipt
from tests.pure.chain.contracts.world import World, address

OFFER, NONCE, HOME = sha256(b"offer"), sha256(b"n"), "home"


@pytest.fixture
def world() -> World:
    world = World(models_genesis())
    serve(world, "acme", "bolt")
    for buyer in ("acme", "bolt"):
        opened(world, buyer)
        for number in (1, 2, 3):
            learnt(world, number, buyer)
    return world


def offered(world: World) -> set[bytes]:
    return {row.version for row in models_of(world.state, SERVICE)}


def test_models_of_several_enterprises_serve_one_service(world: World) -> None:
    mine, other = published(world, 3), published(world, 2, "bolt")
    assert offered(world) == {mine, other}
    assert list(models_of(world.state, sha256(b"?"))) == []
    row = world.state.get(VERSIONS, mine)
    assert row is not None
    assert (row.participants, row.leaf_count, row.epsilon_micro, row.number) == (3, 3, 3_000_000, 3)


def test_a_version_is_what_a_completed_round_left(world: World) -> None:
    call = "acme", "service_models.version"
    assert world.code("bolt", "service_models.version", version_args(1)) == "not_the_jobs_enterprise"
    assert world.code(*call, version_args(1, job=sha256(b"?"))) == "job_unknown"
    assert world.code(*call, version_args(4)) == "round_unknown"
    assert world.code(*call, version_args(1, parameters=sha256(b"?"))) == "parameters_mismatch"
    assert world.code(*call, version_args(1, previous=sha256(b"?"))) == "previous_invalid"
    twice = (Metric("r2", 1), Metric("r2", 2))
    assert world.code(*call, version_args(1, metrics=twice)) == "metrics_invalid"
    other = published(world, 1, "bolt")
    assert world.code(*call, version_args(1, previous=other)) == "previous_invalid"
    published(world, 1)
    assert world.code(*call, version_args(1)) == "version_exists"


def test_a_version_cannot_be_its_own_ancestor(world: World) -> None:
    own = version_args(1, previous=version_of(1))
    assert world.code("acme", "service_models.version", own) == "previous_invalid"


def test_rollback_offers_an_earlier_version_and_the_lineage_stays(world: World) -> None:
    first = published(world, 1)
    second = published(world, 2, previous=first)
    third = published(world, 3, previous=second)
    call = "service_models.rollback"
    assert world.code("bolt", call, rows.Rollback(first)) == "not_the_versions_enterprise"
    assert world.code("acme", call, rows.Rollback(third)) == "version_current"
    assert world.code("acme", call, rows.Rollback(sha256(b"?"))) == "version_unknown"
    world.call("acme", call, rows.Rollback(first))
    assert offered(world) == {first}
    assert [row.version for row in lineage_of(world.state, third)] == [third, second, first]
    assert [row.version for row in lineage_of(world.state, third, limit=2)] == [third, second]


def test_a_withdrawn_version_is_not_offered_any_more(world: World) -> None:
    first = published(world, 1)
    second = published(world, 2, previous=first)
    call = "service_models.withdraw"
    assert world.code("bolt", call, rows.Withdraw(second, "bias")) == "not_the_versions_enterprise"
    assert world.code("acme", call, rows.Withdraw(second, "")) == "reason_invalid"
    world.call("acme", call, rows.Withdraw(second, "bias"))
    assert offered(world) == set()
    assert world.code("acme", call, rows.Withdraw(second, "bias")) == "version_withdrawn"
    assert world.code("acme", "service_models.rollback", rows.Rollback(second)) == "version_withdrawn"
    assert world.code(HOME, "service_models.order", ordering(second)) == "version_withdrawn"
    world.call("acme", "service_models.rollback", rows.Rollback(first))
    assert offered(world) == {first}


def order_of(version: bytes, household: str = HOME) -> bytes:
    return service_order_id_of(address(household), version, OFFER, NONCE)


def ordering(version: bytes, *proofs: TxProof, price: int = 0, deadline_ms: int = FAR_MS) -> rows.Order:
    return rows.Order(version, OFFER, NONCE, price, deadline_ms, proofs)


def paid(version: bytes, **changes: Any) -> TxProof:
    fields = {"service_order": order_of(version), "enterprise": address("acme"), "price": 90, "deadline_ms": FAR_MS}
    args = FundService(**{**fields, **changes})
    return receipt(SHARED_ID, HOME, "service_escrow.fund_service", args)


def confirmed_money(version: bytes, sender: str = "acme", payer: str = HOME) -> TxProof:
    args = ConfirmService(address(payer), order_of(version))
    return receipt(SHARED_ID, sender, "service_escrow.confirm_service", args)


def row(world: World, version: bytes) -> OrderRow:
    found = world.state.get(ORDERS, order_of(version))
    assert found is not None
    return found


def test_an_order_that_costs_nothing_goes_from_placed_to_completed(world: World) -> None:
    version = published(world, 3)
    order = order_of(version)
    world.call(HOME, "service_models.order", ordering(version))
    assert world.code(HOME, "service_models.order", ordering(version)) == "service_order_exists"
    done = rows.OrderComplete(order, ())
    assert world.code(HOME, "service_models.order_complete", done) == "service_order_not_confirmed"
    confirm = rows.OrderConfirm(order)
    assert world.code("bolt", "service_models.order_confirm", confirm) == "not_the_orders_enterprise"
    world.call("acme", "service_models.order_confirm", confirm)
    assert world.code("acme", "service_models.order_confirm", confirm) == "service_order_not_placed"
    assert world.code("bolt", "service_models.order_complete", done) == "not_of_the_order"
    world.call(HOME, "service_models.order_complete", done)
    assert row(world, version).status == "COMPLETED"


def test_an_order_with_a_price_shows_the_money_when_placed_and_when_completed(world: World) -> None:
    version = published(world, 3)
    world.call(HOME, "service_models.order", ordering(version, paid(version), price=90))
    world.call("acme", "service_models.order_confirm", rows.OrderConfirm(order_of(version)))
    complete = "service_models.order_complete"
    assert world.code("acme", complete, rows.OrderComplete(order_of(version), ())) == "service_order_money_missing"
    for wrong in (confirmed_money(version, "bolt"), confirmed_money(version, payer="other")):
        args = rows.OrderComplete(order_of(version), (wrong,))
        assert world.code("acme", complete, args) == "service_order_money_mismatch"
    world.call("acme", complete, rows.OrderComplete(order_of(version), (confirmed_money(version),)))
    assert row(world, version).status == "COMPLETED"


def test_an_order_without_its_own_money_is_refused(world: World) -> None:
    version, other = published(world, 3), published(world, 3, "bolt")
    call = HOME, "service_models.order"
    assert world.code(*call, ordering(sha256(b"?"))) == "version_unknown"
    assert world.code(*call, ordering(version, deadline_ms=world.time_ms)) == "service_order_deadline_invalid"
    assert world.code(*call, ordering(version, price=90)) == "service_order_money_missing"
    assert world.code(*call, ordering(version, paid(version))) == "service_order_money_missing"
    changes: list[dict[str, Any]] = [
        {"service_order": sha256(b"?")},
        {"enterprise": address("bolt")},
        {"price": 89},
        {"deadline_ms": FAR_MS - 1},
    ]
    for change in changes:
        money = ordering(version, paid(version, **change), price=90)
        assert world.code(*call, money) == "service_order_money_mismatch", change
    taken = ordering(version, paid(version), price=90)
    assert world.code("thief", "service_models.order", taken) == "service_order_money_mismatch"
    assert world.code(*call, ordering(other, paid(version), price=90)) == "service_order_money_mismatch"
    world.call(*call, taken)


def test_an_enterprise_declines_or_stays_silent_until_the_deadline(world: World) -> None:
    version, other = published(world, 3), published(world, 3, "bolt")
    world.call(HOME, "service_models.order", ordering(version))
    silent = service_order_id_of(address(HOME), other, OFFER, NONCE)
    world.call(HOME, "service_models.order", ordering(other))
    decline = "service_models.order_decline"
    assert world.code("acme", decline, rows.OrderDecline(order_of(version), "")) == "reason_invalid"
    assert world.code(HOME, decline, rows.OrderDecline(order_of(version), "x")) == "not_the_orders_enterprise"
    world.call("acme", decline, rows.OrderDecline(order_of(version), "out_of_area"))
    assert (row(world, version).status, row(world, version).reason) == ("DECLINED", "out_of_area")
    expire = "x", "service_models.order_expire"
    assert world.code(*expire, rows.OrderExpire(order_of(version))) == "service_order_not_placed"
    assert world.code(*expire, rows.OrderExpire(sha256(b"?"))) == "service_order_unknown"
    world.block(FAR_MS - world.time_ms)
    assert world.code(*expire, rows.OrderExpire(silent)) == "service_order_deadline_not_passed"
    world.block()
    late = rows.OrderConfirm(silent)
    assert world.code("bolt", "service_models.order_confirm", late) == "service_order_deadline_passed"
    world.call(*expire, rows.OrderExpire(silent))
    ended = world.state.get(ORDERS, silent)
    assert ended is not None and ended.status == "EXPIRED"
