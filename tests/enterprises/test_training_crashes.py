"""A job survives the death of its worker before any write, and around every submission to either ledger."""

# ruff: noqa: F811
from __future__ import annotations

import pytest
from django.db import transaction

from chain.contracts.credits import ESCROW
from enterprises.training.models import JobStep, TrainingJob
from marketplace.common.errors import Unavailable
from tests.enterprises.conftest import Buyer
from tests.enterprises.market import Killed
from tests.enterprises.test_crashes import dying
from tests.enterprises.test_training import (  # noqa: F401
    acme,
    answered,
    confirmed,
    homes_new,
    refunded,
    sweep,
    until,
    world,
)
from tests.enterprises.training import TrainingHub, TrainingWorld, connect

pytestmark = pytest.mark.django_db


def died(world: TrainingWorld, at: int) -> bool:
    """Sweep until the worker dies before write number ``at`` of a sweep; False when no sweep has so many."""
    try:
        with dying(at):
            sweep(world)
    except Killed:
        return True
    return False


def outcome(world: TrainingWorld, acme: Buyer, job: TrainingJob, homes: list[TrainingHub]) -> None:
    """What every job of these tests comes to, wherever its worker died."""
    refunded(world, job)
    assert (job.state, job.reason) == ("completed", "")
    assert [(step.number, len(step.survivors)) for step in JobStep.objects.filter(job=job)] == [(1, 5), (2, 5), (0, 5)]
    assert world.models.job(bytes.fromhex(job.ledger_job)).done == 2
    assert world.shared.balance(ESCROW) == 0
    assert acme.balance() == 1000 - job.happened["paid"] and job.happened["paid"] + job.happened["back"] == 42
    for home in homes:
        assert home.record is not None and home.record.spent == 3, "each vector was given away once"


@pytest.mark.parametrize("first", [1, 2, 3, 5, 8])
def test_death_at_ever_later_writes_of_every_sweep_changes_nothing_of_the_outcome(
    world: TrainingWorld, acme: Buyer, first: int
) -> None:
    """Each sweep dies at another write than the one before; between two deaths one sweep lives."""
    homes = homes_new(world)
    job = confirmed(world, acme, homes)
    at = first
    for _ in range(150):
        job.refresh_from_db()
        if job.winding == "refunding":
            break
        at = at + 1 if died(world, at) else first
        sweep(world)
    outcome(world, acme, job, homes)


@pytest.mark.slow
@pytest.mark.parametrize("at", range(1, 40))
def test_death_before_write_number_n_of_every_sweep(world: TrainingWorld, acme: Buyer, at: int) -> None:
    homes = homes_new(world)
    job = confirmed(world, acme, homes)
    for _ in range(150):
        job.refresh_from_db()
        if job.winding == "refunding":
            break
        died(world, at)
        sweep(world)
    outcome(world, acme, job, homes)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_death_around_every_submission_sends_the_same_bytes_and_pays_once(
    world: TrainingWorld, acme: Buyer, moment: str
) -> None:
    homes = homes_new(world)
    job = confirmed(world, acme, homes)
    deaths = 0

    def die() -> None:
        nonlocal alive, deaths
        if alive:
            alive = False
            deaths += 1
            raise Killed

    alive = True
    for client in (connect(), acme.market):
        setattr(client, moment, die)
    for _ in range(150):
        job.refresh_from_db()
        if job.winding == "refunding":
            break
        try:
            sweep(world)
        except Killed:
            pass
        else:
            alive = True
    alive = False
    assert deaths > 5
    outcome(world, acme, job, homes)


def test_death_while_homes_answer_asks_nobody_for_another_job(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world)
    for at in range(1, 12):
        died(world, at)
    job = answered(world, acme, homes)
    for at in range(1, 12):
        died(world, at)
    sweep(world, 2)
    assert [peer.state for peer in job.peers.all()] == ["ready"] * 5
    assert {home.job.hex() for home in homes} == {job.ledger_job}


def test_a_ledger_that_is_away_is_waited_for(
    world: TrainingWorld, acme: Buyer, monkeypatch: pytest.MonkeyPatch
) -> None:
    homes = homes_new(world)
    job = confirmed(world, acme, homes)
    until(world, job, "running")

    def away(*args: object, **kwargs: object) -> None:
        raise Unavailable

    with monkeypatch.context() as broken:
        broken.setattr(world.models, "submit", away)
        broken.setattr(world.models, "header", away)
        sweep(world, 5)
        job.refresh_from_db()
        assert job.state == "running"
    outcome(world, acme, until(world, job, "refunding"), homes)


def test_the_record_of_a_job_is_sealed_and_holds_no_update(world: TrainingWorld, acme: Buyer) -> None:
    homes = homes_new(world)
    job = until(world, confirmed(world, acme, homes), "running")
    sweep(world, 3)
    job.refresh_from_db()
    assert job.sealed_record and bytes(job.plan) not in bytes(job.sealed_record)
    with transaction.atomic(using="enterprise"):
        assert homes[0].job_key.public_key not in bytes(job.sealed_record)
