"""Offers of a version and homes' orders of them: shelf, rules, answers; and a home's order from end to end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from chain.contracts.service_models import rows
from chain.crypto.hashing import sha256
from chain.exchange.learning import service_order
from enterprises.catalog.models import StoredObject
from enterprises.catalog.objects import object_open, objects_sweep
from enterprises.checkout.models import BuyerTransaction, Enterprise
from enterprises.offers import orders, sheets
from enterprises.offers.errors import OfferKindUnfit, OfferThere, ServiceOrderAnswered, SheetUnknown
from enterprises.offers.models import ModelListing, ModelObject, OfferSheet, ServiceOrder
from enterprises.partners.models import Organisation
from fedlearn.learners.errors import OfferPriceInvalid
from marketplace.accounts.models import User
from tests import factories
from tests.enterprises.market import Killed
from tests.enterprises.offers import OffersWorld
from tests.enterprises.test_crashes import dying
from tests.households import advice
from tests.households.advice import FLAT, NIGHT, day_before

pytestmark = pytest.mark.django_db(databases="__all__")
HOME = "somebody"
OBJECTS, MODELS = "/api/v1/market/objects/", "/api/v1/market/models/"


@pytest.fixture
def world(settings: Any, db: None) -> OffersWorld:
    settings.HEARTH_BUYER_MARKET = "tests.enterprises.offers.connect"
    settings.HEARTH_OFFERS_SHELF = "tests.enterprises.offers.shelf"
    settings.HEARTH_VERSION_SOURCE = "tests.enterprises.offers.Versions"
    settings.HEARTH_ADVICE_CONNECTOR = "tests.enterprises.offers.HomeConnector"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    return OffersWorld()


@pytest.fixture
def acme(world: OffersWorld, member: User) -> Enterprise:
    return world.enterprise(member, "acme", "Acme Energy")


@pytest.fixture
def sheet(world: OffersWorld, acme: Enterprise) -> OfferSheet:
    """A version that Acme published; its node has heard of it."""
    world.market.publish("acme", day_before(), [])
    world.rounds()
    return OfferSheet.objects.get()


def added(sheet: OfferSheet, title: str = "Night owl", terms: Any = NIGHT, price: int = 0) -> Any:
    return sheets.offer_add(sheet=sheet, title=title, currency="EUR", terms=terms, price=price)


def placed(world: OffersWorld, sheet: OfferSheet, digest: str, price: int = 0, nonce: bytes = b"n") -> ServiceOrder:
    """Somebody's order without money, straight to the ledger."""
    version = world.market.models.version(bytes.fromhex(sheet.version))
    deadline_ms = world.market.models.head().time_ms + 86_400_000
    args = service_order(
        version, offer=bytes.fromhex(digest), nonce=sha256(nonce), price=price, deadline_ms=deadline_ms
    )
    world.market.models.call(HOME, "service_models.order", args)
    world.rounds()
    return ServiceOrder.objects.order_by("pk").last()  # type: ignore[return-value]


def status(world: OffersWorld, order: ServiceOrder) -> tuple[str, str]:
    order.refresh_from_db()
    return order.state, world.market.models.order(bytes.fromhex(order.order_id)).status


def test_a_published_version_gets_a_sheet_and_its_offers_come_to_the_shelf(
    world: OffersWorld, sheet: OfferSheet
) -> None:
    assert (sheet.service_name, sheet.task, sheet.rule) == (advice.SERVICE_NAME, "next_hour_load", "by_hand")
    first, second = added(sheet), added(sheet, "Plain", FLAT, price=40)
    world.rounds()
    listing = ModelListing.objects.get(version=sheet.version)
    assert [each["offer"]["title"] for each in listing.offers] == ["Night owl", "Plain"]
    assert [each["price"] for each in listing.offers] == [0, 40]
    sheets.offer_withdraw(sheet=sheet, offer=first)
    world.rounds()
    listing.refresh_from_db()
    assert [each["offer"] for each in listing.offers] == [second.body]


def test_offers_are_checked_before_anybody_sees_them(sheet: OfferSheet) -> None:
    with pytest.raises(OfferPriceInvalid):
        added(sheet, terms={**FLAT, "price_micro_per_kwh": -1})
    with pytest.raises(OfferKindUnfit):
        added(sheet, terms={"form": "comfort", "avoided_pm": 300, "price_micro_per_year": 1})
    added(sheet)
    with pytest.raises(OfferThere):
        added(sheet)
    assert sheet.offers.count() == 1


def test_an_offer_that_was_withdrawn_may_be_offered_again(sheet: OfferSheet) -> None:
    found = added(sheet)
    sheets.offer_withdraw(sheet=sheet, offer=found)
    assert added(sheet, price=5).pk == found.pk
    found.refresh_from_db()
    assert (found.withdrawn_at, found.price) == (None, 5)


def test_sheets_of_another_enterprise_do_not_exist(world: OffersWorld, sheet: OfferSheet) -> None:
    other = world.enterprise(factories.member(), "bolt", "Bolt Ltd")
    with pytest.raises(SheetUnknown):
        sheets.sheet_get(other, sheet.version)


def test_an_order_waits_for_a_member_unless_the_rule_says_otherwise(world: OffersWorld, sheet: OfferSheet) -> None:
    found = added(sheet)
    order = placed(world, sheet, found.digest)
    assert status(world, order) == ("placed", rows.PLACED) and order.offer == found
    orders.order_confirm(order=order)
    world.rounds()
    assert status(world, order) == ("confirmed", rows.CONFIRMED)
    with pytest.raises(ServiceOrderAnswered):
        orders.order_decline(order=order, reason="other")
    sheets.rule_set(sheet=sheet, rule="automatic")
    second = placed(world, sheet, found.digest, nonce=b"second")
    assert status(world, second) == ("confirmed", rows.CONFIRMED)
    orders.order_complete(order=second)
    world.rounds()
    assert status(world, second) == ("completed", rows.FULFILLED)


