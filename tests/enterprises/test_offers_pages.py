"""Pages and REST of offers: a version's offers are edited, homes' orders answered."""

# ruff: noqa: F811
from __future__ import annotations

from typing import Any

import pytest

from chain.contracts.service_models import rows
from enterprises.checkout.models import Enterprise
from enterprises.offers.forms import hours_between
from enterprises.offers.models import OfferSheet, ServiceOrder, VersionOffer
from marketplace.accounts.models import User
from tests import factories
from tests.enterprises.offers import OffersWorld
from tests.enterprises.pages import HTMX, browser, text
from tests.enterprises.test_offers import acme, added, placed, sheet, status, world  # noqa: F401

pytestmark = pytest.mark.django_db(databases="__all__")
OFFERS, API = "/enterprise/offers/", "/api/v1/enterprise/offers"
FLAT = {"title": "Plain", "currency": "EUR", "price": "0", "form": "flat", "kwh": "0.3", "standing": "0.2"}


@pytest.fixture
def client(member: User, sheet: OfferSheet) -> Any:
    return browser(member)


def url(sheet: OfferSheet, rest: str = "") -> str:
    return f"{OFFERS}{sheet.version}/{rest}"


def test_an_enterprise_without_a_version_is_told_how_to_come_to_one(
    world: OffersWorld, acme: Enterprise, member: User
) -> None:
    page = text(browser(member).get(OFFERS))
    assert "No version of yours is on the ledger" in page and "No orders yet" in page


def test_an_offer_is_added_and_taken_back(client: Any, sheet: OfferSheet) -> None:
    assert "Nothing is offered with this version" in text(client.get(url(sheet)))
    page = text(client.post(url(sheet), FLAT, follow=True))
    assert "Plain" in page and "0.3 EUR a kWh, 0.2 EUR a day" in page and "On its way to the market" in page
    offer = VersionOffer.objects.get()
    assert offer.body["terms"] == {
        "form": "flat", "price_micro_per_kwh": 300_000, "standing_micro_per_day": 200_000,
    }  # fmt: skip
    page = text(client.post(url(sheet, f"{offer.public_id}/withdraw/"), follow=True))
    assert "No longer on offer" in page and "Nothing is offered" in page


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        (
            {"form": "two_rate", "low": "0.1", "high": "0.3", "low_from": "22", "low_to": "6"},
            {"low_micro_per_kwh": 100_000, "high_micro_per_kwh": 300_000, "low_hours": [0, 1, 2, 3, 4, 5, 22, 23]},
        ),
        ({"form": "hourly", "hourly": " ".join(["0.25"] * 24)}, {"micro_per_kwh": [250_000] * 24}),
    ],
)
def test_the_other_tariffs_are_read_as_they_are_declared(
    fields: dict[str, str], terms: dict[str, Any], client: Any, sheet: OfferSheet
) -> None:
    assert client.post(url(sheet), {**FLAT, **fields}).status_code == 302
    assert VersionOffer.objects.get().body["terms"] == {
        "form": fields["form"], "standing_micro_per_day": 200_000, **terms,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kwh": ""}, "This belongs to the offer"),
        ({"kwh": "99"}, "price"),
        ({"form": "hourly", "hourly": "0.1 x"}, "numbers with spaces"),
        ({"form": "hourly", "hourly": "0.1 0.2"}, "24 or 168"),
        ({"form": "comfort"}, "Select a valid choice"),
    ],
)
def test_an_offer_that_can_not_be_is_asked_again(
    changes: dict[str, str], said: str, client: Any, sheet: OfferSheet
) -> None:
    answer = client.post(url(sheet), {**FLAT, **changes})
    assert answer.status_code == 422 and said in text(answer)
    assert not VersionOffer.objects.exists()


def test_hours_may_go_over_midnight() -> None:
    assert hours_between(22, 2) == [0, 1, 22, 23] and hours_between(0, 24) == list(range(24))


def test_an_order_is_confirmed_and_completed_on_the_page(client: Any, world: OffersWorld, sheet: OfferSheet) -> None:
    order = placed(world, sheet, added(sheet).digest)
    page = text(client.get(OFFERS))
    assert "Waits for your answer" in page and "Confirm this order?" in page and order.account[:6] in page
    client.post(f"{OFFERS}orders/{order.public_id}/confirm/")
    world.rounds()
    assert status(world, order) == ("confirmed", rows.CONFIRMED)
    assert client.post(f"{OFFERS}orders/{order.public_id}/decline/", {"reason": "other"}).status_code == 409
    client.post(f"{OFFERS}orders/{order.public_id}/complete/")
    world.rounds()
    assert status(world, order) == ("completed", rows.FULFILLED) and "Completed" in text(client.get(OFFERS))


def test_a_declined_order_says_why(client: Any, world: OffersWorld, sheet: OfferSheet) -> None:
    order = placed(world, sheet, added(sheet).digest)
    client.post(f"{OFFERS}orders/{order.public_id}/decline/", {"reason": "not_in_area"})
    world.rounds()
    assert status(world, order)[1] == rows.DECLINED
    assert "Not available where the home may be" in text(client.get(OFFERS))


def test_the_rule_is_chosen_on_the_page(client: Any, sheet: OfferSheet) -> None:
    client.post(url(sheet, "rule/"), {"rule": "automatic"})
    sheet.refresh_from_db()
    assert sheet.rule == "automatic"
    assert client.post(url(sheet, "rule/"), {"rule": "whatever"}).status_code == 400


def test_another_enterprise_sees_neither_sheet_nor_order(client: Any, world: OffersWorld, sheet: OfferSheet) -> None:
    order = placed(world, sheet, added(sheet).digest)
    other_user = factories.member()
    world.enterprise(other_user, "bolt", "Bolt Ltd")
    other = browser(other_user)
    assert other.get(url(sheet)).status_code == 404
    assert other.post(f"{OFFERS}orders/{order.public_id}/confirm/").status_code == 404
    assert order.account[:6] not in text(other.get(OFFERS))


def test_fragments_come_alone(client: Any, sheet: OfferSheet) -> None:
    for path in (OFFERS, url(sheet)):
        part = text(client.get(path, headers=HTMX))
        assert "<html" not in part and "data-live" in part


def test_the_rest_api_goes_the_same_way(client: Any, world: OffersWorld, sheet: OfferSheet) -> None:
    path = f"{API}/{sheet.version}"
    assert client.get(API).json()["results"][0]["version"] == sheet.version
    body = {"title": "Plain", "currency": "EUR", "terms": {"form": "flat", "price_micro_per_kwh": 300_000}}
    made = client.post(path, body, content_type="application/json")
    assert made.status_code == 201
    refused = client.post(path, {**body, "currency": "euro"[:3]}, content_type="application/json")
    assert refused.status_code == 400 and refused.json()["code"] == "offer_malformed"
    assert client.patch(path, {"rule": "automatic"}, content_type="application/json").json()["rule"] == "automatic"
    order = placed(world, sheet, made.json()["digest"])
    found = client.get(f"{API}/orders/{order.public_id}").json()
    assert (found["state"], found["offer"], found["account"]) == ("confirmed", made.json()["id"], order.account)
    assert client.post(f"{API}/orders/{order.public_id}/confirm").json()["code"] == "offer_order_answered"
    assert client.post(f"{API}/orders/{order.public_id}/complete").status_code == 202
    world.rounds()
    assert ServiceOrder.objects.get().state == "completed"
    assert client.delete(f"{path}/{made.json()['id']}").status_code == 204
    assert client.get(path).json()["offers"] == [] and client.get(f"{API}/orders").json()["count"] == 1
