"""Pages and REST of advice: from the list of services to a completed order, without scripts, and refusals in words."""

# ruff: noqa: F811
from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chain.contracts.service_models import rows
from households.models import AdviceOrder, Household, Inquiry
from marketplace.accounts.models import User
from tests.households import advice as world
from tests.households.advice import AdviceMarket
from tests.households.market import MemoryMarket
from tests.households.test_advice import _advice, go_on, offered, ranked, rich  # noqa: F401
from tests.households.world import PASSPHRASE, devices_new, home_new

pytestmark = pytest.mark.django_db(databases="__all__")
API = "/api/v1/home/advice"
ASK = {"price": "0.32", "standing": "0", "currency": "EUR"}


class Owned:
    def __init__(self, owner: User, home: Household) -> None:
        self.home, self.client = home, Client()
        self.client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")

    def get(self, name: str, *args: object, status: int = 200, **headers: str) -> str:
        answer = self.client.get(reverse(f"households:{name}", args=args), headers=headers)
        assert answer.status_code == status, answer.content[:300]
        return answer.content.decode()

    def post(self, name: str, data: dict[str, Any], *args: object, status: int = 200) -> str:
        answer = self.client.post(reverse(f"households:{name}", args=args), data, follow=True)
        assert answer.status_code == status, answer.content[:300]
        return answer.content.decode()


@pytest.fixture
def owned(market: MemoryMarket, owner: User, offered: AdviceMarket) -> Owned:
    home = home_new(owner.pk)
    (meter,) = devices_new(home, 1, "mains")
    world.measured(home, meter)
    return Owned(owner, home)


def advised(owned: Owned) -> Inquiry:
    owned.post("advice_ask", ASK, world.SERVICE_NAME)
    go_on(owned.home)
    return Inquiry.objects.using("home").get()


def test_the_list_says_which_services_fit_and_what_others_lack(
    owned: Owned, owner: User, offered: AdviceMarket
) -> None:
    page = owned.get("advice")
    assert "Tariff advice" in page and "2 models" in page and "Nothing asked yet" in page
    owned.home.devices.using("home").update(status="revoked")
    assert "does not measure what it needs: Mains meter" in owned.get("advice")


