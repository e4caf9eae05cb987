"""A service at home, end to end: request, models of two enterprises, offers ranked on own readings, an order."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from chain.client.http import MarketAway
from chain.contracts.crossing import ConfirmService
from chain.contracts.service_escrow import DeclineService
from chain.contracts.service_models import rows
from chain.core.transactions import tx_parse
from chain.crypto.hashing import sha256
from households.advice import orders
from households.advice.advancing import advice_advance
from households.advice.connect import ShelfClient
from households.advice.errors import CreditsMissing, InquiryUnderWay, OrderedAlready, PassphraseNeeded, ServiceUnknown
from households.advice.inquiries import inquiry_start
from households.advice.running import present_offer
from households.advice.services_known import service_fitting, services_fitting
from households.models import AdviceOrder, HomeWallet, Household, Inquiry, LocalModel, ModelRun, RankedOffer
from tests.households import advice as world
from tests.households.advice import FLAT, NIGHT, AdviceMarket, MemoryAdvice, always, day_before, offer
from tests.households.market import MemoryMarket
from tests.households.world import PASSPHRASE, devices_new, home_new
from tests.pure.chain.contracts.world import address

pytestmark = pytest.mark.django_db(databases="__all__")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
WEEK_MS = 8 * 86_400_000
PRESENT = present_offer(320_000, 0, "EUR")


@pytest.fixture(autouse=True)
def _advice(settings: Any) -> None:
    settings.HEARTH_ADVICE_CONNECTOR = "tests.households.advice.MemoryAdvice"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


@pytest.fixture
def offered(market: MemoryMarket) -> AdviceMarket:
    """Two enterprises serve the service: one's model is near the truth, the other's flatters its own tariff."""
    found = MemoryAdvice.market = AdviceMarket()
    found.enterprise("acme")
    found.enterprise("bolt")
    found.publish("acme", day_before(), [offer("Night owl", NIGHT), offer("Plain", FLAT, price=40)], "Acme Energy")
    found.publish("bolt", always(0.01), [offer("Bolt flat", {**FLAT, "price_micro_per_kwh": 290_000})], "Bolt Ltd")
    return found


@pytest.fixture
def home(market: MemoryMarket) -> Household:
    found = home_new()
    (meter,) = devices_new(found, 1, "mains")
    world.measured(found, meter)
    return found


def go_on(home: Household, rounds: int = 3) -> None:
    """What worker and sweep do, with every rest over."""
    for _ in range(rounds):
        for model in (Inquiry, AdviceOrder):
            model.objects.using("home").update(next_try_at=LONG_AGO, lease_until=None)
        advice_advance(home)


def asked(home: Household, market: AdviceMarket, **fields: Any) -> Inquiry:
    known = service_fitting(home, market.models, world.SERVICE_NAME)
    inquiry = inquiry_start(household=home, known=known, **{"present": PRESENT, **fields})
    go_on(home)
    inquiry.refresh_from_db()
    return inquiry


def ranked(inquiry: Inquiry, title: str) -> RankedOffer:
    return next(each for each in inquiry.ranked.select_related("run", "inquiry") if each.offer["title"] == title)


def ordered(home: Household, market: AdviceMarket, title: str, **fields: Any) -> AdviceOrder:
    found = ranked(asked(home, market), title)
    order = orders.order_place(household=home, ranked=found, connection=market.connection(), **fields)
    go_on(home)
    order.refresh_from_db()
    return order


def state_of(order: AdviceOrder) -> tuple[str, str]:
    order.refresh_from_db()
    return order.state, order.money


def rich(home: Household, market: AdviceMarket, amount: int = 100) -> bytes:
    """Credits in the master wallet."""
    master = bytes(HomeWallet.objects.using("home").get(pk=home.pk).master_address)
    market.credits(master, amount)
    return master


def test_a_service_is_asked_for_by_name_and_its_offers_are_ranked_on_own_readings(
    home: Household, offered: AdviceMarket
) -> None:
    inquiry = asked(home, offered)
    assert (inquiry.state, inquiry.code) == (Inquiry.State.READY, "")
    assert [each.offer["title"] for each in inquiry.ranked.all()] == ["Night owl", "Bolt flat", "Plain"]
    assert [run.enterprise_name for run in inquiry.runs.order_by("enterprise_name")] == ["Acme Energy", "Bolt Ltd"]
    assert LocalModel.objects.using("home").count() == 2
    assert offered.models.services()[0].requests == 1
    best = inquiry.ranked.first()
    assert best is not None and best.saving_year_micro is not None and best.saving_year_micro > 0
    assert {reason["code"] for reason in best.reasons} >= {"saves_a_year", "low_rate_share", "peak_hour"}
    assert len(best.months) in (1, 2) and len(inquiry.profile["measured"]) == 24


def test_the_model_that_was_nearest_to_the_home_judges_all_offers(home: Household, offered: AdviceMarket) -> None:
    inquiry = asked(home, offered)
    near, flattering = (inquiry.runs.get(enterprise=address(name)) for name in ("acme", "bolt"))
    assert bytes(inquiry.judge) == bytes(near.version)
    assert near.error < near.usual < flattering.error  # type: ignore[operator]
    bolt = ranked(inquiry, "Bolt flat")
    hours = len(near.forecast["values"])
    kwh_year = sum(near.forecast["values"]) / 1000 * 8760 / hours
    assert bolt.cost_year_micro == pytest.approx(kwh_year * 290_000 + 365 * 200_000, rel=0.001)


def test_offers_that_can_not_be_scored_are_told_and_harm_no_other(home: Household, offered: AdviceMarket) -> None:
    dear = {**FLAT, "price_micro_per_kwh": 99_000_000}
    offers = [offer("Dear", dear), offer("Dollars", FLAT, currency="USD"), offer("Good", NIGHT)]
    offered.enterprise("cosy")
    offered.publish("cosy", world.ModelMade({"load_1h": 1.0}, seed=3), offers, "Cosy")
    inquiry = asked(home, offered)
    assert "Good" in [each.offer["title"] for each in inquiry.ranked.all()]
    assert [(each["title"], each["code"]) for each in inquiry.refused] == [
        ("Dear", "offer_price_invalid"),
        ("Dollars", "offer_currencies_differ"),
    ]


@pytest.mark.parametrize("what", ["file", "card", "row"])
def test_a_model_that_is_not_the_ledgers_is_left_out(
    what: str, home: Household, offered: AdviceMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = next(row for row in offered.models.models_of(world.SERVICE) if row.enterprise == address("bolt"))
    store = offered.shared.objects
    if what == "row":  # the market tells of a file that the enterprise never published
        other = always(9.0)
        store |= {sha256(other.data): other.data, sha256(other.card): other.card}
        told = msgspec.structs.replace(
            row,
            object_id=sha256(other.data),
            card=sha256(other.card),
            size_bytes=len(other.data),
            parameters=sha256(other.parameters.astype("<f8").tobytes()),
        )
        rest = [each for each in offered.models.models_of(world.SERVICE) if each.version != row.version]
        monkeypatch.setattr(offered.models, "models_of", lambda _: [*rest, told])
    else:
        key = row.object_id if what == "file" else row.card
        store[key] = store[key][:-1] + bytes([store[key][-1] ^ 1])
    inquiry = asked(home, offered)
    run = inquiry.runs.get(enterprise=address("bolt"))
    assert run.state == ModelRun.State.FAILED
    codes = {"file": "model_not_the_ledgers", "card": "card_not_the_ledgers", "row": "version_not_proven"}
    assert run.code == codes[what]
    assert inquiry.state == Inquiry.State.READY and not inquiry.ranked.filter(run=run).exists()


def test_an_order_without_a_price_is_confirmed_and_completed(home: Household, offered: AdviceMarket) -> None:
    order = ordered(home, offered, "Night owl")
    assert state_of(order) == ("placed", "none")
    row = offered.models.order(bytes(order.order_id))
    assert (row.household, row.enterprise, row.price) == (bytes(order.ranked.inquiry.account), address("acme"), 0)
    assert row.offer == bytes(order.ranked.digest)
    offered.models.call("acme", "service_models.order_confirm", rows.OrderConfirm(bytes(order.order_id)))
    go_on(home)
    assert state_of(order) == ("confirmed", "none")
    orders.order_finish(household=home, order=order)
    go_on(home)
    assert state_of(order) == ("completed", "none")
    assert offered.models.order(bytes(order.order_id)).status == rows.FULFILLED


def test_a_price_goes_from_the_master_wallet_into_escrow_first_and_is_paid_on_confirmation(
    home: Household, offered: AdviceMarket
) -> None:
    master = rich(home, offered)
    order = ordered(home, offered, "Plain", passphrase=PASSPHRASE)
    assert state_of(order) == ("placed", "escrow") and offered.shared.balance(master) == 60
    before = offered.shared.balance(address("acme"))
    offered.models.call("acme", "service_models.order_confirm", rows.OrderConfirm(bytes(order.order_id)))
    paid = ConfirmService(payer=bytes(order.ranked.inquiry.account), service_order=bytes(order.order_id))
    offered.shared.call("acme", "service_escrow.confirm_service", paid)
    go_on(home)
    assert state_of(order) == ("confirmed", "paid")
    orders.order_finish(household=home, order=order)
    go_on(home)
    assert state_of(order) == ("completed", "paid")
    assert offered.shared.balance(address("acme")) == before + 39  # less the operator's fee


def test_a_declined_order_brings_the_money_back_to_the_master_wallet(home: Household, offered: AdviceMarket) -> None:
    master = rich(home, offered)
    order = ordered(home, offered, "Plain", passphrase=PASSPHRASE)
    order_id = bytes(order.order_id)
    offered.models.call("acme", "service_models.order_decline", rows.OrderDecline(order_id, "not_in_area"))
    go_on(home)
    assert state_of(order) == ("refunding", "escrow")
    refund = DeclineService(payer=bytes(order.ranked.inquiry.account), service_order=order_id)
    offered.shared.call("acme", "service_escrow.decline_service", refund)
    go_on(home)
    assert state_of(order) == ("declined", "returned") and order.code == "not_in_area"
    assert offered.shared.balance(master) == 100


def test_an_order_that_nobody_answers_expires_and_the_money_is_fetched_back(
    home: Household, offered: AdviceMarket
) -> None:
    master = rich(home, offered)
    order = ordered(home, offered, "Plain", passphrase=PASSPHRASE)
    offered.models.tick(WEEK_MS)
    offered.shared.tick(WEEK_MS)
    go_on(home)
    assert state_of(order) == ("expired", "returned") and offered.shared.balance(master) == 100
    assert offered.models.order(bytes(order.order_id)).status == rows.EXPIRED


def test_an_enterprise_that_confirms_and_does_not_fetch_its_money_loses_it_after_the_deadline(
    home: Household, offered: AdviceMarket
) -> None:
    master = rich(home, offered)
    order = ordered(home, offered, "Plain", passphrase=PASSPHRASE)
    offered.models.call("acme", "service_models.order_confirm", rows.OrderConfirm(bytes(order.order_id)))
    go_on(home)
    assert state_of(order) == ("confirmed", "escrow")
    offered.shared.tick(WEEK_MS)
    go_on(home)
    assert state_of(order) == ("expired", "returned") and offered.shared.balance(master) == 100


def test_an_order_with_a_price_needs_passphrase_and_credits(home: Household, offered: AdviceMarket) -> None:
    found = ranked(asked(home, offered), "Plain")
    connection = offered.connection()
    with pytest.raises(PassphraseNeeded):
        orders.order_place(household=home, ranked=found, connection=connection)
    with pytest.raises(CreditsMissing):
        orders.order_place(household=home, ranked=found, connection=connection, passphrase=PASSPHRASE)
    rich(home, offered)
    orders.order_place(household=home, ranked=found, connection=connection, passphrase=PASSPHRASE)
    with pytest.raises(OrderedAlready):
        orders.order_place(household=home, ranked=found, connection=connection, passphrase=PASSPHRASE)


def test_neither_readings_nor_predictions_nor_the_present_tariff_leave(home: Household, offered: AdviceMarket) -> None:
    rich(home, offered)
    order = ordered(home, offered, "Plain", passphrase=PASSPHRASE)
    offered.models.call("acme", "service_models.order_confirm", rows.OrderConfirm(bytes(order.order_id)))
    go_on(home)
    run = order.ranked.run
    secret_numbers = {world.SENTINEL_WH, *run.forecast["values"], order.ranked.cost_year_micro}
    known = {each[:2] for each in offered.asked}
    calls = [tx_parse(data, len(data)).tx for kind, data in known if kind == "submit"]
    mine = [tx for tx in calls if tx.call in ("service_models.request", "service_models.order")]
    assert {tx.call for tx in mine} == {"service_models.request", "service_models.order"}
    allowed = {
        "service_models.request": {"name"},
        "service_models.order": {"version", "offer", "nonce", "price", "deadline_ms", "proofs"},
    }
    for name, call in (("request", rows.Request), ("order", rows.Order)):
        assert set(call.__struct_fields__) == allowed[f"service_models.{name}"]
    assert {tx.call for tx in calls} == {
        "service_models.request", "service_models.order", "credits.transfer", "service_escrow.fund_service",
    }  # fmt: skip
    assert not secret_numbers & _numbers_in(offered.sent())
    assert str(world.SENTINEL_WH).encode() not in offered.sent() and b"320000" not in offered.sent()
    assert {kind for kind, _ in known} == {"nonce", "submit", "models", "listing", "object"}


def _numbers_in(data: bytes) -> set[int]:
    """Every number of 4 or 8 bytes in it, at any offset, little- and big-endian."""
    found: set[int] = set()
    for width in (4, 8):
        for at in range(len(data) - width + 1):
            part = data[at : at + width]
            found |= {int.from_bytes(part, "big"), int.from_bytes(part, "little")}
    return found


def test_each_inquiry_has_an_account_of_its_own(home: Household, offered: AdviceMarket) -> None:
    first, second = asked(home, offered), asked(home, offered)
    accounts = {bytes(first.account), bytes(second.account)}
    assert len(accounts) == 2 and not accounts & {bytes(HomeWallet.objects.using("home").get().master_address)}
    assert LocalModel.objects.using("home").count() == 2
    assert sum(kind == "object" for kind, _ in offered.asked) == 4  # file and card of two models, once


def test_a_service_is_asked_once_at_a_time(home: Household, offered: AdviceMarket) -> None:
    known = service_fitting(home, offered.models, world.SERVICE_NAME)
    inquiry_start(household=home, known=known)
    with pytest.raises(InquiryUnderWay):
        inquiry_start(household=home, known=known)


def test_a_service_whose_models_read_what_the_home_does_not_measure_does_not_fit(
    market: MemoryMarket, offered: AdviceMarket
) -> None:
    home = home_new()
    (found,) = services_fitting(home, offered.models)
    assert not found.fits and found.missing == ("mains",)
    with pytest.raises(ServiceUnknown):
        service_fitting(home, offered.models, world.SERVICE_NAME)


def test_a_home_with_too_few_readings_is_told_so(market: MemoryMarket, offered: AdviceMarket) -> None:
    home = home_new()
    (meter,) = devices_new(home, 1, "mains")
    world.measured(home, meter, days=1)
    inquiry = asked(home, offered)
    assert (inquiry.state, inquiry.code) == (Inquiry.State.FAILED, "readings_too_few")


def test_an_inquiry_waits_for_a_market_that_is_away(home: Household, offered: AdviceMarket) -> None:
    offered.models.away = True
    inquiry = asked(home, offered)
    assert inquiry.state == Inquiry.State.ASKING and inquiry.tries > 0
    offered.models.away = False
    go_on(home)
    inquiry.refresh_from_db()
    assert inquiry.state == Inquiry.State.READY


@pytest.mark.parametrize("told", [{}, {"enterprise": "zz", "enterprise_name": "", "offers": []}, {"offers": [{}]}])
def test_offers_that_the_market_does_not_tell_properly_are_none(told: dict[str, Any]) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json=told))
    shelf = ShelfClient(httpx.Client(transport=answer, base_url="http://market.test"), "hub_x")
    with pytest.raises(MarketAway):
        shelf.listing(bytes(32))
