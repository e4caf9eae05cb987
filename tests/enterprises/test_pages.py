"""What the enterprise's pages show and do, with the market in process."""

from __future__ import annotations

import json

import pytest
from django.core.cache import cache
from django.test import Client

from chain.contracts.market.rows import Reprice, Unlist
from enterprises.catalog.indexing import catalog_advance
from enterprises.checkout import services
from enterprises.checkout.models import BasketLine, Enterprise, Member, Order, Purchase
from enterprises.checkout.preview import preview_checked
from enterprises.forms import CatalogForm
from marketplace.accounts.models import User
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot
from tests.enterprises.ledger import SharedLedger
from tests.enterprises.market import connect, source
from tests.factories import member as member_new

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
CATALOG, BASKET, CONFIRM = "/enterprise/catalog/", "/enterprise/basket/", "/enterprise/basket/confirm/"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def page(buyer: Buyer) -> Client:
    return browser(buyer.user)


def text(answer) -> str:
    return answer.content.decode()


def agreed(buyer: Buyer, **changes) -> dict[str, str]:
    """The form as the basket page fills it in."""
    lines = list(buyer.enterprise.basket.all())
    form = {
        "total": str(sum(line.price for line in lines)),
        "licences": " ".join(sorted({line.licence for line in lines})),
        "accept": "on",
    }
    return {**form, **changes}


# registration and overview


def test_a_new_enterprise_registers_and_sees_its_way_to_the_first_purchase(ledger: SharedLedger) -> None:
    user = member_new()
    client = browser(user)
    assert user.email in text(client.get("/enterprise/register/"))
    answer = client.post("/enterprise/register/", {"name": "Nordwind", "contact": user.email})
    assert answer.headers["Location"] == "/enterprise/"
    shown = text(client.get("/enterprise/"))
    assert "Nordwind" in shown and "Wait for accreditation" in shown and "No orders yet" in shown
    assert client.get("/enterprise/register/").headers["Location"] == "/enterprise/"


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


def test_the_overview_says_when_an_accreditation_is_suspended(buyer: Buyer, page: Client) -> None:
    Enterprise.objects.update(registration="suspended")
    assert "Suspended by the market" in text(page.get("/enterprise/"))


def test_the_overview_stays_up_while_the_market_is_away(buyer: Buyer, page: Client, lot: Lot, monkeypatch) -> None:
    away(buyer, monkeypatch)
    shown = page.get("/enterprise/")
    assert shown.status_code == 200 and "does not answer" in text(shown) and "1,000" in text(shown)


def away(buyer: Buyer, monkeypatch) -> None:
    """The market does not answer this enterprise any more."""
    from marketplace.common.errors import Unavailable

    def fail(*args, **kwargs):
        raise Unavailable

    for name in ("balance", "history", "lots", "facets", "lot", "preview", "licence", "proof"):
        monkeypatch.setattr(buyer.market, name, fail)


# catalog


def test_the_catalog_shows_lots_and_the_fragment_has_no_frame(page: Client, lot: Lot) -> None:
    whole = text(page.get(CATALOG))
    assert lot.id in whole and "100</span>" in whole and "<html" in whole
    part = page.get(CATALOG, {"q": "temperature", "price_min": ""}, headers=HTMX)
    assert lot.id in text(part) and "<html" not in text(part) and 'hx-swap-oob="innerHTML"' in text(part)
    assert part.headers["HX-Push-Url"] == f"{CATALOG}?q=temperature"
    assert "HX-Request" in part.headers["Vary"]


def test_a_restored_history_entry_gets_the_whole_page(page: Client, lot: Lot) -> None:
    assert "<html" in text(page.get(CATALOG, headers={**HTMX, "HX-History-Restore-Request": "true"}))


