"""The orders' pages: progress, receipts, downloads."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from chain.client.wire import genesis_json
from chain.contracts.market.rows import Reprice
from enterprises.catalog.indexing import catalog_advance
from enterprises.checkout.models import Purchase
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot
from tests.enterprises.market import source
from tests.enterprises.pages import HTMX, browser, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(buyer: Buyer) -> Client:
    """The browser of the buyer's administrator."""
    return browser(buyer.user)


def test_an_order_page_follows_a_purchase_to_its_rows_and_receipts(
    buyer: Buyer, home: Home, site: Client, lot: Lot
) -> None:
    (purchase,) = buyer.order(lot)
    url = f"/enterprise/orders/{purchase.order.public_id}/"
    assert "Checking the lot" in text(site.get(url)) and "Still sealed" in text(site.get(url))
    buyer.rounds()
    shown = text(site.get(url, headers=HTMX))
    assert "In escrow" in shown and "data-countdown" in shown and "<html" not in shown
    home.deliver(lot)
    buyer.rounds()
    shown = text(site.get(url))
    assert "Settled" in shown and "data-countdown" not in shown and "20.00" in shown
    funded = purchase.steps.get(state="funded").tx_id
    told = site.get(f"/enterprise/purchases/{purchase.public_id}/receipts/{funded}/")
    assert json.loads(told.content)["shows"]["transaction"] == funded
    assert "attachment" in told.headers["Content-Disposition"]


def test_an_order_of_many_lots_counts_what_became_of_each(buyer: Buyer, home: Home, site: Client, lot: Lot) -> None:
    refused, open_one = home.list(home.seal(price=200)), home.list(home.seal(price=300))
    catalog_advance(source())
    purchases = buyer.order(lot, refused, open_one)
    buyer.rounds()
    home.reject(refused)
    home.deliver(lot)
    buyer.rounds()
    shown = text(site.get(f"/enterprise/orders/{purchases[0].order.public_id}/"))
    assert 'value="2"' in shown and 'max="3"' in shown and "The home declined the order" in shown
    listed = text(site.get("/enterprise/orders/"))
    assert "1 open" in listed and "1 settled" in listed and "1 refunded" in listed


def test_a_purchase_that_was_never_paid_says_why_in_plain_words(
    buyer: Buyer, home: Home, site: Client, lot: Lot
) -> None:
    (purchase,) = buyer.order(lot)
    home.ledger.call(lot.payee, "market.reprice", Reprice(500))
    buyer.rounds()
    shown = text(site.get(f"/enterprise/purchases/{purchase.public_id}/"))
    assert "The home changed the price after you confirmed. Nothing was paid." in shown


def test_a_downloaded_receipt_is_verified_by_the_command_without_the_market(
    buyer: Buyer, home: Home, site: Client, lot: Lot, tmp_path: Path
) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    funded = purchase.steps.get(state="funded").tx_id
    told = site.get(f"/enterprise/purchases/{purchase.public_id}/receipts/{funded}/")
    receipt, genesis, out = tmp_path / "receipt.json", tmp_path / "genesis.json", StringIO()
    receipt.write_bytes(told.content)
    genesis.write_text(json.dumps(genesis_json(buyer.ledger.engine.genesis)))
    call_command("receipt", "verify", str(receipt), "--genesis", str(genesis), stdout=out)
    assert "The receipt holds. The call went through." in out.getvalue()
    assert funded in out.getvalue() and "market.fund" in out.getvalue()
    receipt.write_bytes(told.content.replace(b'"done"', b'"gone"'))
    with pytest.raises(CommandError, match="does not hold"):
        call_command("receipt", "verify", str(receipt), "--genesis", str(genesis), stdout=out)


@pytest.mark.parametrize(("kind", "begins"), [("csv", b"time,"), ("json", b'{"columns"'), ("parquet", b"PAR1")])
def test_rows_can_be_downloaded_once_they_are_there(
    buyer: Buyer, home: Home, site: Client, lot: Lot, kind: str, begins: bytes
) -> None:
    (purchase,) = buyer.order(lot)
    url = f"/enterprise/purchases/{purchase.public_id}/data/{kind}/"
    refused = site.get(url)
    assert refused.status_code == 409 and b"data_not_ready" in refused.content
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    answer = site.get(url)
    assert b"".join(answer).startswith(begins)
    assert f".{kind}" in answer.headers["Content-Disposition"]
    assert site.get(url.replace(f"/{kind}/", "/exe/")).status_code == 400


def test_rows_of_a_refunded_purchase_are_neither_shown_nor_given(
    buyer: Buyer, home: Home, site: Client, lot: Lot
) -> None:
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    Purchase.objects.update(state=Purchase.State.REFUNDED)
    assert site.get(f"/enterprise/purchases/{purchase.public_id}/data/csv/").status_code == 409
    assert "20.00" not in text(site.get(f"/enterprise/purchases/{purchase.public_id}/"))