def test_a_market_that_is_away_is_told_and_the_history_stays(
    owned: Owned, offered: AdviceMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    advised(owned)

    def away() -> None:
        raise world.Unavailable("The market does not answer")

    monkeypatch.setattr(offered.models, "services", away)
    page = owned.get("advice")
    assert "The market does not answer" in page and "Best: Night owl" in page


def test_asking_shows_progress_and_then_ranked_offers_with_reasons(owned: Owned) -> None:
    said = owned.get("advice_ask", world.SERVICE_NAME)
    assert "No reading, no prediction and nothing that you type below" in said
    assert "Under way" in owned.post("advice_ask", ASK, world.SERVICE_NAME)
    go_on(owned.home)
    page = owned.get("advice_inquiry", Inquiry.objects.using("home").get().pk)
    assert page.index("Night owl") < page.index("Bolt flat") < page.index("Plain")
    for part in ("Best for your home", "It saves about", "6 cheap hours", "Judge", "stretched to a year", "advice-day"):
        assert part in page, part
    assert "{" not in page.split("<main")[1].split("<script")[0].replace("{&quot;", "")


def test_a_form_with_a_price_that_is_none_is_asked_again(owned: Owned) -> None:
    page = owned.post("advice_ask", {**ASK, "price": "-1"}, world.SERVICE_NAME, status=422)
    assert "form-error" in page and not Inquiry.objects.using("home").exists()


def test_an_order_is_asked_once_more_and_needs_the_tick(owned: Owned, offered: AdviceMarket) -> None:
    found = ranked(advised(owned), "Night owl")
    page = owned.get("advice_order_new", found.pk)
    assert "What leaves with this order" in page and bytes(found.digest).hex()[:6] in page
    assert "Passphrase" not in page
    owned.post("advice_order_new", {"price": "0"}, found.pk, status=422)
    assert not AdviceOrder.objects.using("home").exists()
    page = owned.post("advice_order_new", {"price": "0", "read": "on"}, found.pk)
    assert "The enterprise is asked now" in page
    go_on(owned.home)
    order = AdviceOrder.objects.using("home").get()
    assert "Waiting for an answer" in owned.get("advice_order", order.pk)
    offered.models.call("acme", "service_models.order_confirm", rows.OrderConfirm(bytes(order.order_id)))
    go_on(owned.home)
    assert "The service was given" in owned.get("advice_order", order.pk)
    owned.post("advice_order_done", {}, order.pk)
    go_on(owned.home)
    assert "Completed" in owned.get("advice_order", order.pk) and "Night owl" in owned.get("advice")


def test_an_order_with_a_price_says_what_it_links_and_refuses_a_wrong_passphrase(
    owned: Owned, offered: AdviceMarket
) -> None:
    found = ranked(advised(owned), "Plain")
    rich(owned.home, offered)
    page = owned.get("advice_order_new", found.pk)
    assert "What a payment links" in page and "40" in page
    body = {"price": "40", "read": "on", "passphrase": "not the passphrase"}
    assert "does not open the wallet" in owned.post("advice_order_new", body, found.pk, status=422)
    owned.post("advice_order_new", {**body, "price": "1", "passphrase": PASSPHRASE}, found.pk, status=422)
    owned.post("advice_order_new", {**body, "passphrase": PASSPHRASE}, found.pk)
    go_on(owned.home)
    assert "in escrow" in owned.get("advice_order", AdviceOrder.objects.using("home").get().pk)


def test_a_declined_order_says_why(owned: Owned, offered: AdviceMarket) -> None:
    found = ranked(advised(owned), "Night owl")
    owned.post("advice_order_new", {"price": "0", "read": "on"}, found.pk)
    go_on(owned.home)
    order_id = bytes(AdviceOrder.objects.using("home").get().order_id)
    offered.models.call("acme", "service_models.order_decline", rows.OrderDecline(order_id, "not_in_area"))
    go_on(owned.home)
    page = owned.get("advice_order", AdviceOrder.objects.using("home").get().pk)
    assert "Declined" in page and "not available where your home may be" in page


def test_fragments_come_alone(owned: Owned) -> None:
    inquiry = advised(owned)
    for name, args in (("advice", ()), ("advice_inquiry", (inquiry.pk,))):
        part = owned.get(name, *args, **{"HX-Request": "true"})
        assert "<html" not in part and 'data-live="advice"' in part


def test_the_rest_api_goes_the_same_way(owned: Owned, owner: User, offered: AdviceMarket) -> None:
    api = owned.client
    (service,) = api.get(f"{API}/services").json()
    assert (service["name"], service["fits"], service["models"]) == (world.SERVICE_NAME, True, 2)
    body = {"service": world.SERVICE_NAME, "present": {"price_micro_per_kwh": 320_000, "currency": "EUR"}}
    answer = api.post(f"{API}/inquiries", body, content_type="application/json")
    assert answer.status_code == 201 and answer.json()["per_cent"] == 0
    go_on(owned.home)
    whole = api.get(f"{API}/inquiries/{answer.json()['id']}").json()
    assert (whole["state"], whole["per_cent"], len(whole["runs"])) == ("ready", 100, 2)
    best = whole["ranked"][0]
    assert (best["offer"]["title"], best["enterprise_name"]) == ("Night owl", "Acme Energy")
    placed = api.post(f"{API}/orders", {"offer": best["id"]}, content_type="application/json")
    assert placed.status_code == 201
    again = api.post(f"{API}/orders", {"offer": best["id"]}, content_type="application/json")
    assert again.status_code == 409 and again.json()["code"] == "advice_ordered"
    go_on(owned.home)
    order = api.get(f"{API}/orders/{placed.json()['id']}").json()
    assert (order["state"], order["money"]) == ("placed", "none")
    early = api.post(f"{API}/orders/{order['id']}/complete")
    assert early.status_code == 409 and early.json()["code"] == "advice_not_confirmed"
    assert api.get(f"{API}/orders").json()["count"] == 1 and api.get(f"{API}/inquiries").json()["count"] == 1
