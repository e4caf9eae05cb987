"""Lots by their ids: many in one call, and a basket that needs no more than that."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from chain.contracts.market.rows import Unlist
from enterprises.catalog.indexing import catalog_advance
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot
from tests.enterprises.market import source
from tests.enterprises.pages import BASKET, browser, text

pytestmark = pytest.mark.django_db
LOTS = "/api/v1/market/lots"


def asked(ids: str, status: int = 200, **query: Any) -> Any:
    answer = APIClient().get(LOTS, {"ids": ids, **query})
    assert answer.status_code == status, answer.content
    return answer.json()


def test_lots_are_found_by_their_ids_and_those_not_on_sale_are_left_out(home: Home, lot: Lot) -> None:
    other, gone, unasked = (home.list(home.seal()) for _ in range(3))
    home.ledger.call(gone.payee, "market.unlist", Unlist())
    catalog_advance(source())
    ids = ",".join([lot.id, other.id.upper(), gone.id, "ab" * 32])
    assert {each["lot_id"] for each in asked(ids)["results"]} == {lot.id, other.id}
    assert unasked.id not in str(asked(ids))


def test_at_most_a_hundred_ids_are_taken_and_only_ids(lot: Lot) -> None:
    ids = [f"{number:064x}" for number in range(99)]
    told = asked(",".join([*ids, lot.id]), page_size=100)
    assert [each["lot_id"] for each in told["results"]] == [lot.id]
    for wrong in (",".join([*ids, lot.id, lot.id]), "zz", lot.id[:-1], f"{lot.id},", f"{lot.id};"):
        assert asked(wrong, 400)["code"] == "input_invalid"


def test_a_basket_asks_the_market_once_for_all_its_lines(
    buyer: Buyer, home: Home, lot: Lot, monkeypatch: pytest.MonkeyPatch
) -> None:
    lots = [lot, home.list(home.seal()), home.list(home.seal())]
    catalog_advance(source())
    site: Client = browser(buyer.user)
    for each in lots:
        site.post(f"{BASKET}add/", {"lot_id": each.id})
    calls: list[list[str]] = []
    real = buyer.market.lots_named

    def counted(lot_ids: list[str]) -> Any:
        calls.append(sorted(lot_ids))
        return real(lot_ids)

    def never(lot_id: str) -> None:
        raise AssertionError("one lot was asked for alone")

    monkeypatch.setattr(buyer.market, "lots_named", counted)
    monkeypatch.setattr(buyer.market, "lot", never)
    assert "Buy 3 lots" in text(site.get(BASKET))
    assert calls == [sorted(each.id for each in lots)]