def test_the_catalog_is_empty_without_lots_and_says_so_otherwise_than_without_hits(page: Client, lot: Lot) -> None:
    assert "No lot fits" in text(page.get(CATALOG, {"q": "zebra"}))
    from enterprises.catalog.models import CatalogLot

    CatalogLot.objects.all().delete()
    assert "Nothing on sale yet" in text(page.get(CATALOG))


def test_filters_become_chips_that_take_themselves_away(page: Client, lot: Lot) -> None:
    shown = text(page.get(CATALOG, {"device_class": "climate", "q": "temperature", "page": "1"}))
    assert 'class="filter-chip" href="?q=temperature"' in shown
    assert 'class="filter-chip" href="?device_class=climate"' in shown
    assert "Clear all" in shown


@pytest.mark.parametrize(
    "query",
    [
        {"price_min": "abc"},
        {"price_min": "-5"},
        {"price_max": "9" * 40},
        {"start": "yesterday"},
        {"sort": "; drop table"},
        {"page": "0"},
        {"page": "999999"},
        {"q": "x" * 500},
        {"resolution_s": "five"},
        {"label": "<script>alert(1)</script>"},
        {"price_min": "10", "price_max": "5"},
    ],
)
def test_bad_filters_never_break_the_catalog(page: Client, lot: Lot, query: dict[str, str]) -> None:
    answer = page.get(CATALOG, query)
    assert answer.status_code == 200
    assert "<script>alert" not in text(answer)


def test_a_refused_filter_is_left_out_and_said(page: Client, lot: Lot) -> None:
    shown = text(page.get(CATALOG, {"price_min": "abc"}))
    assert lot.id in shown and "whole number" in shown
    assert CatalogForm({"price_min": "abc", "end": "2027-01-31"}).query() == {"end": "2027-01-31T23:59:59Z"}


def test_the_catalog_says_when_the_market_is_away(buyer: Buyer, page: Client, lot: Lot, monkeypatch) -> None:
    away(buyer, monkeypatch)
    answer = page.get(CATALOG)
    assert answer.status_code == 503 and "Try again" in text(answer) and "<html" in text(answer)


def test_the_small_line_is_drawn_from_the_checked_preview_and_checked_once(
    buyer: Buyer, page: Client, lot: Lot, monkeypatch
) -> None:
    assert "<polyline" in text(page.get(f"{CATALOG}{lot.id}/spark/"))
    away(buyer, monkeypatch)
    assert "<polyline" in text(page.get(f"{CATALOG}{lot.id}/spark/"))
    cache.clear()
    assert "No preview" in text(page.get(f"{CATALOG}{lot.id}/spark/"))


def test_the_lot_page_shows_the_checked_preview_the_roots_and_the_licence(buyer: Buyer, page: Client, lot: Lot) -> None:
    shown = text(page.get(f"{CATALOG}{lot.id}/"))
    preview = preview_checked(buyer.market, lot.id, lot.publish_tx)
    assert preview.rows[0][1] in shown
    for root in (lot.digest.key_root, lot.digest.cipher_root, lot.digest.plain_root, lot.digest.licence):
        assert root.hex() in shown
    assert "Your node has checked these rows" in shown and "not that the readings are true" in shown
    assert "People stay unknown" in shown and "Add to basket" in shown


def test_a_preview_that_does_not_hold_is_not_shown_and_the_lot_not_offered(
    buyer: Buyer, page: Client, lot: Lot, monkeypatch
) -> None:
    honest = buyer.market.preview(lot.id)
    for chunk in honest["chunks"]:
        chunk["key_path"] = ["00" * 32 for _ in chunk["key_path"]]
    monkeypatch.setattr(buyer.market, "preview", lambda lot_id: honest)
    shown = text(page.get(f"{CATALOG}{lot.id}/"))
    assert "preview_contradicts" in shown and "Your node has checked" not in shown
    assert 'name="lot_id"' not in shown


def test_an_unknown_or_malformed_lot_is_not_found(page: Client, lot: Lot) -> None:
    assert page.get(f"{CATALOG}{'ab' * 32}/").status_code == 404
    assert page.get(f"{CATALOG}nonsense/").status_code == 404


