"""A hub that is killed anywhere goes on where it was, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from chain.exchange.handover import funding_new
from households.models import Batch, Household, HubOrder, Lot
from households.services.ledgers import device_ledgers_forget
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from households.uploads.services.selling import hub_advance
from marketplace.common import work
from tests.households.market import MemoryMarket
from tests.households.world import DAY_MS, START_MS, TestDevice, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MARKET_CALLS = ("head", "nonce", "submit_and_wait", "object_put", "header", "proof", "order")


class Killed(BaseException):
    """SIGKILL: nobody gets to clean up."""


class Killer:
    """Kills at the n-th of some calls, before or after it took effect; once."""

    def __init__(self, at: int, after: bool) -> None:
        self.at, self.after, self.seen = at, after, 0

    def around(self, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            self.seen += 1
            if self.seen == self.at and not self.after:
                raise Killed
            answer = call(*args, **kwargs)
            if self.seen == self.at and self.after:
                raise Killed
            return answer

        return wrapped

    @property
    def struck(self) -> bool:
        return self.seen >= self.at


def run(step: Callable[[], object], done: Callable[[], bool], rounds: int = 40) -> None:
    """Call again and again, as worker and sweep do; leases of the killed run out, in-memory ledgers are gone."""
    for _ in range(rounds):
        for model in (Batch, Lot, HubOrder):
            model.objects.using("home").update(lease_until=LONG_AGO, next_try_at=LONG_AGO)
        try:
            step()
        except Killed:
            device_ledgers_forget()
        if done():
            return
    raise AssertionError("it never finished")


@pytest.fixture
def certified(market: MemoryMarket) -> Household:
    """A home whose batch of two series was certified by its two devices."""
    home, devices = _home_with_readings()
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    assert Batch.objects.using("home").get().state == Batch.State.CERTIFIED
    return home


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 16))
def test_lots_are_listed_once_when_the_hub_dies_around_a_market_call(
    at: int, after: bool, certified: Household, market: MemoryMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = Killer(at, after)
    for name in MARKET_CALLS:
        monkeypatch.setattr(market, name, killer.around(getattr(market, name)))
    run(lambda: uploads_advance(certified), lambda: _states(Lot) == {"listed"})
    assert killer.struck
    _assert_once(market)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 8))
def test_lots_are_listed_once_when_the_hub_dies_around_a_write(
    at: int, after: bool, certified: Household, market: MemoryMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = Killer(at, after)
    monkeypatch.setattr(work, "_write", killer.around(work._write))
    run(lambda: uploads_advance(certified), lambda: _states(Batch) == {"done"})
    assert killer.struck
    _assert_once(market)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 13))
def test_an_order_is_settled_once_when_the_hub_dies_around_a_market_call(
    at: int, after: bool, certified: Household, market: MemoryMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(lambda: uploads_advance(certified), lambda: _states(Lot) == {"listed"})
    lot = Lot.objects.using("home").first()
    assert lot is not None
    buyer = market.buyer(bytes([77]) * 32)
    row = market.lot(bytes(lot.lot_id))
    market.call(buyer.secret, "market.fund", funding_new(bytes([5]) * 32, row, buyer.address, market.ledger))
    killer = Killer(at, after)
    for name in (*MARKET_CALLS, "events"):
        monkeypatch.setattr(market, name, killer.around(getattr(market, name)))

    def step() -> None:
        market.tick(400)
        hub_advance(certified)

    run(step, lambda: _states(HubOrder) == {"settled"})
    lot.refresh_from_db()
    order = HubOrder.objects.using("home").get()
    assert lot.earned == order.reward == market.balance(bytes(lot.payee)) > 0


@pytest.mark.parametrize("at", range(1, 6))
def test_a_batch_is_certified_once_when_the_hub_dies_while_the_block_becomes_final(
    at: int, market: MemoryMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, devices = _home_with_readings()
    uploads_advance(home)
    ledger_advance(home)
    killer = Killer(at, after=True)
    names = ("members_project", "_lots_certified", "certificate_new", "rejected_count", "_scores")
    for name in names:
        monkeypatch.setattr(f"households.services.finality.{name}", killer.around(_of("finality", name)))
    for device in devices:
        device.vote()
    run(lambda: ledger_advance(home), lambda: _states(Batch) == {"certified"})
    assert {lot.support for lot in Lot.objects.using("home").all()} == {"plausible"}
    assert all(device.row.score_bad_run == 0 for device in devices)


def _of(module: str, name: str) -> Callable[..., object]:
    from importlib import import_module

    return getattr(import_module(f"households.services.{module}"), name)


def _home_with_readings() -> tuple[Household, list[TestDevice]]:
    home = home_new()
    devices = devices_new(home, 2)
    share(home, "climate", price=40)
    for device in devices:
        device.measure("temperature", step_s=1800)
    assert batch_close(household=home, cut_ms=START_MS + DAY_MS) is not None
    return home, devices


def _states(model: type[Batch] | type[Lot] | type[HubOrder]) -> set[str]:
    return set(model.objects.using("home").values_list("state", flat=True))


def _assert_once(market: MemoryMarket) -> None:
    lots = list(Lot.objects.using("home").all())
    assert len(lots) == 2 and len(market.objects) == 2
    events = [event.kind for event in market.events(0).events]
    assert events.count("lot.anchored") == events.count("lot.listed") == 2
