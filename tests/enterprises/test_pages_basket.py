"""The basket's pages, up to the one confirmation."""

from __future__ import annotations

import pytest
from django.test import Client

from chain.contracts.market.rows import Reprice, Unlist
from enterprises.catalog.indexing import catalog_advance
from enterprises.checkout.models import BasketLine, Enterprise, Order
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot
from tests.enterprises.market import source
from tests.enterprises.pages import BASKET, CATALOG, CONFIRM, HTMX, agreed, away, browser, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(buyer: Buyer) -> Client:
    """The browser of the buyer's administrator."""
    return browser(buyer.user)


def test_a_lot_goes_in_and_out_of_the_basket_with_and_without_htmx(buyer: Buyer, site: Client, lot: Lot) -> None:
    answer = site.post(f"{BASKET}add/", {"lot_id": lot.id, "next": f"{CATALOG}?q=x"})
    assert answer.headers["Location"] == f"{CATALOG}?q=x"
    part = text(site.post(f"{BASKET}{lot.id}/remove/", headers=HTMX))
    assert "Add to basket" in part and 'id="basket-button" hx-swap-oob="true"' in part
    part = text(site.post(f"{BASKET}add/", {"lot_id": lot.id}, headers=HTMX))
    assert "In basket" in part and buyer.enterprise.basket.count() == 1


def test_the_basket_sends_nobody_to_another_site(site: Client, lot: Lot) -> None:
    for evil in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = site.post(f"{BASKET}add/", {"lot_id": lot.id, "next": evil})
        assert answer.headers["Location"] == BASKET


def test_a_lot_that_is_none_is_not_put_in(site: Client, lot: Lot) -> None:
    for wrong in ("", "zz", "ab" * 32):
        assert site.post(f"{BASKET}add/", {"lot_id": wrong}).status_code == 404
    assert not BasketLine.objects.exists()


def test_the_basket_adds_up_and_one_confirmation_orders_all(buyer: Buyer, home: Home, site: Client, lot: Lot) -> None:
    other = home.list(home.seal(price=300))
    catalog_advance(source())
    for each in (lot, other):
        site.post(f"{BASKET}add/", {"lot_id": each.id})
    shown = text(site.get(BASKET))
    assert "Buy 2 lots for 400 credits?" in shown and "600</span>" in shown and "given back" in shown
    answer = site.post(CONFIRM, agreed(buyer))
    order = Order.objects.get()
    assert answer.headers["Location"] == f"/enterprise/orders/{order.public_id}/"
    assert order.purchases.count() == 2 and "The basket is empty" in text(site.get(BASKET))


def test_nothing_is_ordered_without_the_licence_or_for_another_sum(buyer: Buyer, site: Client, lot: Lot) -> None:
    site.post(f"{BASKET}add/", {"lot_id": lot.id})
    unaccepted = agreed(buyer)
    del unaccepted["accept"]
    for form, status in (
        (unaccepted, 302),
        (agreed(buyer, total="99"), 409),
        (agreed(buyer, total="-1"), 302),
        (agreed(buyer, total="much"), 302),
        (agreed(buyer, licences="00" * 32), 409),
        (agreed(buyer, licences="none"), 302),
        ({}, 302),
    ):
        assert site.post(CONFIRM, form).status_code == status, form
    assert not Order.objects.exists() and buyer.enterprise.basket.count() == 1


def test_a_basket_that_costs_too_much_can_not_be_confirmed(buyer: Buyer, home: Home, site: Client) -> None:
    dear = home.list(home.seal(price=5000))
    catalog_advance(source())
    site.post(f"{BASKET}add/", {"lot_id": dear.id})
    shown = text(site.get(BASKET))
    assert "4,000 credits short" in shown and "confirm-order" not in shown
    refused = site.post(CONFIRM, agreed(buyer))
    assert refused.status_code == 409 and "not_enough_credits" in text(refused)


def test_an_enterprise_that_is_not_accredited_fills_a_basket_and_can_not_buy(
    buyer: Buyer, site: Client, lot: Lot
) -> None:
    Enterprise.objects.update(registration="pending")
    site.post(f"{BASKET}add/", {"lot_id": lot.id})
    shown = text(site.get(BASKET))
    assert "Not accredited yet" in shown and "confirm-order" not in shown
    assert site.post(CONFIRM, agreed(buyer)).status_code == 409


def test_lots_that_changed_are_explained_and_brought_up_to_date(
    buyer: Buyer, home: Home, site: Client, lot: Lot
) -> None:
    gone, dearer = home.list(home.seal()), home.list(home.seal())
    catalog_advance(source())
    for each in (lot, gone, dearer):
        site.post(f"{BASKET}add/", {"lot_id": each.id})
    home.ledger.call(gone.payee, "market.unlist", Unlist())
    home.ledger.call(dearer.payee, "market.reprice", Reprice(150))
    catalog_advance(source())
    shown = text(site.get(BASKET))
    assert "2 lots changed" in shown and "No longer on sale" in shown and "now 150" in shown
    assert "confirm-order" not in shown
    site.post(f"{BASKET}renew/")
    assert dict(buyer.enterprise.basket.values_list("lot_id", "price")) == {lot.id: 100, dearer.id: 150}
    assert "confirm-order" in text(site.get(BASKET))


def test_the_basket_can_be_looked_at_and_not_confirmed_while_the_market_is_away(
    buyer: Buyer, site: Client, lot: Lot, monkeypatch
) -> None:
    site.post(f"{BASKET}add/", {"lot_id": lot.id})
    away(buyer, monkeypatch)
    shown = site.get(BASKET)
    assert shown.status_code == 200 and "does not answer" in text(shown) and "confirm-order" not in text(shown)