# basket


def test_a_lot_goes_in_and_out_of_the_basket_with_and_without_htmx(buyer: Buyer, page: Client, lot: Lot) -> None:
    answer = page.post(f"{BASKET}add/", {"lot_id": lot.id, "next": f"{CATALOG}?q=x"})
    assert answer.headers["Location"] == f"{CATALOG}?q=x"
    part = text(page.post(f"{BASKET}{lot.id}/remove/", headers=HTMX))
    assert "Add to basket" in part and 'id="basket-button" hx-swap-oob="true"' in part
    part = text(page.post(f"{BASKET}add/", {"lot_id": lot.id}, headers=HTMX))
    assert "In basket" in part and buyer.enterprise.basket.count() == 1


def test_the_basket_sends_nobody_to_another_site(page: Client, lot: Lot) -> None:
    for evil in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        answer = page.post(f"{BASKET}add/", {"lot_id": lot.id, "next": evil})
        assert answer.headers["Location"] == BASKET


def test_a_lot_that_is_none_is_not_put_in(page: Client, lot: Lot) -> None:
    for wrong in ("", "zz", "ab" * 32):
        assert page.post(f"{BASKET}add/", {"lot_id": wrong}).status_code == 404
    assert not BasketLine.objects.exists()


def test_the_basket_adds_up_and_one_confirmation_orders_all(buyer: Buyer, home: Home, page: Client, lot: Lot) -> None:
    other = home.list(home.seal(price=300))
    catalog_advance(source())
    for each in (lot, other):
        page.post(f"{BASKET}add/", {"lot_id": each.id})
    shown = text(page.get(BASKET))
    assert "Buy 2 lots for 400 credits?" in shown and "600</span>" in shown and "given back" in shown
    answer = page.post(CONFIRM, agreed(buyer))
    order = Order.objects.get()
    assert answer.headers["Location"] == f"/enterprise/orders/{order.public_id}/"
    assert order.purchases.count() == 2 and "The basket is empty" in text(page.get(BASKET))


def test_nothing_is_ordered_without_the_licence_or_for_another_sum(buyer: Buyer, page: Client, lot: Lot) -> None:
    page.post(f"{BASKET}add/", {"lot_id": lot.id})
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
        assert page.post(CONFIRM, form).status_code == status, form
    assert not Order.objects.exists() and buyer.enterprise.basket.count() == 1


def test_a_basket_that_costs_too_much_can_not_be_confirmed(buyer: Buyer, home: Home, page: Client) -> None:
    dear = home.list(home.seal(price=5000))
    catalog_advance(source())
    page.post(f"{BASKET}add/", {"lot_id": dear.id})
    shown = text(page.get(BASKET))
    assert "4,000 credits short" in shown and "confirm-order" not in shown
    refused = page.post(CONFIRM, agreed(buyer))
    assert refused.status_code == 409 and "not_enough_credits" in text(refused)


def test_an_enterprise_that_is_not_accredited_fills_a_basket_and_can_not_buy(
    buyer: Buyer, page: Client, lot: Lot
) -> None:
    Enterprise.objects.update(registration="pending")
    page.post(f"{BASKET}add/", {"lot_id": lot.id})
    shown = text(page.get(BASKET))
    assert "Not accredited yet" in shown and "confirm-order" not in shown
    assert page.post(CONFIRM, agreed(buyer)).status_code == 409


