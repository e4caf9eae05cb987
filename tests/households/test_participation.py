"""A home takes part in a training job, from the notice to the last reward, over both ledgers' real contracts."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings

from fedlearn.runtime.jobs import COMPLETED
from households import tasks
from households.learning.participation.advance import homes_with_work
from households.models import (
    ConsentEvent,
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
    everything_due,
    home_turn,
    home_with_rows,
    lead,
    licensed_job,
)

pytestmark = pytest.mark.django_db(databases="__all__")
State = Participation.State


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    settings.HEARTH_TRAINING_CONNECTOR = "tests.households.participation.TestConnector"
    settings.HEARTH_VAR = tmp_path / "var"
    MemoryConnector.market = TrainingMarket()
    return World(MemoryConnector.market)


@pytest.fixture
def home(world: World) -> Household:
    """A home with three days of climate on offer for training."""
    return home_with_rows()


def only() -> Participation:
    return Participation.objects.using("home").get()


def test_a_home_learns_with_others_and_is_paid_for_every_round(world: World, home: Household) -> None:
    consent(home)
    acme = Enterprise(world)
    licensed_job(acme, home)
    assert only().state == State.LICENSED
    acme.begin()
    lead(acme, home)
    assert acme.record.phase == COMPLETED
    acme.end()
    home_turn(home, 4)
    row = only()
    assert (row.state, row.end_told) == (State.DONE, True)
    history = ParticipationRound.objects.using("home").filter(participation=row)
    assert {one.outcome for one in history} == {"opened"} and history.count() == 3
    assert EpsilonEntry.objects.using("home").filter(state=EpsilonEntry.State.SPENT).count() == 3
    claims = ParticipationClaim.objects.using("home").filter(order__participation=row)
    assert {(claim.number, claim.state) for claim in claims} == {(n, "paid") for n in (0, 1, 2)}
    for order in ParticipationOrder.objects.using("home").all():
        training = world.market.training_row(bytes(order.order_id))
        assert training.status == "SETTLED"
        earned = training.released - training.fee_within(training.released) + world.market.bonus(bytes(order.order_id))
        assert Lot.objects.using("home").get(pk=order.lot_id).earned == earned > 0
        assert sum(claim.reward for claim in order.claims.all()) == earned
        assert world.market.balance(bytes(order.lot.payee)) == earned


def test_the_sweep_finds_a_home_that_begins_to_read_and_its_due_rows(
    world: World, home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    monkeypatch.setattr(tasks.learning_advance, "delay", called.append)
    assert homes_with_work(timezone.now()) == {home.pk}, "it offers lots for training"
    tasks.sweep()
    tasks.sweep()
    assert called == [str(home.pk)], "one that waits in the queue is enough"
    monkeypatch.setattr(tasks.learning_advance, "apply_async", lambda *args, **kwargs: called.append("again"))
    consent(home)
    Enterprise(world).post()
    tasks.learning_advance(str(home.pk))
    assert only().state == State.ANSWERED and called[1:] == ["again"], "what comes soon is nudged from the task"
    everything_due()
    assert homes_with_work(timezone.now()) == {home.pk}


def test_without_a_rule_nothing_leaves_and_the_history_says_why(world: World, home: Household) -> None:
    Enterprise(world).post()
    home_turn(home, 2)
    assert (only().state, only().code, only().pseudonym_index) == (State.DECLINED, "no_rule", None)
    assert not world.board.answers and not world.board.pseudonyms
    (event,) = ConsentEvent.objects.using("home").filter(kind="asked")
    assert (event.allowed, event.code) == (False, "no_rule")
