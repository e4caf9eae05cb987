"""A whole job over masked sums: what it learns, what it costs, who is left out, and how it ends."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from chain.core.codec import decode, encode
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import public_key
from fedlearn.learners.attacks import Attack
from fedlearn.learners.families import family
from fedlearn.learners.plan import plan_hash
from fedlearn.protocol.errors import SenderUnknown
from fedlearn.protocol.strategy import Strategy
from fedlearn.runtime.jobs import (
    CANCELLED,
    COMPLETED,
    FAILED,
    HubWorld,
    Opening,
    hub_begin,
    hub_take,
    job_begin,
    job_cancel,
    job_outgoing,
    job_sent,
    job_take,
    job_tick,
)
from fedlearn.runtime.jobs.errors import Declined, JobOver, NotAgreed, NotInCohort, TermsInvalid
from fedlearn.runtime.jobs.hub import training_chance
from fedlearn.runtime.simulate import Simulation, Willing, figures_of
from tests.pure.fedlearn.jobs.homes import plan, private, tables


def test_a_job_learns_what_plain_federated_averaging_learns() -> None:
    homes, declared = tables(5), plan()
    simulation = Simulation(declared, homes, seed=3)
    job = simulation.run().job
    assert job.phase == COMPLETED
    chosen = family("linear")
    parameters = chosen.parameters_new(declared, np.random.default_rng(1))
    trained = [index for index in range(5) if index not in job.terms.held_out]
    for step in (1, 2, 3):
        updates = [
            chosen.local_update(
                parameters,
                homes[index].x,
                homes[index].y,
                declared,
                training_chance(declared.seed, job.terms.job, index, step),
            )
            for index in trained
        ]
        parameters = parameters + np.mean(updates, axis=0)
    assert np.abs(job.parameters - parameters).max() < 1e-4
    assert len(job.terms.held_out) == 1
    assert figures_of(job)["held_out_r2"] > 0.5


def test_the_figures_are_those_of_all_rows_together() -> None:
    homes = tables(4, binary=True)
    job = Simulation(plan(binary=True, cohort=4), homes, seed=1).run().job
    shape = family("logistic").shape(plan(binary=True))
    trained = [home for index, home in enumerate(homes) if index not in job.terms.held_out]
    y = np.concatenate([home.y for home in trained])
    chance = np.concatenate([family("logistic").predict(job.parameters, home.x, shape) for home in trained])
    brier = float(np.mean((chance - y) ** 2))
    order = np.argsort(chance)
    ranks = np.empty(len(y))
    ranks[order] = np.arange(1, len(y) + 1)
    ones = y.sum()
    auc = (ranks[y == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(y) - ones))
    said = figures_of(job)
    assert abs(said["brier"] - brier) < 1e-3
    assert abs(said["auc"] - auc) < 0.01


def test_two_runs_with_one_seed_are_equal_and_with_another_are_not() -> None:
    homes = tables(4)
    first, second, other = (Simulation(plan(), homes, seed=seed, dropout=0.1).run().job for seed in (5, 5, 6))
    assert encode(first) == encode(second)
    assert first.terms.job != other.terms.job


def test_homes_that_fall_silent_are_left_out_and_the_job_goes_on() -> None:
    job = Simulation(plan(rounds=4, minimum=2, cohort=8), tables(8), seed=2, dropout=0.2).run().job
    opened = [report for report in job.reports if report.outcome == "opened"]
    assert job.phase == COMPLETED
    assert min(len(report.survivors) for report in opened) < 8
    assert all(len(report.survivors) == len(report.updates) for report in opened)


def test_a_job_whose_homes_stay_away_fails_with_the_reason() -> None:
    job = Simulation(plan(minimum=5), tables(5), seed=2, dropout=1.0).run().job
    assert (job.phase, job.reason) == (FAILED, "round_too_few_participants")
    assert [report.outcome for report in job.reports] == ["round_too_few_participants"] * 3


def test_a_round_of_statistics_standardises_all_homes_alike() -> None:
    homes = [replace(home, x=home.x * 0.1 + 0.7) for home in tables(5)]
    job = Simulation(plan(scaling="statistics", rounds=6), homes, seed=1).run().job
    assert [report.kind for report in job.reports] == ["statistics", *["train"] * 6, "final"]
    trained = [home.x for index, home in enumerate(homes) if index not in job.terms.held_out]
    wanted = np.mean([x.mean(axis=0) for x in trained], axis=0)
    assert np.abs(np.array(job.scaler.means_nano) / 1e9 - wanted).max() < 1e-4
    plainly = Simulation(plan(rounds=6), homes, seed=1).run().job
    assert figures_of(job)["held_out_r2"] > figures_of(plainly)["held_out_r2"]


def test_an_attackers_update_is_bounded_by_the_clip_norm() -> None:
    homes, declared = tables(5), plan(clip_micro=500_000, rounds=1)
    honest = Simulation(declared, homes, seed=1).run().job
    attack = Attack("scaled", frozenset({0}), factor=1000.0)
    spoilt = Simulation(declared, homes, seed=1, attack=attack).run().job
    distance = float(np.linalg.norm(honest.parameters - spoilt.parameters))
    assert 0.0 < distance <= 2 * 0.5 / 4 + 1e-3


def test_ridge_is_fitted_in_one_round_from_masked_sums() -> None:
    declared = plan(family="ridge", rounds=1, cohort=3, clip_micro=2_000_000)
    homes = tables(3)
    job = Simulation(declared, homes, seed=1).run().job
    x = np.column_stack((np.concatenate([home.x for home in homes]), np.ones(600)))
    exact, *_ = np.linalg.lstsq(x, np.concatenate([home.y for home in homes]), rcond=None)
    assert np.abs(job.parameters - exact).max() < 1e-3


def test_groups_are_opened_apart_and_one_bad_group_is_trimmed_away() -> None:
    homes = tables(30)
    declared = plan(cohort=30, minimum=20, group_size=8, rounds=2)
    job = Simulation(declared, homes, seed=4).run().job
    assert job.phase == COMPLETED
    assert len(job.reports[0].survivors) == 30
    assert figures_of(job)["r2"] > 0.3


@pytest.mark.slow
def test_with_a_privacy_target_epsilon_grows_to_it_and_never_past_it() -> None:
    job = Simulation(plan(privacy=private(8.0), rounds=3), tables(5), seed=1).run().job
    spent = [report.epsilon_micro for report in job.reports]
    assert spent == sorted(spent)
    assert 0 < spent[0] < spent[-1] <= 8_010_000
    assert job.reports[0].figures == ()
    assert job.reports[-1].figures != ()


def test_fedadam_and_fedprox_run_by_the_same_rounds() -> None:
    for strategy in (Strategy("fedadam", server_rate_micro=100_000), Strategy("fedprox", prox_micro=100_000)):
        job = Simulation(plan(strategy=strategy, rounds=5), tables(4), seed=1).run().job
        assert job.phase == COMPLETED
        assert figures_of(job)["r2"] > 0.2, strategy.name


def test_a_cancelled_job_tells_the_homes_and_takes_nothing_more() -> None:
    simulation = Simulation(plan(), tables(3), seed=1)
    record = job_sent(job_tick(simulation.record, 0, simulation.chain))
    cancelled = job_cancel(record, 5)
    assert cancelled.phase == CANCELLED
    assert {name for _, _, name, _ in job_outgoing(cancelled)} == {"close"}
    with pytest.raises(JobOver):
        job_take(cancelled, simulation.terms.peers[0], "advert", b"", 1)
    with pytest.raises(JobOver):
        job_cancel(cancelled, 6)


def test_a_stranger_is_refused() -> None:
    simulation = Simulation(plan(), tables(3), seed=1)
    record = job_tick(simulation.record, 0, simulation.chain)
    with pytest.raises(SenderUnknown):
        job_take(record, "hub-00000000@hearth.invalid", "advert", b"", 1)


# A hub compares what it is asked with what it agreed to.


def hub_world(simulation: Simulation, index: int = 0, guard: Willing | None = None) -> HubWorld:
    home = simulation.homes[index]
    return HubWorld(home.secret, simulation.chain, guard or Willing(), lambda: home.table, home.random)


def joined(simulation: Simulation, index: int = 0):
    terms = simulation.terms
    key = public_key(simulation.homes[index].secret)
    return hub_begin(encode(terms), plan_hash(simulation.plan), terms.job, terms.seed, key)


def opening_of(simulation: Simulation) -> bytes:
    record = job_tick(simulation.record, 0, simulation.chain)
    return record.cells[0].opening


@pytest.mark.parametrize("place", ["plan", "job", "seed"])
def test_a_hub_refuses_terms_that_it_did_not_agree_to(place: str) -> None:
    simulation = Simulation(plan(), tables(3), seed=1)
    agreed = {"plan": plan_hash(simulation.plan), "job": simulation.terms.job, "seed": simulation.terms.seed}
    agreed[place] = sha256(b"another")
    key = public_key(simulation.homes[0].secret)
    with pytest.raises(NotAgreed):
        hub_begin(encode(simulation.terms), agreed["plan"], agreed["job"], agreed["seed"], key)
    with pytest.raises(NotInCohort):
        hub_begin(
            encode(simulation.terms),
            plan_hash(simulation.plan),
            simulation.terms.job,
            simulation.terms.seed,
            public_key(sha256(b"nobody")),
        )


def test_an_opening_gets_one_answer_however_often_it_comes() -> None:
    simulation = Simulation(plan(), tables(3), seed=1)
    data, world = opening_of(simulation), hub_world(simulation)
    record, first = hub_take(joined(simulation), "open", data, world)
    again, second = hub_take(record, "open", data, world)
    assert first == second
    assert again == record
    assert first[0].stage == "advert"


@pytest.mark.parametrize("change", ["cell", "minimum", "kind", "parameters"])
def test_a_round_that_is_not_as_planned_is_declined_by_a_code_alone(change: str) -> None:
    simulation = Simulation(plan(), tables(4), seed=1)
    opening = decode(Opening, opening_of(simulation))
    changed = {
        "cell": {"cell": opening.cell[:-1]},
        "minimum": {"round": msgspec.structs.replace(opening.round, minimum=2)},
        "kind": {"kind": "gossip"},
        "parameters": {"parameters": opening.parameters[:-8]},
    }[change]
    data = encode(msgspec.structs.replace(opening, **changed))
    record, answers = hub_take(joined(simulation), "open", data, hub_world(simulation))
    assert answers[0].stage == "decline"
    assert record.member == b""
    assert b"round_not_planned" in answers[0].data


def test_a_hub_whose_owner_says_no_declines_and_keeps_no_secrets() -> None:
    class Unwilling(Willing):
        def allow(self, sequence: int, release: object) -> None:
            raise Declined

    simulation = Simulation(plan(), tables(3), seed=1)
    record, answers = hub_take(
        joined(simulation), "open", opening_of(simulation), hub_world(simulation, guard=Unwilling())
    )
    assert [answer.stage for answer in answers] == ["decline"]
    assert record.member == b""


def test_a_home_spends_only_when_its_vector_leaves() -> None:
    simulation = Simulation(plan(rounds=1), tables(3), seed=1)
    simulation.run()
    assert [home.record.spent for home in simulation.homes if home.record] == [2, 2, 2]


def test_job_begin_refuses_terms_with_a_member_twice() -> None:
    simulation = Simulation(plan(), tables(3), seed=1)
    twice = msgspec.structs.replace(simulation.terms, peers=(simulation.terms.peers[0],) * 3)
    with pytest.raises(TermsInvalid):
        job_begin(twice, np.zeros(simulation.record.parameters.shape), 0)