def test_lots_that_changed_are_explained_and_brought_up_to_date(
    buyer: Buyer, home: Home, page: Client, lot: Lot
) -> None:
    gone, dearer = home.list(home.seal()), home.list(home.seal())
    catalog_advance(source())
    for each in (lot, gone, dearer):
        page.post(f"{BASKET}add/", {"lot_id": each.id})
    home.ledger.call(gone.payee, "market.unlist", Unlist())
    home.ledger.call(dearer.payee, "market.reprice", Reprice(150))
    catalog_advance(source())
    shown = text(page.get(BASKET))
    assert "2 lots changed" in shown and "No longer on sale" in shown and "now 150" in shown
    assert "confirm-order" not in shown
    page.post(f"{BASKET}renew/")
    assert dict(buyer.enterprise.basket.values_list("lot_id", "price")) == {lot.id: 100, dearer.id: 150}
    assert "confirm-order" in text(page.get(BASKET))


def test_the_basket_can_be_looked_at_and_not_confirmed_while_the_market_is_away(
    buyer: Buyer, page: Client, lot: Lot, monkeypatch
) -> None:
    page.post(f"{BASKET}add/", {"lot_id": lot.id})
    away(buyer, monkeypatch)
    shown = page.get(BASKET)
    assert shown.status_code == 200 and "does not answer" in text(shown) and "confirm-order" not in text(shown)


# orders


def test_an_order_page_follows_a_purchase_to_its_rows_and_receipts(
    buyer: Buyer, home: Home, page: Client, lot: Lot
) -> None:
    (purchase,) = buyer.order(lot)
    url = f"/enterprise/orders/{purchase.order.public_id}/"
    assert "Checking the lot" in text(page.get(url)) and "Still sealed" in text(page.get(url))
    buyer.rounds()
    shown = text(page.get(url, headers=HTMX))
    assert "In escrow" in shown and "data-countdown" in shown and "<html" not in shown
    home.deliver(lot)
    buyer.rounds()
    shown = text(page.get(url))
    assert "Settled" in shown and "data-countdown" not in shown and "20.00" in shown
    funded = purchase.steps.get(state="funded").tx_id
    told = page.get(f"/enterprise/purchases/{purchase.public_id}/receipts/{funded}/")
    assert json.loads(told.content)["shows"]["transaction"] == funded
    assert "attachment" in told.headers["Content-Disposition"]


def test_an_order_of_many_lots_counts_what_became_of_each(buyer: Buyer, home: Home, page: Client, lot: Lot) -> None:
    refused, open_one = home.list(home.seal(price=200)), home.list(home.seal(price=300))
    catalog_advance(source())
    purchases = buyer.order(lot, refused, open_one)
    buyer.rounds()
    home.reject(refused)
    home.deliver(lot)
    buyer.rounds()
    shown = text(page.get(f"/enterprise/orders/{purchases[0].order.public_id}/"))
    assert 'value="2"' in shown and 'max="3"' in shown and "The home declined the order" in shown
    listed = text(page.get("/enterprise/orders/"))
    assert "1 open" in listed and "1 settled" in listed and "1 refunded" in listed


def test_a_purchase_that_was_never_paid_says_why_in_plain_words(
    buyer: Buyer, home: Home, page: Client, lot: Lot
) -> None:
    (purchase,) = buyer.order(lot)
    home.ledger.call(lot.payee, "market.reprice", Reprice(500))
    buyer.rounds()
    shown = text(page.get(f"/enterprise/purchases/{purchase.public_id}/"))
    assert "The home changed the price after you confirmed. Nothing was paid." in shown


@pytest.mark.parametrize(("kind", "begins"), [("csv", b"time,"), ("json", b'{"columns"'), ("parquet", b"PAR1")])
def test_rows_can_be_downloaded_once_they_are_there(
    buyer: Buyer, home: Home, page: Client, lot: Lot, kind: str, begins: bytes
) -> None:
    (purchase,) = buyer.order(lot)
    url = f"/enterprise/purchases/{purchase.public_id}/data/{kind}/"
    refused = page.get(url)
    assert refused.status_code == 409 and b"data_not_ready" in refused.content
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    answer = page.get(url)
    assert b"".join(answer.streaming_content).startswith(begins)
    assert f".{kind}" in answer.headers["Content-Disposition"]
    assert page.get(url.replace(f"/{kind}/", "/exe/")).status_code == 400


