"""From end to end: a home asks for a service of two enterprises and orders, and the enterprise's node answers."""

# ruff: noqa: F811
from __future__ import annotations

from typing import Any

import pytest

from enterprises.offers import orders, sheets
from enterprises.offers.models import OfferSheet, ServiceOrder
from households.advice import orders as home_orders
from households.models import AdviceOrder, HomeWallet, Household, Inquiry
from tests import factories
from tests.enterprises.offers import OffersWorld
from tests.enterprises.test_offers import acme, added, sheet, world  # noqa: F401
from tests.households import advice
from tests.households.advice import FLAT, NIGHT, always
from tests.households.test_advice import PRESENT, asked, go_on, ranked
from tests.households.world import PASSPHRASE, devices_new, home_new
from tests.pure.chain.contracts.world import address

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def home(settings: Any, world: OffersWorld, tmp_path: Any) -> Household:
    settings.HEARTH_HUB_CONNECTOR = "tests.households.market.MemoryConnector"
    found = home_new()
    (meter,) = devices_new(found, 1, "mains")
    advice.measured(found, meter)
    return found


def test_a_home_orders_from_one_of_two_enterprises_and_the_service_is_given(
    world: OffersWorld, sheet: OfferSheet, home: Household
) -> None:
    bolt = world.enterprise(factories.member(), "bolt", "Bolt Ltd")
    world.market.publish("bolt", always(0.3), [])
    world.rounds()
    theirs = OfferSheet.objects.get(enterprise=bolt)
    added(sheet, "Night owl", NIGHT, price=40)
    added(theirs, "Bolt flat", {**FLAT, "price_micro_per_kwh": 290_000})
    sheets.rule_set(sheet=sheet, rule="automatic")
    world.rounds()
    inquiry = asked(home, world.market, present=PRESENT)
    assert inquiry.state == Inquiry.State.READY
    assert [each.offer["title"] for each in inquiry.ranked.all()] == ["Night owl", "Bolt flat"]
    master = bytes(HomeWallet.objects.using("home").get(pk=home.pk).master_address)
    world.market.credits(master, 100)
    order = home_orders.order_place(
        household=home,
        ranked=ranked(inquiry, "Night owl"),
        connection=world.market.connection(),
        passphrase=PASSPHRASE,
    )
    go_on(home)
    world.rounds()
    go_on(home)
    order.refresh_from_db()
    assert (order.state, order.money) == (AdviceOrder.State.CONFIRMED, AdviceOrder.Money.PAID)
    heard = ServiceOrder.objects.get()
    assert heard.account == bytes(inquiry.account).hex() and heard.enterprise == sheet.enterprise
    orders.order_complete(order=heard)
    world.rounds()
    go_on(home)
    order.refresh_from_db()
    assert order.state == AdviceOrder.State.COMPLETED
    assert world.market.shared.balance(master) == 60
    assert world.market.shared.balance(address("acme")) == 1_000 + 39


def test_a_declined_order_with_a_price_gives_the_home_its_credits_back(
    world: OffersWorld, sheet: OfferSheet, home: Household
) -> None:
    added(sheet, price=40)
    world.rounds()
    inquiry = asked(home, world.market)
    master = bytes(HomeWallet.objects.using("home").get(pk=home.pk).master_address)
    world.market.credits(master, 100)
    order = home_orders.order_place(
        household=home,
        ranked=ranked(inquiry, "Night owl"),
        connection=world.market.connection(),
        passphrase=PASSPHRASE,
    )
    go_on(home)
    world.rounds()
    orders.order_decline(order=ServiceOrder.objects.get(), reason="not_available")
    world.rounds()
    go_on(home)
    order.refresh_from_db()
    assert (order.state, order.money, order.code) == ("declined", "returned", "not_available")
    assert world.market.shared.balance(master) == 100
