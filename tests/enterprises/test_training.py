"""A training job from its draft to the last refund, over both ledgers, with homes that learn as hubs do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from chain.contracts.credits import ESCROW
from chain.crypto.hashing import sha256
from enterprises.checkout.models import Wallet
from enterprises.checkout.services import committed
from enterprises.training import services
from enterprises.training.contributions import shares_of
from enterprises.training.models import JobPeer, JobStep, TrainingJob
from enterprises.training.rounds import training_advance
from fedlearn.learners.model_file import model_decode
from marketplace.accounts.models import User
from tests.enterprises.conftest import Buyer
from tests.enterprises.training import TrainingHub, TrainingWorld, load_tables, training_world

pytestmark = pytest.mark.django_db
FIELDS = {
    "task": "next_hour_load",
    "family": "linear",
    "learning_rate": "0.01",
    "rounds": 2,
    "epochs": 1,
    "cohort": 6,
    "minimum": 4,
    "deadline_s": 40,
    "clip": "5",
    "epsilon": None,
    "reward": 10,
    "bonus": 12,
    "budget": 200,
}


@pytest.fixture
def world(settings: Settings, db: None) -> Iterator[TrainingWorld]:
    settings.HEARTH_BUYER_MARKET = "tests.enterprises.training.connect"
    settings.HEARTH_TRAINING_DESK = "tests.enterprises.training.desk"
    yield training_world()


@pytest.fixture
def acme(world: TrainingWorld, member: User) -> Buyer:
    return Buyer(member, world.shared, credits=1000)


def homes_new(world: TrainingWorld, count: int = 5, **changes: Any) -> list[TrainingHub]:
    return [world.hub(table, **changes) for table in load_tables(count)]


def draft(acme: Buyer, **changes: Any) -> TrainingJob:
    return services.job_create(
        member=acme.member,
        service="tariff-advice",
        purpose="Compare tariffs by the predicted load.",
        gather_s=3600,
        fields={**FIELDS, **changes},
    )


def sweep(world: TrainingWorld, times: int = 1) -> None:
    """What the sweeps of the next seconds do: rests are over, leases of the dead have run out."""
    for _ in range(times):
        for model in (TrainingJob, Wallet):
            model.objects.update(lease_token=None, lease_until=None, next_try_at=timezone.now() - timedelta(seconds=1))
        training_advance()
        world.turn()


def answered(world: TrainingWorld, acme: Buyer, homes: list[TrainingHub], **changes: Any) -> TrainingJob:
    """A job whose homes are ready."""
    job = services.job_notice(member=acme.member, job=draft(acme, **changes))
    sweep(world, 2)
    for home in homes:
        home.answer(bytes.fromhex(job.plan_hash))
    sweep(world, 3)
    job.refresh_from_db()
    return job


def confirmed(world: TrainingWorld, acme: Buyer, homes: list[TrainingHub], **changes: Any) -> TrainingJob:
    job = answered(world, acme, homes, **changes)
    return services.job_confirm(member=acme.member, market=acme.market, job=job, total=int(job.estimate["total"]))


def until(world: TrainingWorld, job: TrainingJob, *states: str, most: int = 80) -> TrainingJob:
    for _ in range(most):
        job.refresh_from_db()
        if job.state in states or job.winding in states:
            return job
        sweep(world)
    raise AssertionError(f"{job.state} {job.winding} {job.reason} {job.last_error_code} {job.last_error}")


def refunded(world: TrainingWorld, job: TrainingJob) -> TrainingJob:
    """Until the time for claims is over and what is left is back."""
    until(world, job, "refunding", "done")
    world.shared.turn(25 * 3_600_000)
    return until(world, job, "done")


def test_a_job_goes_from_its_notice_to_a_version_and_pays_the_homes(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world)
    job = answered(world, acme, homes)
    assert job.state == "gathering"
    assert [peer.state for peer in job.peers.all()] == ["ready"] * 5
    assert job.estimate["homes"] == 5 and job.estimate["total"] == 5 * 6 + 12
    assert job.rehearsal["homes"] == 5 and len(job.rehearsal["curve"]) == 2
    services.job_confirm(member=acme.member, market=acme.market, job=job, total=42)
    until(world, job, "completed", "failed")
    assert (job.state, job.reason) == ("completed", "")
    refunded(world, job)

    steps = list(JobStep.objects.filter(job=job))
    assert [(step.number, step.kind, step.outcome, len(step.survivors)) for step in steps] == [
        (1, "train", "opened", 5),
        (2, "train", "opened", 5),
        (0, "final", "opened", 5),
    ]
    ledger_job = world.models.job(bytes.fromhex(job.ledger_job))
    assert (ledger_job.status, ledger_job.done, ledger_job.licences) == ("completed", 2, 5)
    (version,) = world.models.versions()
    assert version.version.hex() == job.version
    model = model_decode(acme.market.object_get(version.object_id), version.object_id)
    assert sha256(model.parameters.astype("<f8").tobytes()) == version.parameters
    assert sha256(acme.market.object_get(version.card)) == version.card
    assert job.card["held_out"]["homes"] == 1 and job.card["participants"] == 5
    for home in homes:
        assert home.paid == ["market.release_round", "market.release_round", "market.claim_bonus"]
        assert home.record is not None and home.record.spent == 3
    # Licences are paid in full, and of the bonus what rounding leaves comes back.
    assert world.shared.balance(ESCROW) == 0
    assert job.happened["paid"] + job.happened["back"] == 42
    assert acme.balance() == 1000 - job.happened["paid"]
    assert job.happened["rounds"] == 2 and job.happened["dropouts"] == 0


def test_a_home_that_falls_silent_is_missed_and_the_round_goes_on(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world)
    homes[2].silent = lambda sequence: sequence == 2
    job = confirmed(world, acme, homes)
    until(world, job, "completed", "failed", most=200)
    assert (job.state, job.reason) == ("completed", "")
    assert [len(step.survivors) for step in JobStep.objects.filter(job=job)] == [5, 4, 5]
    refunded(world, job)
    assert homes[2].paid == ["market.release_round", "market.claim_bonus"]
    assert job.happened["dropouts"] == 1
    assert world.shared.balance(ESCROW) == 0
    assert job.happened["back"] >= 3  # half of a licence of 6


def test_a_job_that_too_few_homes_accept_fails_and_all_money_comes_back(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world)
    homes[0].willing = homes[1].willing = False
    job = confirmed(world, acme, homes)
    until(world, job, "failed", "completed")
    assert job.reason == "too_few_accepted"
    refunded(world, job)
    assert acme.balance() == 1000 and world.shared.balance(ESCROW) == 0
    assert world.models.job(bytes.fromhex(job.ledger_job)).reason == "too_few_accepted"


def test_homes_that_never_answer_in_a_round_end_the_job_with_the_rounds_reason(
    world: TrainingWorld, acme: Buyer
) -> None:
    homes = homes_new(world)
    for home in homes[:3]:
        home.silent = lambda sequence: True
    job = confirmed(world, acme, homes)
    until(world, job, "failed", "completed", most=300)
    assert job.state == "failed" and job.reason
    refunded(world, job)
    assert acme.balance() == 1000 and world.shared.balance(ESCROW) == 0
    assert world.models.job(bytes.fromhex(job.ledger_job)).aborted == 3


@pytest.mark.parametrize("state", ["draft", "noticed", "gathering", "funding", "waiting", "running"])
def test_a_job_can_be_cancelled_at_any_time_and_nothing_is_kept(world: TrainingWorld, acme: Buyer, state: str) -> None:
    homes = homes_new(world)
    if state in ("draft", "noticed"):
        job = draft(acme)
        if state == "noticed":
            services.job_notice(member=acme.member, job=job)
    elif state == "gathering":
        job = answered(world, acme, homes)
    else:
        job = confirmed(world, acme, homes)
        until(world, job, state)
    services.job_cancel(job=job)
    until(world, job, "cancelled")
    job = refunded(world, job)
    assert (job.state, job.reason) == ("cancelled", "")
    assert acme.balance() == 1000 - job.happened.get("paid", 0) and world.shared.balance(ESCROW) == 0


def test_a_second_version_for_the_service_names_the_first(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world)
    first = until(world, confirmed(world, acme, homes), "refunding")
    more = homes_new(world)
    for home in homes:
        world.hubs.pop(home.identity)
    second = until(world, confirmed(world, acme, more), "refunding")
    rows = {row.version.hex(): row for row in world.models.versions()}
    assert rows[second.version].previous.hex() == first.version


def test_only_lots_with_a_known_training_licence_within_the_reward_are_taken(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world, 4)
    dear = world.hub(load_tables(5)[4], price=21)
    job = answered(world, acme, [*homes, dear])
    assert job.estimate["homes"] == 4 and job.estimate["licences"] == 24
    services.job_confirm(member=acme.member, market=acme.market, job=job, total=36)
    assert job.peers.get(address=dear.key.address.hex()).state == JobPeer.State.LEFT_OUT


def test_a_private_job_spends_no_more_epsilon_than_it_said_and_claims_no_figures_that_noise_hides(
    world: TrainingWorld, acme: Buyer
) -> None:
    homes = homes_new(world)
    job = confirmed(world, acme, homes, epsilon="4", delta="0.01", rounds=1)
    assert 0 < job.estimate["epsilon"] <= 4
    until(world, job, "refunding", "failed")
    assert job.state == "completed"
    steps = list(JobStep.objects.filter(job=job))
    spent = [step.epsilon_micro for step in steps]
    assert 0 < spent[0] < spent[1] <= 4_000_000
    assert world.models.job(bytes.fromhex(job.ledger_job)).epsilon_micro == spent[0]
    assert (job.version, job.version_note) == ("", "figures_lost_in_noise")
    assert world.models.versions() == []


def test_a_bonus_follows_what_groups_added_and_is_equal_where_nothing_is_known() -> None:
    assert shares_of([{}, {}], [0, 1, 2]) == {0: 333_333, 1: 333_333, 2: 333_333}
    worths = [{"0": 0.3, "1": 0.3, "2": -0.5}, {"0": 0.1, "2": 0.2, "9": 5.0}]
    assert shares_of(worths, [0, 1, 2, 0]) == {0: 571_428, 1: 428_571}
    assert shares_of([], []) == {}


@pytest.mark.slow
def test_groups_that_are_opened_apart_share_the_bonus_by_their_shapley_values(
    world: TrainingWorld, acme: Buyer
) -> None:
    homes = homes_new(world, 24, price=1)
    job = confirmed(world, acme, homes, cohort=24, minimum=20, group_size=8, rounds=1, budget=400)
    until(world, job, "refunding", "failed", most=60)
    assert job.state == "completed"
    worth = JobStep.objects.get(job=job, number=1).worth
    assert len(worth) == 24 and len({round(value, 9) for value in worth.values()}) == 3
    assert all(home.paid[-1] in ("market.claim_bonus", "market.release_round") for home in homes)


def test_a_job_with_an_interval_repeats_and_pays_by_itself_within_its_budget(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world, 4)
    first = until(world, confirmed(world, acme, homes, rounds=1, cohort=4, interval_s=86_400), "refunding")
    repeat = TrainingJob.objects.get(repeat_of=first)
    assert repeat.plan_hash != first.plan_hash and repeat.starts_at > timezone.now()
    sweep(world, 3)
    repeat.refresh_from_db()
    assert repeat.state == "noticed" and repeat.closes_at is None, "its time has not come"
    TrainingJob.objects.filter(pk=repeat.pk).update(starts_at=timezone.now())
    for home in homes:
        world.hubs.pop(home.identity)
    until(world, repeat, "gathering")
    for home in homes_new(world, 4):
        home.answer(bytes.fromhex(repeat.plan_hash))
    until(world, repeat, "refunding", "failed")
    assert (repeat.state, repeat.reason) == ("completed", "") and repeat.version
    assert TrainingJob.objects.filter(repeat_of=repeat).count() == 1


def test_a_repeat_that_can_t_be_paid_ends_the_series(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world, 4)
    first = until(world, confirmed(world, acme, homes, rounds=1, cohort=4, interval_s=86_400), "refunding")
    repeat = TrainingJob.objects.get(repeat_of=first)
    TrainingJob.objects.filter(pk=repeat.pk).update(starts_at=timezone.now())
    for home in homes:
        world.hubs.pop(home.identity)
    until(world, repeat, "gathering")
    for home in homes_new(world, 4, price=9):
        home.answer(bytes.fromhex(repeat.plan_hash))
    world.shared.suspend(bytes.fromhex(acme.wallet.address))
    until(world, repeat, "failed", "completed")
    assert repeat.reason == "buyer_not_accredited"
    assert not TrainingJob.objects.filter(repeat_of=repeat).exists()


def test_credits_of_a_confirmed_job_are_not_spent_twice(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world)
    job = confirmed(world, acme, homes)
    assert committed(acme.enterprise) == job.total == 42
    until(world, job, "waiting")
    assert committed(acme.enterprise) == 0 and acme.balance() == 1000 - 42
