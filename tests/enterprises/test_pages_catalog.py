"""The catalog's pages: search and filters, a lot with its checked preview."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client

from enterprises.catalog.models import CatalogLot
from enterprises.checkout.preview import preview_checked
from enterprises.forms import CatalogForm
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Lot
from tests.enterprises.pages import CATALOG, HTMX, away, browser, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(buyer: Buyer) -> Client:
    """The browser of the buyer's administrator."""
    return browser(buyer.user)


def test_the_catalog_shows_lots_and_the_fragment_has_no_frame(site: Client, lot: Lot) -> None:
    whole = text(site.get(CATALOG))
    assert lot.id in whole and "100</span>" in whole and "<html" in whole
    part = site.get(CATALOG, {"q": "temperature", "price_min": ""}, headers=HTMX)
    assert lot.id in text(part) and "<html" not in text(part) and 'hx-swap-oob="innerHTML"' in text(part)
    assert part.headers["HX-Push-Url"] == f"{CATALOG}?q=temperature"
    assert "HX-Request" in part.headers["Vary"]


def test_a_restored_history_entry_gets_the_whole_page(site: Client, lot: Lot) -> None:
    assert "<html" in text(site.get(CATALOG, headers={**HTMX, "HX-History-Restore-Request": "true"}))


def test_the_catalog_is_empty_without_lots_and_says_so_otherwise_than_without_hits(site: Client, lot: Lot) -> None:
    assert "No lot fits" in text(site.get(CATALOG, {"q": "zebra"}))

    CatalogLot.objects.all().delete()
    assert "Nothing on sale yet" in text(site.get(CATALOG))


def test_filters_become_chips_that_take_themselves_away(site: Client, lot: Lot) -> None:
    shown = text(site.get(CATALOG, {"device_class": "climate", "q": "temperature", "page": "1"}))
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
def test_bad_filters_never_break_the_catalog(site: Client, lot: Lot, query: dict[str, str]) -> None:
    answer = site.get(CATALOG, query)
    assert answer.status_code == 200
    assert "<script>alert" not in text(answer)


def test_a_refused_filter_is_left_out_and_said(site: Client, lot: Lot) -> None:
    shown = text(site.get(CATALOG, {"price_min": "abc"}))
    assert lot.id in shown and "whole number" in shown
    assert CatalogForm({"price_min": "abc", "end": "2027-01-31"}).query() == {"end": "2027-01-31T23:59:59Z"}


def test_the_catalog_says_when_the_market_is_away(buyer: Buyer, site: Client, lot: Lot, monkeypatch) -> None:
    away(buyer, monkeypatch)
    answer = site.get(CATALOG)
    assert answer.status_code == 503 and "Try again" in text(answer) and "<html" in text(answer)


def test_the_small_line_is_drawn_from_the_checked_preview_and_checked_once(
    buyer: Buyer, site: Client, lot: Lot, monkeypatch
) -> None:
    assert "<polyline" in text(site.get(f"{CATALOG}{lot.id}/spark/"))
    away(buyer, monkeypatch)
    assert "<polyline" in text(site.get(f"{CATALOG}{lot.id}/spark/"))
    cache.clear()
    assert "No preview" in text(site.get(f"{CATALOG}{lot.id}/spark/"))


def test_the_lot_page_shows_the_checked_preview_the_roots_and_the_licence(buyer: Buyer, site: Client, lot: Lot) -> None:
    shown = text(site.get(f"{CATALOG}{lot.id}/"))
    preview = preview_checked(buyer.market, lot.id, lot.publish_tx)
    assert preview.rows[0][1] in shown
    for root in (lot.digest.key_root, lot.digest.cipher_root, lot.digest.plain_root, lot.digest.licence):
        assert root.hex() in shown
    assert "Your node has checked these rows" in shown and "not that the readings are true" in shown
    assert "People stay unknown" in shown and "Add to basket" in shown


def test_a_preview_that_does_not_hold_is_not_shown_and_the_lot_not_offered(
    buyer: Buyer, site: Client, lot: Lot, monkeypatch
) -> None:
    honest = buyer.market.preview(lot.id)
    for chunk in honest["chunks"]:
        chunk["key_path"] = ["00" * 32 for _ in chunk["key_path"]]
    monkeypatch.setattr(buyer.market, "preview", lambda lot_id: honest)
    shown = text(site.get(f"{CATALOG}{lot.id}/"))
    assert "preview_contradicts" in shown and "has checked these rows" not in shown
    assert 'name="lot_id"' not in shown


def test_an_unknown_or_malformed_lot_is_not_found(site: Client, lot: Lot) -> None:
    assert site.get(f"{CATALOG}{'ab' * 32}/").status_code == 404
    assert site.get(f"{CATALOG}nonsense/").status_code == 404
