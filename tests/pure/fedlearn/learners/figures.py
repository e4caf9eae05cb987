"""All figures of docs/adr/0085, measured anew: ``python -m tests.pure.fedlearn.learners.figures``, a few minutes."""

from __future__ import annotations

import msgspec
import numpy as np

from fedlearn.learners.attacks import ATTACKS
from fedlearn.learners.audit import DEFENCES, attack_trials, membership_audit
from fedlearn.learners.metrics import auc, r2
from fedlearn.learners.plan import Hyper, TrainingPlan
from fedlearn.learners.rehearsal import PLAIN, Conditions, Rehearsed, joined, local, pooled, predicted, rehearse
from fedlearn.learners.scaling import scaler_fixed
from fedlearn.learners.table import Table
from fedlearn.protocol.accounting import multiplier_for
from fedlearn.protocol.strategy import Strategy
from tests.pure.fedlearn.learners.world import (
    TRAINING_HOMES,
    UNSEEN_HOMES,
    load_homes,
    plan_of,
    room_blocks,
    slices,
)

DELTA, SEEDS = 1e-5, range(5)
LOAD = plan_of("next_hour_load", "linear")
SMALL_NET = plan_of(
    "next_hour_load", "mlp", hyper=Hyper(50_000, 10_000, (16,)), rounds=40, batch_size=128, clip_micro=5_000_000
)
PLANS = {
    "linear, FedAvg": LOAD,
    "linear, FedAvg, statistics round": msgspec.structs.replace(LOAD, scaling="statistics"),
    "linear, FedProx mu 0.1": msgspec.structs.replace(LOAD, strategy=Strategy("fedprox", prox_micro=100_000)),
    "linear, FedAdam, 40 rounds": msgspec.structs.replace(LOAD, rounds=40, strategy=Strategy("fedadam")),
    "MLP 16, FedAvg, 40 rounds": SMALL_NET,
    "ridge, one round": plan_of("next_hour_load", "ridge", hyper=Hyper(1, 100), rounds=1, clip_micro=10**12),
}
MANY = plan_of("next_hour_load", "linear", rounds=20, cohort=96, minimum=24, clip_micro=300_000, group_size=8)
ROOM = plan_of("occupancy", "logistic", hyper=Hyper(10_000, 100), rounds=20, cohort=20, clip_micro=5_000_000)


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def main() -> None:
    homes = load_homes()
    taught = [homes[home] for home in TRAINING_HOMES]
    unseen = joined([homes[home] for home in UNSEEN_HOMES])
    many = slices(taught, 12)
    strategies(taught, unseen)
    rooms()
    noise(taught, many, unseen)
    attacks(many, unseen)
    membership(taught, many)


def strategies(taught: list[Table], unseen: Table) -> None:
    print(f"next-hour load, R2 on homes 9 and 10; persistence {r2(unseen.y, unseen.baseline):.3f}")
    for name, plan in PLANS.items():
        federated = r2(unseen.y, predicted(plan, rehearse(plan, taught, rng()), unseen))
        together = r2(unseen.y, predicted(plan, pooled(plan, taught, rng()), unseen))
        alone = np.mean([r2(unseen.y, predicted(plan, local(plan, home, rng()), unseen)) for home in taught])
        print(f"  {name:34} federated {federated:.3f}  pooled {together:.3f}  mean local {alone:.3f}", flush=True)
    model = rehearse(LOAD, taught, rng())
    for days in (4, 14, 56):
        found = []
        for home in (load_homes()[number] for number in UNSEEN_HOMES):
            few, later = home.rows(slice(0, 24 * days)), home.rows(slice(24 * days, None))
            own = r2(later.y, predicted(LOAD, local(LOAD, few, rng()), later))
            found.append(f"{r2(later.y, predicted(LOAD, model, later)):.3f} / {own:.3f}")
        print(f"  homes 9, 10 with {days} days of their own: federated / own model {', '.join(found)}")


def rooms() -> None:
    blocks = room_blocks()
    taught = [block.split(0.7)[0] for block in blocks]
    later = joined([block.split(0.7)[1] for block in blocks])
    single = sum(len(set(block.y)) == 1 for block in taught)
    federated = auc(later.y, predicted(ROOM, rehearse(ROOM, taught, rng()), later))
    together = auc(later.y, predicted(ROOM, pooled(ROOM, taught, rng()), later))
    before = auc(later.y, later.baseline)
    print(
        f"occupancy, AUC, {len(blocks)} blocks, {single} with one class: "
        f"federated {federated:.4f}  pooled {together:.4f}  persistence {before:.4f}"
    )


def noise(taught: list[Table], many: list[Table], unseen: Table) -> None:
    print(f"noise, R2 on homes 9 and 10, mean (lowest) of {len(SEEDS)} seeds, delta {DELTA}, 20 rounds")
    for title, tables in (("96 stretches", many), ("8 homes", taught)):
        for clip in (100_000, 300_000):
            for epsilon in (None, 8.0, 2.0):
                plan = msgspec.structs.replace(MANY, group_size=0, clip_micro=clip, minimum=4)
                print(
                    f"  {title:12} clip {clip / 1e6:.1f} epsilon {epsilon}: {noisy(plan, tables, unseen, epsilon)}",
                    flush=True,
                )


def noisy(plan: TrainingPlan, tables: list[Table], unseen: Table, epsilon: float | None) -> str:
    """After 5, 10 and 20 rounds of a plan whose noise is that of 20 rounds."""
    multiplier = multiplier_for(epsilon, DELTA, plan.releases) if epsilon else 0.0
    curves = []
    for seed in SEEDS:
        curve: list[float] = []

        def watch(number: int, parameters: np.ndarray, curve: list[float] = curve) -> None:
            model = Rehearsed(parameters, scaler_fixed(unseen.x.shape[1]), ())
            curve.append(r2(unseen.y, predicted(plan, model, unseen)))

        rehearse(plan, tables, rng(seed), Conditions(noise_multiplier=multiplier), watch)
        curves.append(curve)
    found = np.array(curves)
    return "  ".join(f"{n}: {found[:, n - 1].mean():.3f} ({found[:, n - 1].min():.3f})" for n in (5, 10, 20))


def attacks(many: list[Table], unseen: Table) -> None:
    print("attacks on 96 stretches, attackers in all homes: loss of R2 on homes 9 and 10 (honest R2); scaled is by 10")
    for defence in DEFENCES:
        trials = [(attack, share, defence) for attack in ATTACKS for share in (1, 5, 20)]
        for entry in attack_trials(MANY, many, unseen, trials, 1):
            print(
                f"  {defence:12} {entry.attack:11} {entry.per_cent:3} %: {entry.loss:.3f} ({entry.honest:.3f})",
                flush=True,
            )


def membership(taught: list[Table], many: list[Table]) -> None:
    print("membership of a home, AUC: threshold, likelihood (16 models)")
    eight = Conditions(noise_multiplier=multiplier_for(8.0, DELTA, 20))
    single = msgspec.structs.replace(MANY, group_size=0)
    rows = [block.split(0.7)[0] for block in room_blocks()]
    cases = [
        ("8 homes", LOAD, taught, PLAIN),
        ("96 stretches", single, many, PLAIN),
        ("96 stretches, epsilon 8", single, many, eight),
        ("20 rooms", ROOM, rows, PLAIN),
    ]
    for title, plan, tables, conditions in cases:
        found = membership_audit(plan, tables, rng(0), 16, conditions)
        print(f"  {title:24} {found.threshold_auc:.3f}  {found.likelihood_auc:.3f}", flush=True)


if __name__ == "__main__":
    main()