def test_rows_of_a_refunded_purchase_are_neither_shown_nor_given(
    buyer: Buyer, home: Home, page: Client, lot: Lot
) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    Purchase.objects.update(state=Purchase.State.REFUNDED)
    assert page.get(f"/enterprise/purchases/{purchase.public_id}/data/csv/").status_code == 409
    assert "20.00" not in text(page.get(f"/enterprise/purchases/{purchase.public_id}/"))


# wallet and organisation


def test_the_wallet_page_shows_address_balance_and_moves(buyer: Buyer, page: Client, monkeypatch) -> None:
    from chain.wallets.address import address_text

    move = {"time_ms": 1_800_000_000_000, "tx_id": "ab" * 32, "kind": "escrow", "amount": -100, "lot_id": "cd" * 32}
    monkeypatch.setattr(buyer.market, "history", lambda address: [move])
    shown = text(page.get("/enterprise/wallet/"))
    assert address_text(bytes.fromhex(buyer.wallet.address)) in shown
    assert "1,000" in shown and "Paid into escrow" in shown and "−100" in shown


def test_the_wallet_page_shows_the_last_balance_while_the_market_is_away(
    buyer: Buyer, page: Client, monkeypatch
) -> None:
    away(buyer, monkeypatch)
    shown = text(page.get("/enterprise/wallet/"))
    assert "does not answer" in shown and "1,000" in shown


def test_an_administrator_adds_changes_and_removes_a_member(buyer: Buyer, page: Client) -> None:
    colleague = member_new()
    url = "/enterprise/organisation/members/"
    assert page.post(url, {"email": colleague.email, "role": "buyer"}).status_code == 302
    assert colleague.email in text(page.get("/enterprise/organisation/"))
    page.post(f"{url}{colleague.pk}/", {"role": "admin"})
    assert Member.objects.get(user_id=colleague.pk).role == "admin"
    page.post(f"{url}{colleague.pk}/", {"role": "emperor"})
    assert Member.objects.get(user_id=colleague.pk).role == "admin"
    assert page.post(f"{url}{buyer.user.pk}/remove/").headers["Location"] == "/enterprise/register/"
    assert page.get("/enterprise/").headers["Location"] == "/enterprise/register/"


@pytest.mark.parametrize("email", ["", "nobody", "nobody@example.org"])
def test_a_member_who_can_not_be_added_is_said_beside_the_field(buyer: Buyer, page: Client, email: str) -> None:
    answer = page.post("/enterprise/organisation/members/", {"email": email, "role": "buyer"})
    assert answer.status_code == 400 and "form-error" in text(answer)
    assert Member.objects.count() == 1


def test_owners_and_members_of_others_can_not_be_added(buyer: Buyer, page: Client, owner: User) -> None:
    other = member_new()
    services.enterprise_sign_up(user_id=other.pk, name="Other", contact="o@example.org")
    for email in (owner.email, other.email):
        assert page.post("/enterprise/organisation/members/", {"email": email, "role": "buyer"}).status_code == 400
    assert buyer.enterprise.members.count() == 1


def test_pages_hold_no_secret_of_the_enterprise(buyer: Buyer, home: Home, page: Client, lot: Lot) -> None:
    from enterprises.checkout.keys import unseal
    from enterprises.checkout.outbox import wallet_context
    from enterprises.checkout.wallets import market_token

    (purchase,) = buyer.order(lot)
    buyer.rounds()
    secrets = (unseal(buyer.wallet.sealed_secret, wallet_context(buyer.wallet)).hex(), market_token(buyer.enterprise))
    for url in ("", "wallet/", "organisation/", "orders/", f"purchases/{purchase.public_id}/"):
        shown = text(page.get(f"/enterprise/{url}"))
        assert not any(secret in shown for secret in secrets), url
    assert connect(secrets[1]) is buyer.market
