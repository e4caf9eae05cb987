"""What the federated models are worth on real homes they never saw. Figures of more runs: docs/adr/0085."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from fedlearn.learners.audit import attack_trials
from fedlearn.learners.metrics import auc, r2
from fedlearn.learners.plan import Hyper, TrainingPlan
from fedlearn.learners.rehearsal import Conditions, Rehearsed, joined, local, pooled, predicted, rehearse
from fedlearn.learners.table import Table
from fedlearn.protocol.accounting import multiplier_for
from fedlearn.protocol.strategy import Strategy
from tests.pure.fedlearn.learners.world import TRAINING_HOMES, UNSEEN_HOMES, plan_of, slices

pytestmark = pytest.mark.requires_real_data

LOAD = plan_of("next_hour_load", "linear")
MANY = plan_of("next_hour_load", "linear", rounds=10, cohort=96, minimum=48, clip_micro=300_000, group_size=8)
ROOM = plan_of("occupancy", "logistic", hyper=Hyper(10_000, 100), rounds=20, cohort=20, clip_micro=5_000_000)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def taught(homes) -> list[Table]:
    return [homes[home] for home in TRAINING_HOMES]


@pytest.fixture(scope="module")
def unseen(homes) -> Table:
    return joined([homes[home] for home in UNSEEN_HOMES])


@pytest.fixture(scope="module")
def many(taught) -> list[Table]:
    """96 homes of two weeks each: the eight homes, cut into twelve."""
    return slices(taught, 12)


def quality(plan: TrainingPlan, model: Rehearsed, table: Table) -> float:
    return r2(table.y, predicted(plan, model, table))


@pytest.mark.parametrize("strategy", ["fedavg", "fedprox", "fedadam"])
def test_next_hour_load_is_near_pooled_and_above_persistence_and_local_models(taught, unseen, strategy):
    if strategy == "fedprox":
        plan = msgspec.structs.replace(LOAD, batch_size=512, strategy=Strategy("fedprox", prox_micro=100_000))
    elif strategy == "fedadam":
        plan = msgspec.structs.replace(LOAD, rounds=40, strategy=Strategy("fedadam"))
    else:
        plan = LOAD
    federated = quality(plan, rehearse(plan, taught, rng()), unseen)
    assert federated > quality(LOAD, pooled(LOAD, taught, rng()), unseen) - 0.02
    assert federated > r2(unseen.y, unseen.baseline) + 0.05
    assert federated > np.mean([quality(LOAD, local(LOAD, home, rng()), unseen) for home in taught])


def test_masked_statistics_serve_as_well_as_fixed_scales(taught, unseen):
    plan = msgspec.structs.replace(LOAD, scaling="statistics")
    assert (
        quality(plan, rehearse(plan, taught, rng()), unseen) > quality(LOAD, pooled(LOAD, taught, rng()), unseen) - 0.02
    )


def test_a_small_network_learns_from_homes_too(taught, unseen):
    plan = plan_of(
        "next_hour_load", "mlp", hyper=Hyper(50_000, 10_000, (16,)), rounds=40, batch_size=128, clip_micro=5_000_000
    )
    federated = quality(plan, rehearse(plan, taught, rng()), unseen)
    assert federated > quality(plan, pooled(plan, taught, rng()), unseen) - 0.02
    assert federated > r2(unseen.y, unseen.baseline)


def test_ridge_in_one_round_is_the_pooled_closed_form(taught, unseen):
    plan = plan_of("next_hour_load", "ridge", hyper=Hyper(1, 100), rounds=1, clip_micro=10**12)
    found = rehearse(plan, taught, rng())
    everything = joined(taught)
    full = np.column_stack((everything.x, np.ones(len(everything))))
    penalty = np.diag([plan.l2 * len(everything)] * everything.x.shape[1] + [0.0])
    closed = np.linalg.solve(full.T @ full + penalty, full.T @ everything.y)
    assert found.parameters == pytest.approx(closed, abs=1e-8)
    assert quality(plan, found, unseen) > r2(unseen.y, unseen.baseline) + 0.05


def test_occupancy_is_near_pooled_although_six_blocks_have_one_class_only(blocks):
    taught = [block.split(0.7)[0] for block in blocks]
    later = joined([block.split(0.7)[1] for block in blocks])
    assert sum(len(set(block.y)) == 1 for block in taught) >= 6
    federated = auc(later.y, predicted(ROOM, rehearse(ROOM, taught, rng()), later))
    assert federated > auc(later.y, predicted(ROOM, pooled(ROOM, taught, rng()), later)) - 0.01
    assert federated > 0.98


def test_noise_at_epsilon_8_costs_little_with_96_homes_and_epsilon_2_more(many, unseen):
    plan = msgspec.structs.replace(MANY, group_size=0)
    plain = quality(plan, rehearse(plan, many, rng()), unseen)
    mean = {}
    for epsilon in (2.0, 8.0):
        noise = Conditions(noise_multiplier=multiplier_for(epsilon, 1e-5, plan.releases))
        mean[epsilon] = np.mean([quality(plan, rehearse(plan, many, rng(seed), noise), unseen) for seed in (1, 2)])
    assert plain - 0.03 < mean[8.0] < plain + 0.01
    assert mean[2.0] < mean[8.0]
    assert mean[2.0] > r2(unseen.y, unseen.baseline)


def test_clipping_bounds_the_scaled_attack_of_5_per_cent(many, unseen):
    kinds = [("scaled", 5, defence) for defence in ("none", "clip", "clip+groups")]
    free, clipped, grouped = attack_trials(MANY, many, unseen, kinds, 1, factor=30.0)
    assert free.loss > 1.0
    assert clipped.loss < 0.05
    assert grouped.loss < 0.05


def test_one_attacker_in_a_hundred_changes_little_once_updates_are_clipped(many, unseen):
    kinds = [(attack, 1, "clip") for attack in ("label_flip", "sign_flip", "scaled")]
    assert all(entry.loss < 0.02 for entry in attack_trials(MANY, many, unseen, kinds, 1))


def test_a_home_with_four_days_of_data_gains_by_the_federated_model(homes):
    gains = []
    model = rehearse(LOAD, [homes[home] for home in TRAINING_HOMES], rng())
    for home in UNSEEN_HOMES:
        few, later = homes[home].rows(slice(0, 96)), homes[home].rows(slice(96, None))
        gains.append(quality(LOAD, model, later) - quality(LOAD, local(LOAD, few, rng()), later))
    assert min(gains) > 0.02
