"""Registration, overview, wallet and organisation: what the pages show and do."""

from __future__ import annotations

import pytest
from django.test import Client

from chain.wallets.address import address_text
from enterprises.checkout import services
from enterprises.checkout.keys import unseal
from enterprises.checkout.models import Enterprise, Member
from enterprises.checkout.outbox import wallet_context
from enterprises.checkout.wallets import market_token
from marketplace.accounts.models import User
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot
from tests.enterprises.ledger import SharedLedger
from tests.enterprises.market import connect
from tests.enterprises.pages import HTMX, away, browser, text
from tests.factories import member as member_new

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(buyer: Buyer) -> Client:
    """The browser of the buyer's administrator."""
    return browser(buyer.user)


def test_a_new_enterprise_registers_and_sees_its_way_to_the_first_purchase(ledger: SharedLedger) -> None:
    user = member_new()
    client = browser(user)
    assert user.email in text(client.get("/enterprise/register/"))
    answer = client.post("/enterprise/register/", {"name": "Nordwind", "contact": user.email})
    assert answer.headers["Location"] == "/enterprise/"
    shown = text(client.get("/enterprise/"))
    assert "Nordwind" in shown and "Wait for accreditation" in shown and "No orders yet" in shown
    assert client.get("/enterprise/register/").headers["Location"] == "/enterprise/"


def test_a_registration_page_that_is_open_goes_on_once_the_account_is_a_member(buyer: Buyer, site: Client) -> None:
    newcomer = member_new()
    client = browser(newcomer)
    assert 'data-live="membership."' in text(client.get("/enterprise/register/"))
    assert "HX-Redirect" not in client.get("/enterprise/register/", headers=HTMX).headers
    services.member_add(actor=buyer.member, user_id=newcomer.pk)
    assert client.get("/enterprise/register/", headers=HTMX).headers["HX-Redirect"] == "/enterprise/"


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "", "contact": "a@example.org"}, "required"),
        ({"name": "   ", "contact": "a@example.org"}, "required"),
        ({"name": "n" * 121, "contact": "a@example.org"}, "at most 120"),
        ({"name": "Nordwind", "contact": "nobody"}, "valid email"),
        ({"name": "Nordwind"}, "required"),
    ],
)
def test_a_registration_with_bad_fields_makes_nothing_and_says_why(ledger: SharedLedger, form, said: str) -> None:
    answer = browser(member_new()).post("/enterprise/register/", form)
    assert answer.status_code == 200 and said in text(answer)
    assert not Enterprise.objects.exists()


def test_the_overview_says_when_an_accreditation_is_suspended(buyer: Buyer, site: Client) -> None:
    Enterprise.objects.update(registration="suspended")
    assert "Suspended by the market" in text(site.get("/enterprise/"))


def test_the_overview_stays_up_while_the_market_is_away(buyer: Buyer, site: Client, lot: Lot, monkeypatch) -> None:
    away(buyer, monkeypatch)
    shown = site.get("/enterprise/")
    assert shown.status_code == 200 and "does not answer" in text(shown) and "1,000" in text(shown)


MOVE = {"time_ms": 1_800_000_000_000, "tx_id": "ab" * 32, "kind": "escrow", "amount": -100, "lot_id": "cd" * 32}


def test_the_wallet_page_shows_address_balance_and_moves(buyer: Buyer, site: Client, monkeypatch) -> None:
    page = {"moves": [MOVE], "next": None}
    monkeypatch.setattr(buyer.market, "history_newest", lambda address, before: page)
    shown = text(site.get("/enterprise/wallet/"))
    assert address_text(bytes.fromhex(buyer.wallet.address)) in shown
    assert "1,000" in shown and "Paid into escrow" in shown and "−100" in shown
    assert "Older" not in shown and "Newest" not in shown


def test_the_wallet_page_leads_from_the_newest_moves_to_the_older_ones(buyer: Buyer, site: Client, monkeypatch) -> None:
    pages = {
        "": {"moves": [MOVE | {"amount": -2}], "next": "9.0.1"},
        "9.0.1": {"moves": [MOVE | {"amount": -1}], "next": None},
    }
    monkeypatch.setattr(buyer.market, "history_newest", lambda address, before: pages[before])
    newest = text(site.get("/enterprise/wallet/"))
    assert "−2<" in newest and 'href="?before=9.0.1"' in newest and "Newest" not in newest
    older = text(site.get("/enterprise/wallet/?before=9.0.1"))
    assert "−1<" in older and "Older" not in older and "Newest" in older
    assert 'hx-get="/enterprise/wallet/?before=9.0.1"' in older, "a live event renews the page that is looked at"
    told = site.get("/api/v1/enterprise/wallet", {"before": "9.0.1"}).json()
    assert (told["history"][0]["amount"], told["history_next"]) == (-1, None)
    assert site.get("/api/v1/enterprise/wallet").json()["history_next"] == "9.0.1"


def test_the_wallet_page_shows_the_last_balance_while_the_market_is_away(
    buyer: Buyer, site: Client, monkeypatch
) -> None:
    away(buyer, monkeypatch)
    shown = text(site.get("/enterprise/wallet/"))
    assert "does not answer" in shown and "1,000" in shown


def test_an_administrator_adds_changes_and_removes_a_member(buyer: Buyer, site: Client) -> None:
    colleague = member_new()
    url = "/enterprise/organisation/members/"
    assert site.post(url, {"email": colleague.email, "role": "buyer"}).status_code == 302
    assert colleague.email in text(site.get("/enterprise/organisation/"))
    site.post(f"{url}{colleague.pk}/", {"role": "admin"})
    assert Member.objects.get(user_id=colleague.pk).role == "admin"
    site.post(f"{url}{colleague.pk}/", {"role": "emperor"})
    assert Member.objects.get(user_id=colleague.pk).role == "admin"
    assert site.post(f"{url}{buyer.user.pk}/remove/").headers["Location"] == "/enterprise/register/"
    assert site.get("/enterprise/").headers["Location"] == "/enterprise/register/"


@pytest.mark.parametrize("email", ["", "nobody", "nobody@example.org"])
def test_a_member_who_can_not_be_added_is_said_beside_the_field(buyer: Buyer, site: Client, email: str) -> None:
    answer = site.post("/enterprise/organisation/members/", {"email": email, "role": "buyer"})
    assert answer.status_code == 400 and "form-error" in text(answer)
    assert Member.objects.count() == 1


def test_owners_and_members_of_others_can_not_be_added(buyer: Buyer, site: Client, owner: User) -> None:
    other = member_new()
    services.enterprise_sign_up(user_id=other.pk, name="Other", contact="o@example.org")
    for email in (owner.email, other.email):
        assert site.post("/enterprise/organisation/members/", {"email": email, "role": "buyer"}).status_code == 400
    assert buyer.enterprise.members.count() == 1


def test_pages_hold_no_secret_of_the_enterprise(buyer: Buyer, home: Home, site: Client, lot: Lot) -> None:

    (purchase,) = buyer.order(lot)
    buyer.rounds()
    secrets = (unseal(buyer.wallet.sealed_secret, wallet_context(buyer.wallet)).hex(), market_token(buyer.enterprise))
    for url in ("", "wallet/", "organisation/", "orders/", f"purchases/{purchase.public_id}/"):
        shown = text(site.get(f"/enterprise/{url}"))
        assert not any(secret in shown for secret in secrets), url
    assert connect(secrets[1]) is buyer.market