def test_an_order_is_declined_with_a_reason(world: OffersWorld, sheet: OfferSheet) -> None:
    order = placed(world, sheet, added(sheet).digest)
    orders.order_decline(order=order, reason="not_in_area")
    world.rounds()
    assert status(world, order) == ("declined", rows.DECLINED)
    assert world.market.models.order(bytes.fromhex(order.order_id)).reason == "not_in_area"


def test_an_order_for_what_is_not_offered_or_at_another_price_is_declined_whatever_the_rule(
    world: OffersWorld, sheet: OfferSheet
) -> None:
    sheets.rule_set(sheet=sheet, rule="automatic")
    paid = added(sheet, price=40)
    made_up = placed(world, sheet, sha256(b"made up").hex())
    cheap = placed(world, sheet, paid.digest, price=0, nonce=b"cheap")
    assert (status(world, made_up)[1], made_up.reason) == (rows.DECLINED, "offer_unknown")
    assert (status(world, cheap)[1], cheap.reason) == (rows.DECLINED, "price_differs")


def test_an_order_that_nobody_answers_is_over_after_its_deadline(world: OffersWorld, sheet: OfferSheet) -> None:
    order = placed(world, sheet, added(sheet).digest)
    world.market.models.tick(2 * 86_400_000)
    world.rounds()
    assert status(world, order)[0] == "expired"


@pytest.mark.parametrize("at", range(1, 16))
def test_an_order_is_answered_once_when_the_worker_dies_at_a_write(
    at: int, world: OffersWorld, sheet: OfferSheet
) -> None:
    sheets.rule_set(sheet=sheet, rule="automatic")
    found = added(sheet)
    world.rounds()
    version = world.market.models.version(bytes.fromhex(sheet.version))
    deadline_ms = world.market.models.head().time_ms + 86_400_000
    args = service_order(
        version, offer=bytes.fromhex(found.digest), nonce=sha256(b"n"), price=0, deadline_ms=deadline_ms
    )
    world.market.models.call(HOME, "service_models.order", args)
    try:
        with dying(at):
            world.rounds()
    except Killed:
        pass
    world.rounds()
    order = ServiceOrder.objects.get()
    assert status(world, order) == ("confirmed", rows.CONFIRMED)
    calls = BuyerTransaction.objects.filter(service_call__order=order)
    assert [(each.call, each.state, each.code) for each in calls] == [("service_models.order_confirm", "final", "")]


# The shelf.


def _put(token: str, data: bytes, object_id: str = "") -> Any:
    api = APIClient(headers={"Authorization": f"Bearer {token}"})
    path = f"{OBJECTS}{object_id or sha256(data).hex()}"
    return api.put(path, data, content_type="application/octet-stream", headers={"X-Object-Sha256": sha256(data).hex()})


def test_an_accredited_organisation_stores_objects_under_their_own_hash(world: OffersWorld, acme: Enterprise) -> None:
    token = world.tokens[acme.pk]
    assert _put(token, b"a model").status_code == 201
    assert _put(token, b"another", sha256(b"chosen").hex()).json()["code"] == "object_not_its_hash"
    Organisation.objects.update(status="pending")
    assert _put(token, b"a third").json()["code"] == "organisation_not_accredited"


def test_files_that_a_version_names_stay_and_others_of_organisations_go_as_orphans(
    world: OffersWorld, acme: Enterprise
) -> None:
    model = day_before()
    world.market.publish("acme", model, [])
    for data in (model.data, model.card, b"never published"):
        assert _put(world.tokens[acme.pk], data).status_code == 201
    StoredObject.objects.update(created_at=timezone.now() - timedelta(days=3))
    assert objects_sweep() == 1
    left = {sha256(model.data).hex(), sha256(model.card).hex()}
    assert set(StoredObject.objects.values_list("object_id", flat=True)) == left
    assert set(ModelObject.objects.filter(named=True).values_list("object_id", flat=True)) == left
    assert objects_sweep() == 0
    assert b"".join(object_open(sha256(model.data).hex())[1]) == model.data


def test_offers_are_put_by_the_organisation_whose_version_it_is(world: OffersWorld, sheet: OfferSheet) -> None:
    other = world.enterprise(factories.member(), "bolt", "Bolt Ltd")
    body = {"offers": [{"offer": {"id": "x", "title": "X", "currency": "EUR", "terms": FLAT}, "price": 0}]}
    path = f"{MODELS}{sheet.version}/offers"
    bolt = APIClient(headers={"Authorization": f"Bearer {world.tokens[other.pk]}"})
    assert bolt.put(path, body, format="json").json()["code"] == "version_not_yours"
    own = APIClient(headers={"Authorization": f"Bearer {world.tokens[sheet.enterprise_id]}"})
    assert own.put(path, body, format="json").status_code == 200
    assert own.put(f"{MODELS}{'00' * 32}/offers", body, format="json").json()["code"] == "market_version_unknown"
    body["offers"][0]["offer"]["terms"] = {**FLAT, "price_micro_per_kwh": 10**9}  # type: ignore[index]
    assert own.put(path, body, format="json").json()["code"] == "offer_price_invalid"
    assert bolt.get(path).json()["enterprise_name"] == "Acme Energy"
