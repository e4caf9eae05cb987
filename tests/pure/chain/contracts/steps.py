"""The ordinary steps of a purchase, for tests that care about the step after them."""

from __future__ import annotations

from chain.contracts.credits import Mint, Transfer
from chain.contracts.market.ids import order_id_of, preview_indices
from chain.contracts.market.lots import height_key
from chain.contracts.market.rows import BEACONS, LOTS, ORDERS, LotRow, OrderRow
from chain.contracts.registry import Accredit
from tests.pure.chain.contracts.world import (
    OPERATOR,
    T0,
    TREASURY,
    TestLot,
    World,
    address,
    answer,
    commit_args,
    deliver_args,
    fund_args,
    key_of,
)


def accredit(world: World, *buyers: str, amount: int = 1000) -> None:
    """Let the buyers buy, with credits to do it."""
    for buyer in buyers:
        assert not world.code(OPERATOR, "registry.accredit", Accredit(address=address(buyer), until_ms=T0 + 10**9))
        world.call(TREASURY, "credits.mint", Mint(to=address(buyer), amount=amount))


def pay(world: World, source: str, target: str, amount: int) -> str:
    return world.code(source, "credits.transfer", Transfer(to=address(target), amount=amount))


def chosen(world: World, lot: TestLot) -> tuple[int, ...]:
    """The chunks that the lot must open."""
    row = lot_row(world, lot)
    beacon = world.state.get(BEACONS, height_key(row.anchored_height))
    assert beacon is not None and beacon.hash
    return preview_indices(
        beacon.hash, lot.lot_id, lot.digest.chunk_count, dict(world.genesis.params)["preview_chunks"]
    )


def publish(world: World, lot: TestLot) -> None:
    world.call(lot.payee, "market.publish", lot.digest)


def listed(world: World, lot: TestLot) -> TestLot:
    """Publish a lot and open its preview."""
    publish(world, lot)
    world.block()
    world.block()
    world.call(lot.payee, "market.open_preview", lot.preview(chosen(world, lot)))
    return lot


def funded(world: World, lot: TestLot, r_name: str, buyer: str) -> bytes:
    world.call(buyer, "market.fund", fund_args(world, lot, r_name, buyer))
    return order_id_of(lot.lot_id, key_of(r_name))


def committed(world: World, lot: TestLot, r_name: str, buyer: str) -> bytes:
    order_id = funded(world, lot, r_name, buyer)
    world.call(lot.payee, "market.commit", commit_args(order_id, answer(lot, r_name)))
    return order_id


def delivered(world: World, lot: TestLot, r_name: str, buyer: str) -> bytes:
    order_id = committed(world, lot, r_name, buyer)
    world.call(lot.payee, "market.deliver", deliver_args(order_id, answer(lot, r_name)))
    return order_id


def lot_row(world: World, lot: TestLot) -> LotRow:
    row = world.state.get(LOTS, lot.lot_id)
    assert row is not None
    return row


def order_row(world: World, order_id: bytes) -> OrderRow:
    row = world.state.get(ORDERS, order_id)
    assert row is not None
    return row
