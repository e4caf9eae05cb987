"""An inquiry and its order when the hub dies: at every write, and around every call to a ledger."""

# ruff: noqa: F811
from __future__ import annotations

from typing import Any

import pytest

from chain.contracts.service_models import rows
from households.advice import orders
from households.advice.inquiries import inquiry_start
from households.advice.services_known import service_fitting
from households.models import Household, Inquiry
from marketplace.common import work
from tests.households import advice as world
from tests.households.advice import AdviceMarket
from tests.households.test_advice import PRESENT, _advice, go_on, home, offered, ranked, rich, state_of  # noqa: F401
from tests.households.test_resume import Killed, Killer
from tests.households.world import PASSPHRASE

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 12, 2))
def test_an_inquiry_and_its_order_end_once_when_the_hub_dies_at_a_write(
    at: int, after: bool, home: Household, offered: AdviceMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    master = rich(home, offered)
    killer = Killer(at, after)
    monkeypatch.setattr(work, "_write", killer.around(work._write))
    known = service_fitting(home, offered.models, world.SERVICE_NAME)
    inquiry = inquiry_start(household=home, known=known, present=PRESENT)
    _run_killed(home, lambda: Inquiry.objects.using("home").get().state == Inquiry.State.READY)
    found = ranked(inquiry, "Plain")
    order = orders.order_place(household=home, ranked=found, connection=offered.connection(), passphrase=PASSPHRASE)
    _run_killed(home, lambda: state_of(order)[0] == "placed")
    assert offered.shared.balance(master) == 60 and len(_orders(offered)) == 1
    assert offered.models.services()[0].requests == 1


@pytest.mark.parametrize("at", range(1, 5))
@pytest.mark.parametrize("after", [False, True])
def test_calls_go_out_once_when_the_hub_dies_around_a_submission(
    at: int, after: bool, home: Household, offered: AdviceMarket
) -> None:
    master, killer = rich(home, offered), Killer(at, after=False)
    strike = killer.around(lambda: None)
    for chain in (offered.models, offered.shared):
        setattr(chain, "after" if after else "before", strike)
    known = service_fitting(home, offered.models, world.SERVICE_NAME)
    inquiry = inquiry_start(household=home, known=known, present=PRESENT)
    _run_killed(home, lambda: Inquiry.objects.using("home").get().state == Inquiry.State.READY)
    order = orders.order_place(
        household=home, ranked=ranked(inquiry, "Plain"), connection=offered.connection(), passphrase=PASSPHRASE
    )
    _run_killed(home, lambda: state_of(order)[0] == "placed")
    assert killer.struck
    assert offered.shared.balance(master) == 60 and offered.models.services()[0].requests == 1
    assert len(_orders(offered)) == 1


def _orders(market: AdviceMarket) -> list[rows.OrderRow]:
    return [row for _, row in market.models.engine.state.scan(rows.ORDERS)]


def _run_killed(home: Household, done: Any) -> None:
    for _ in range(20):
        try:
            go_on(home, 1)
        except Killed:
            continue
        if done():
            return
    raise AssertionError("it never finished")
