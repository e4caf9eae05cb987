"""What a home does not go along with: other plans, prices, jobs and seeds, and an owner who takes the consent back."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from chain.core.codec import encode
from chain.crypto.hashing import sha256
from fedlearn.learners.plan import plan_encode
from fedlearn.protocol.bits import bits_of
from fedlearn.protocol.messages import Survivors
from fedlearn.runtime.jobs import RUNNING
from fedlearn.runtime.names import job_path
from fedlearn.runtime.rounds.stages import SURVIVORS, UNMASK
from households.learning.participation.home import record_of
from households.learning.participation.leaving import participation_leave
from households.learning.rules import rule_revoke
from households.models import (
    ConsentRule,
    EpsilonEntry,
    Household,
    Participation,
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
    licensed_job,
    plan_of_test,
)

pytestmark = pytest.mark.django_db(databases="__all__")
State, Orders = Participation.State, ParticipationOrder.State


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    settings.HEARTH_TRAINING_CONNECTOR = "tests.households.participation.TestConnector"
    settings.HEARTH_VAR = tmp_path / "var"
    MemoryConnector.market = TrainingMarket()
    return World(MemoryConnector.market)


@pytest.fixture
def home(world: World) -> Household:
    return home_with_rows()


@pytest.fixture
def acme(world: World, home: Household) -> Enterprise:
    consent(home)
    return Enterprise(world)


def only() -> Participation:
    return Participation.objects.using("home").get()


def ends(home: Household) -> set[tuple[str, str, str]]:
    """State and reason at home, and what the ledger reads."""
    home_turn(home, 3)
    return {
        (order.state, order.code, World.current.market.training_row(bytes(order.order_id)).reject_code)
        for order in ParticipationOrder.objects.using("home").all()
    }


def test_licences_of_a_plan_that_nobody_asked_about_are_declined(acme: Enterprise, home: Household) -> None:
    acquainted(acme, home)
    acme.fund(plan=sha256(b"another plan"))
    assert ends(home) == {(Orders.ENDED, "not_asked", "left")}


def test_licences_of_another_job_of_the_plan_are_declined(acme: Enterprise, home: Household) -> None:
    acquainted(acme, home)
    acme.fund(nonce=sha256(b"another nonce"))
    assert ends(home) == {(Orders.ENDED, "other_job", "left")}


def test_a_price_that_was_not_offered_is_declined(acme: Enterprise, home: Household) -> None:
    acquainted(acme, home)
    row = only()
    Participation.objects.using("home").update(offered={lot: price + 1 for lot, price in row.offered.items()})
    acme.open(acme.fund())
    assert ends(home) == {(Orders.ENDED, "price_changed", "left")}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"deadline_ms": 1}, "deadline_differs"),
        ({"epsilon_micro": 9_000_000}, "job_differs"),
        ({"rounds": 9}, "rounds_differ"),
    ],
)
def test_a_job_that_says_otherwise_than_its_licences_is_declined(
    acme: Enterprise, home: Household, change: dict[str, int], code: str
) -> None:
    acquainted(acme, home)
    if "deadline_ms" in change:
        change = {"deadline_ms": acme.deadline_ms + 1}
    acme.open(acme.fund(), **change)
    assert ends(home) == {(Orders.ENDED, code, "left")}


def test_an_offer_of_another_plan_is_not_answered(acme: Enterprise, home: Household, world: World) -> None:
    acme.post()
    home_turn(home, 2)
    acme.ask()
    home_turn(home)
    acme.offer(plan=plan_encode(plan_of_test(seed=9)))
    acme.offer(job=sha256(b"not this nonce's"))
    home_turn(home)
    acme.mail()
    assert (acme.offers, world.nodes.opened_jobs, only().job) == ([], [], b"")


def test_only_the_enterprise_of_the_notice_becomes_a_peer(acme: Enterprise, home: Household, world: World) -> None:
    acme.post()
    home_turn(home, 2)
    stranger = "ent-" + "0b" * 20 + "@hearth.invalid"
    world.nodes.asks.add((stranger, acme.home))
    home_turn(home)
    assert only().state == State.ANSWERED and stranger in world.nodes.refused
    assert not world.nodes.post.connected(stranger, acme.home) and not world.nodes.mocks


@pytest.mark.parametrize("wrong", ["seed", "plan", "key", "cohort"])
def test_terms_that_the_ledger_does_not_bear_out_begin_nothing(acme: Enterprise, home: Household, wrong: str) -> None:
    licensed_job(acme, home)
    two = (acme.world.models.peer(acme.home_address).job_key, acme.neighbours[0].key)
    changes = {
        "seed": {"seed": sha256(b"a seed of the enterprise's choice")},
        "plan": {"plan": plan_encode(plan_of_test(seed=9))},
        "key": {"cohort": tuple(each.key for each in acme.neighbours), "peers": (acme.home, acme.identity)},
        "cohort": {"cohort": two, "peers": (acme.home, acme.neighbours[0].channel.identity)},
    }[wrong]
    acme.neighbours.clear()
    acme.begin(**changes)
    home_turn(home, 2)
    assert (only().state, bytes(only().record)) == (State.LICENSED, b"")


def test_terms_wait_for_a_ledger_that_is_behind(acme: Enterprise, home: Household, world: World) -> None:
    licensed_job(acme, home)
    acme.begin()
    world.models.behind = True
    home_turn(home, 2)
    assert only().state == State.LICENSED
    world.models.behind = False
    home_turn(home)
    assert only().state == State.RUNNING


def test_asked_for_both_kinds_of_share_the_home_says_nothing_more(acme: Enterprise, home: Household) -> None:
    masked = in_round(acme, home, "masked")
    assert masked
    record = record_of(only())
    round_id, before = record.asked.round.round_id, len(acme.world.nodes.sent)
    for alive, dropped in (([0, 1, 2], []), ([0, 1], [2])):
        data = encode(Survivors(round_id, bits_of(alive, 3), bits_of(dropped, 3)))
        acme.channel.send(acme.home, job_path(acme.job.hex(), "in", record.sequence, SURVIVORS), data)
    home_turn(home)
    said = [path.rsplit("/", 1)[1] for _, path, _ in acme.world.nodes.sent[before:]]
    assert said == [UNMASK]


@pytest.mark.parametrize("how", ["revoked", "left"])
def test_consent_taken_back_in_the_middle_declines_the_round_and_gives_the_licences_back(
    acme: Enterprise, home: Household, world: World, how: str
) -> None:
    in_round(acme, home, "shares")
    if how == "revoked":
        rule_revoke(household=home, rule=ConsentRule.objects.using("home").get())
    else:
        participation_leave(household=home, participation=only())
    home_turn(home, 3)
    row = only()
    assert (row.state, row.code) == (State.LEFT, "no_rule" if how == "revoked" else "owner_left")
    last = world.nodes.sent[-1]
    assert last[1].endswith("/decline") and row.code.encode() not in last[2] and b"round_declined" in last[2]
    assert ends(home) == {(Orders.ENDED, "left", "left")}
    assert set(EpsilonEntry.objects.using("home").values_list("state", flat=True)) == {EpsilonEntry.State.RELEASED}
    count = len(world.nodes.sent)
    for _ in range(4):
        acme.turn()
        home_turn(home)
    assert len(world.nodes.sent) == count


def test_a_rule_used_up_refuses_rounds_and_keeps_the_job(acme: Enterprise, home: Household) -> None:
    licensed_job(acme, home)
    ConsentRule.objects.using("home").update(limit_micro=600_000)
    acme.begin()
    for _ in range(14):
        acme.turn()
        home_turn(home)
    rounds = ParticipationRound.objects.using("home").order_by("sequence")
    assert [(one.state, one.outcome) for one in rounds][:2] == [
        ("over", "opened"),
        ("declined", "rule_epsilon_exceeded"),
    ]
    assert only().state in (State.RUNNING, State.FAILED)


def test_an_enterprise_that_shows_no_receipts_loses_the_home(world: World, home: Household) -> None:
    consent(home)
    acme = Enterprise(world, plan_of_test(rounds=5))
    licensed_job(acme, home)
    acme.release = False
    acme.begin()
    for _ in range(40):
        acme.turn()
        home_turn(home)
        if acme.record.phase != RUNNING:
            break
    codes = ParticipationRound.objects.using("home").order_by("sequence").values_list("outcome", flat=True)
    assert list(codes)[:4] == ["opened", "opened", "opened", "rewards_outstanding"]


def in_round(acme: Enterprise, home: Household, stage: str) -> bytes:
    """Go on until the home has sent this message of the first round; its data."""
    licensed_job(acme, home)
    acme.begin()
    for _ in range(12):
        acme.turn()
        home_turn(home)
        for _, path, data in acme.world.nodes.sent:
            if path.endswith(f"/{stage}"):
                return data
    raise AssertionError(stage)
