"""Money of service orders: paid in by a household, paid out on the enterprise's word, back after the deadline."""

from __future__ import annotations

from typing import Any

import pytest

from chain.contracts.crossing import ConfirmService, FundService, service_escrow_id_of
from chain.contracts.service_escrow import MONEY, DeclineService, ExpireService, ServiceMoneyRow
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.steps import accredit
from tests.pure.chain.contracts.world import OPERATOR, World, address, shared_genesis

ORDER = sha256(b"service order")
HOME = "home"


@pytest.fixture
def world() -> World:
    world = World(shared_genesis())
    accredit(world, "acme", HOME)
    return world


def funding(world: World, price: int = 200, lasts_ms: int = 1000, enterprise: str = "acme") -> FundService:
    return FundService(ORDER, address(enterprise), price, world.time_ms + lasts_ms)


def mine(kind: Any, payer: str = HOME) -> Any:
    return kind(address(payer), ORDER)


def money(world: World, payer: str = HOME) -> ServiceMoneyRow:
    row = world.state.get(MONEY, service_escrow_id_of(address(payer), ORDER))
    assert row is not None
    return row


def test_the_enterprise_that_confirms_is_paid_less_the_fee(world: World) -> None:
    world.call(HOME, "service_escrow.fund_service", funding(world))
    assert (world.balance(HOME), world.escrow()) == (800, 200)
    world.block(money(world).deadline_ms - world.time_ms)
    assert world.code("bolt", "service_escrow.confirm_service", mine(ConfirmService)) == "not_the_service_enterprise"
    world.call("acme", "service_escrow.confirm_service", mine(ConfirmService))
    assert (world.balance("acme"), world.balance(OPERATOR), world.escrow()) == (1195, 5, 0)
    assert (money(world).status, money(world).outcome) == ("SETTLED", "confirmed")
    assert world.code("acme", "service_escrow.confirm_service", mine(ConfirmService)) == "service_over"


def test_expire_refunds_the_household_when_the_enterprise_stays_silent(world: World) -> None:
    world.call(HOME, "service_escrow.fund_service", funding(world))
    world.block(1000)
    assert world.code("x", "service_escrow.expire_service", mine(ExpireService)) == "service_deadline_not_passed"
    world.block()
    assert world.code("acme", "service_escrow.confirm_service", mine(ConfirmService)) == "service_deadline_passed"
    world.call("x", "service_escrow.expire_service", mine(ExpireService))
    assert (world.balance(HOME), world.escrow(), money(world).outcome) == (1000, 0, "missed")


def test_an_enterprise_may_decline_at_once(world: World) -> None:
    world.call(HOME, "service_escrow.fund_service", funding(world))
    assert world.code(HOME, "service_escrow.decline_service", mine(DeclineService)) == "not_the_service_enterprise"
    world.call("acme", "service_escrow.decline_service", mine(DeclineService))
    assert (world.balance(HOME), money(world).outcome) == (1000, "declined")


def test_what_may_not_be_funded_is_refused(world: World) -> None:
    call = HOME, "service_escrow.fund_service"
    assert world.code(*call, funding(world, 0)) == "service_price_invalid"
    assert world.code(*call, funding(world, 1001)) == "balance_too_low"
    assert world.code(*call, funding(world, lasts_ms=0)) == "service_deadline_invalid"
    assert world.code(*call, funding(world, lasts_ms=367 * 86_400_000)) == "service_deadline_invalid"
    assert world.code(*call, funding(world, enterprise="stranger")) == "service_enterprise_unknown"
    assert world.code(*call, funding(world)) == ""
    assert world.code(*call, funding(world)) == "service_used"
    unknown = ConfirmService(address("bolt"), ORDER)
    assert world.code("acme", "service_escrow.confirm_service", unknown) == "service_money_unknown"


def test_nobody_can_take_the_place_of_a_households_money(world: World) -> None:
    accredit(world, "thief")
    world.call("thief", "service_escrow.fund_service", funding(world, 1))
    world.call(HOME, "service_escrow.fund_service", funding(world))
    assert (money(world).price, money(world, "thief").price, world.escrow()) == (200, 1, 201)
