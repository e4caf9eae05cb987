"""Who may open which page of the enterprise role: one table of page by role, and the same for what htmx asks for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from enterprises.checkout import services
from enterprises.urls import urlpatterns
from marketplace.accounts.models import User
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot
from tests.enterprises.pages import browser
from tests.factories import member as member_new

pytestmark = pytest.mark.django_db

ROLES = ("stranger", "owner", "operator", "outsider", "member", "other_member")
LOGIN, REGISTER = "/accounts/login/", "/enterprise/register/"
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/enterprise/orders/"}


def only_members(own: int = 200, other: int = 200) -> dict[str, int]:
    """Strangers and accounts without an enterprise are sent elsewhere; owners and operators are refused."""
    return {"stranger": 302, "owner": 403, "operator": 403, "outsider": 302, "member": own, "other_member": other}


# name of the URL, method, path, form, status by role
TABLE: list[tuple[str, str, str, dict[str, Any], dict[str, int]]] = [
    ("overview", "get", "/enterprise/", {}, only_members()),
    ("catalog", "get", "/enterprise/catalog/", {}, only_members()),
    ("lot", "get", "/enterprise/catalog/{lot}/", {}, only_members()),
    ("lot_spark", "get", "/enterprise/catalog/{lot}/spark/", {}, only_members()),
    ("basket", "get", "/enterprise/basket/", {}, only_members()),
    ("basket_button", "get", "/enterprise/basket/button/", {}, only_members()),
    ("basket_add", "post", "/enterprise/basket/add/", {"lot_id": "{lot}"}, only_members(302, 302)),
    ("basket_renew", "post", "/enterprise/basket/renew/", {}, only_members(302, 302)),
    ("basket_remove", "post", "/enterprise/basket/{lot}/remove/", {}, only_members(302, 302)),
    ("basket_clear", "post", "/enterprise/basket/clear/", {}, only_members(302, 302)),
    ("order_confirm", "post", "/enterprise/basket/confirm/", {}, only_members(302, 302)),
    ("orders", "get", "/enterprise/orders/", {}, only_members()),
    ("order", "get", "/enterprise/orders/{order}/", {}, only_members(200, 404)),
    ("purchase", "get", "/enterprise/purchases/{purchase}/", {}, only_members(200, 404)),
    ("purchase_data", "get", "/enterprise/purchases/{purchase}/data/csv/", {}, only_members(200, 404)),
    ("receipt", "get", "/enterprise/purchases/{purchase}/receipts/{tx}/", {}, only_members(200, 404)),
    ("wallet", "get", "/enterprise/wallet/", {}, only_members()),
    ("organisation", "get", "/enterprise/organisation/", {}, only_members()),
    ("member_add", "post", "/enterprise/organisation/members/", {"email": "x"}, only_members(400, 400)),
    ("member_change", "post", "/enterprise/organisation/members/{member}/", {"role": "admin"}, only_members(302, 404)),
    ("member_remove", "post", "/enterprise/organisation/members/{member}/remove/", {}, only_members(409, 404)),
    # The last one, because after it the outsider is no outsider any more.
    ("register", "post", REGISTER, {"name": "New", "contact": "a@example.org"},
     {**only_members(302, 302), "outsider": 302}),
]  # fmt: skip


@dataclass
class Cast:
    """One browser for each role, and what the paths of the table name."""

    clients: dict[str, Client]
    names: dict[str, str]

    def call(self, role: str, method: str, path: str, form: dict[str, Any], **headers: str) -> HttpResponse:
        filled = {key: value.format(**self.names) for key, value in form.items()}
        send = getattr(self.clients[role], method)
        answer: HttpResponse = send(path.format(**self.names), filled, headers=headers)
        return answer


@pytest.fixture
def cast(buyer: Buyer, home: Home, lot: Lot, owner: User, operator: User, other_member: User) -> Cast:
    Buyer(other_member, buyer.ledger, name="Other Ltd")
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    clients = {
        "stranger": Client(),
        "owner": browser(owner),
        "operator": browser(operator),
        "outsider": browser(member_new()),
        "member": browser(buyer.user),
        "other_member": browser(other_member),
    }
    names = {
        "lot": lot.id,
        "order": str(purchase.order.public_id),
        "purchase": str(purchase.public_id),
        "tx": purchase.steps.get(state="funded").tx_id,
        "member": str(buyer.user.pk),
    }
    return Cast(clients, names)


def test_every_page_answers_every_role_as_the_table_says(cast: Cast) -> None:
    wrong = []
    for name, method, path, form, expected in TABLE:
        for role in ROLES:
            answer = cast.call(role, method, path, form)
            if answer.status_code != expected[role]:
                wrong.append(f"{method} {name} as {role}: {answer.status_code}, not {expected[role]}")
    assert not wrong, "\n".join(wrong)


def test_strangers_are_sent_to_the_log_in_and_newcomers_to_the_registration(cast: Cast) -> None:
    for name, method, path, form, _ in TABLE:
        assert cast.call("stranger", method, path, form).headers["Location"].startswith(LOGIN), name
        if name != "register":
            assert cast.call("outsider", method, path, form).headers["Location"] == REGISTER, name


def test_fragments_are_checked_on_their_own(cast: Cast) -> None:
    for name, method, path, form, expected in TABLE:
        if name == "register":
            continue
        stranger = cast.call("stranger", method, path, form, **HTMX)
        assert stranger.status_code == 204 and stranger.headers["HX-Redirect"].startswith(LOGIN), name
        assert not stranger.content, name
        newcomer = cast.call("outsider", method, path, form, **HTMX)
        assert newcomer.headers["HX-Redirect"] == REGISTER and not newcomer.content, name
        for role in ("owner", "operator"):
            assert cast.call(role, method, path, form, **HTMX).status_code == 403, name
        if expected["other_member"] == 404:
            assert cast.call("other_member", method, path, form, **HTMX).status_code == 404, name


def test_the_table_has_every_page() -> None:
    """Pages of training and offers stand in the table of access alone (tests/access), which asks every role too."""
    here = {url.name for url in urlpatterns if not url.name.startswith(("training", "offer", "service_"))}
    assert here == {name for name, *_ in TABLE}


def test_what_changes_something_can_not_be_asked_for_with_get(cast: Cast) -> None:
    for name, method, path, form, _ in TABLE:
        if method == "post" and name != "register":
            assert cast.call("member", "get", path, form).status_code == 405, name


def test_a_receipt_of_another_transaction_is_not_given_out(cast: Cast) -> None:
    path = "/enterprise/purchases/{purchase}/receipts/" + "ab" * 32 + "/"
    assert cast.call("member", "get", path, {}).status_code == 404


def test_an_order_that_does_not_exist_looks_like_anothers(cast: Cast) -> None:
    mine = cast.call("other_member", "get", "/enterprise/orders/{order}/", {})
    none = cast.call("other_member", "get", f"/enterprise/orders/{uuid.uuid4()}/", {})
    assert mine.status_code == none.status_code == 404
    assert b"order_unknown" in mine.content and b"order_unknown" in none.content


def test_a_buyer_who_is_no_administrator_is_not_offered_and_not_allowed_to_change_members(
    cast: Cast, buyer: Buyer
) -> None:
    colleague = member_new()
    services.member_add(actor=buyer.member, user_id=colleague.pk)
    client = browser(colleague)
    assert b"Add a member" not in client.get("/enterprise/organisation/").content
    refused = client.post("/enterprise/organisation/members/", {"email": "nobody@example.org", "role": "buyer"})
    assert refused.status_code in (400, 403)
    url = f"/enterprise/organisation/members/{buyer.user.pk}/"
    assert client.post(url, {"role": "buyer"}).status_code == 403
    assert client.post(f"{url}remove/").status_code == 403
    assert buyer.member.role == "admin"
