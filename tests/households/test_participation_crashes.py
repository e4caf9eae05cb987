"""A participation survives the death of its worker before any write, and around every message that it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from fedlearn.learners.plan import Privacy
from fedlearn.runtime.jobs import COMPLETED
from fedlearn.runtime.rounds import OPENED
from households.learning.rules import LIMIT_MICRO_MAX, learning_settings_set
from households.models import (
    ConsentRule,
    EpsilonEntry,
    Household,
    Lot,
    Participation,
    ParticipationClaim,
    ParticipationOrder,
    ParticipationRound,
)
from tests.households.learning import consent
from tests.households.market import MemoryConnector
from tests.households.participation import (
    Enterprise,
    TrainingMarket,
    World,
    acquainted,
    home_turn,
    home_with_rows,
    lead,
    plan_of_test,
)

pytestmark = pytest.mark.django_db(databases="__all__")
WRITES = ("INSERT", "UPDATE", "DELETE")


class Killed(BaseException):
    """The process died here."""


class DeadlyWrites:
    """Dies before write number ``at`` to the home's database; counts them."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(WRITES):
            self.seen += 1
            if self.seen == self.at:
                raise Killed
        return execute(sql, params, many, context)


class Clumsy:
    """The home's workers, which die every ``every`` writes and are started again."""

    def __init__(self, home: Household, every: int) -> None:
        self.home, self.every, self.deaths = home, every, 0
        self.at = 1

    def turn(self) -> None:
        try:
            with dying(self.at):
                home_turn(self.home)
            self.at = self.at % self.every + 1
        except Killed:
            self.deaths += 1
            self.at += 1
            home_turn(self.home)


@contextmanager
def dying(at: int) -> Iterator[DeadlyWrites]:
    watch = DeadlyWrites(at)
    with connections["home"].execute_wrapper(watch):
        yield watch


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    settings.HEARTH_TRAINING_CONNECTOR = "tests.households.participation.TestConnector"
    settings.HEARTH_VAR = tmp_path / "var"
    MemoryConnector.market = TrainingMarket()
    return World(MemoryConnector.market)


@pytest.fixture
def home(world: World) -> Household:
    found = home_with_rows()
    consent(found)
    return found


def everything_is_as_without_a_death(acme: Enterprise, world: World) -> None:
    """One pseudonym, every round opened with this home in it, each licence paid once and to the end."""
    row = Participation.objects.using("home").get()
    assert (acme.record.phase, row.state) == (COMPLETED, Participation.State.DONE)
    assert [report.outcome for report in acme.record.reports] == [OPENED] * len(acme.record.reports)
    assert all(0 in report.survivors for report in acme.record.reports)
    assert ParticipationRound.objects.using("home").filter(outcome="opened").count() == len(acme.record.reports)
    spent = EpsilonEntry.objects.using("home").filter(state=EpsilonEntry.State.SPENT)
    assert spent.count() == EpsilonEntry.objects.using("home").count() == len(acme.record.reports)
    assert not ParticipationClaim.objects.using("home").exclude(state="paid").exists()
    for order in ParticipationOrder.objects.using("home").all():
        balance = world.market.balance(bytes(order.lot.payee))
        assert Lot.objects.using("home").get(pk=order.lot_id).earned == balance > 0
        assert world.market.training_row(bytes(order.order_id)).status == "SETTLED"


@pytest.mark.parametrize("every", [3, 7])
def test_workers_that_die_all_the_time_end_where_others_do(world: World, home: Household, every: int) -> None:
    acme, clumsy = Enterprise(world), Clumsy(home, every)

    def turns(count: int) -> None:
        for _ in range(count):
            clumsy.turn()

    acme.post()
    turns(12)
    acme.ask()
    turns(8)
    acme.offer()
    turns(6)
    acme.mail()
    acme.open(acme.fund())
    turns(10)
    acme.begin()
    for _ in range(60):
        if acme.record.phase == COMPLETED:
            break
        acme.turn(ms=10)
        turns(3)
    acme.end()
    turns(16)
    assert clumsy.deaths > 20
    everything_is_as_without_a_death(acme, world)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_death_before_every_eleventh_write_changes_nothing(world: World, home: Household) -> None:
    ConsentRule.objects.using("home").update(limit_micro=LIMIT_MICRO_MAX)
    learning_settings_set(household=home, limit_micro=LIMIT_MICRO_MAX)
    at, died = 0, True
    while died:
        at += 11
        acme = Enterprise.again(world, plan_of_test(seed=at, rounds=1, privacy=Privacy(500_000, 10)))
        died = False
        watch = DeadlyWrites(at)
        with connections["home"].execute_wrapper(watch):
            for step in steps_of(acme, home):
                try:
                    step()
                except Killed:
                    died = True
                    step()
        assert Participation.objects.using("home").filter(state=Participation.State.DONE).count() == at // 11, at
    assert at > 150


def test_death_around_every_message_sends_the_same_again(world: World, home: Household) -> None:
    acme, seen = Enterprise(world), [0]

    def fault(what: str) -> None:
        seen[0] += 1
        if seen[0] % 3 == 1:
            raise Killed

    acquainted(acme, home)
    acme.open(acme.fund())
    home_turn(home, 3)
    acme.begin()
    world.nodes.fault = fault
    for _ in range(60):
        if acme.record.phase == COMPLETED:
            break
        acme.turn(ms=10)
        for _ in range(4):
            try:
                home_turn(home)
            except Killed:
                continue
    assert seen[0] > 20
    acme.end()
    home_turn(home, 4)
    everything_is_as_without_a_death(acme, world)


def steps_of(acme: Enterprise, home: Household) -> list[Callable[[], None]]:
    """A whole job as steps that may each be cut short and made again."""

    def run() -> None:
        lead(acme, home)
        home_turn(home, 2)

    def said() -> None:
        if not acme.offers:
            acme.mail()

    return [
        acme.post, lambda: home_turn(home, 3), acme.ask, lambda: home_turn(home, 2), acme.offer,
        lambda: home_turn(home, 2), said, acme.pay_and_open, lambda: home_turn(home, 4), acme.begin, run,
        acme.end_once, lambda: home_turn(home, 5),
    ]  # fmt: skip
