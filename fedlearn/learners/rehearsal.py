"""The rounds of a plan in memory, on tables that lie side by side: dry runs on mocks, comparisons and measurements.

The arithmetic is that of the rounds over masked sums; only masks and quantisation are left out. The noise here is a
float Gaussian from the generator that is handed in, good for curves and no protection for anybody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np

from fedlearn.learners.attacks import Attack
from fedlearn.learners.families import Family, family
from fedlearn.learners.plan import SCALING_STATISTICS, TrainingPlan
from fedlearn.learners.scaling import Scaler, scaler_fixed, scaler_of, statistics_of
from fedlearn.learners.table import Floats, Table
from fedlearn.protocol.aggregate import TRIM_PM, mean_of, trimmed_mean
from fedlearn.protocol.clip import clip_to_norm
from fedlearn.protocol.groups import groups_of
from fedlearn.protocol.strategy import FEDAVG, ServerState, Strategy, server_start, server_step

_SEED: Final = b"hearth/rehearsal"
Watch = Callable[[int, Floats], None]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a rehearsal adds to the plan.

    ``noise_multiplier`` is the standard deviation of the noise in each opened sum over the clip norm. ``dropout`` is
    the chance (0..1) that a home is missing in a round. Without ``clip`` nothing is clipped.
    """

    noise_multiplier: float = 0.0
    dropout: float = 0.0
    clip: bool = True
    attack: Attack | None = None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came out: parameters (length,), the scaler of the features, and how many homes each round had."""

    parameters: Floats
    scaler: Scaler
    survivors: tuple[int, ...]


PLAIN: Final = Conditions()


def rehearse(
    plan: TrainingPlan,
    homes: Sequence[Table],
    rng: np.random.Generator,
    conditions: Conditions = PLAIN,
    watch: Watch | None = None,
) -> Rehearsed:
    """All rounds of a plan over the homes' tables. ``watch`` gets each round's number and parameters.

    Raises what the plan's family and strategy raise.
    """
    chosen = family(plan.family)
    scaler = scaler_for(plan, homes)
    scaled = [replace(home, x=scaler.apply(home.x)) for home in homes]
    state = server_start(plan.strategy, chosen.parameters_new(plan, rng))
    survivors: list[int] = []
    for number in range(1, plan.rounds + 1):
        present = [index for index in range(len(homes)) if rng.random() >= conditions.dropout]
        if len(present) >= plan.minimum:
            state = _round(plan, chosen, state, {index: scaled[index] for index in present}, rng, conditions)
        survivors.append(len(present))
        if watch:
            watch(number, state.vector)
    return Rehearsed(state.vector, scaler, tuple(survivors))


def scaler_for(plan: TrainingPlan, homes: Sequence[Table]) -> Scaler:
    """The scaler that the plan's statistics round would give, or the fixed one."""
    if plan.scaling != SCALING_STATISTICS:
        return scaler_fixed(len(homes[0].names))
    return scaler_of(np.sum([statistics_of(home.x) for home in homes], axis=0), len(homes))


def pooled(plan: TrainingPlan, homes: Sequence[Table], rng: np.random.Generator) -> Rehearsed:
    """The same family trained on all rows in one place, for as many epochs as the plan has in all rounds."""
    together = joined(homes)
    scaler = scaler_for(plan, homes)
    return _alone(plan, replace(together, x=scaler.apply(together.x)), scaler, rng)


def local(plan: TrainingPlan, home: Table, rng: np.random.Generator) -> Rehearsed:
    """The same family trained by one home for itself, with a scaler of its own."""
    scaler = scaler_for(plan, [home])
    return _alone(plan, replace(home, x=scaler.apply(home.x)), scaler, rng)


def joined(tables: Sequence[Table]) -> Table:
    """All rows of several tables, one after the other."""
    return Table(
        x=np.concatenate([table.x for table in tables]),
        y=np.concatenate([table.y for table in tables]),
        times_ms=np.concatenate([table.times_ms for table in tables]),
        baseline=np.concatenate([table.baseline for table in tables]),
        names=tables[0].names,
        skipped=sum(table.skipped for table in tables),
    )


def predicted(plan: TrainingPlan, model: Rehearsed, table: Table) -> Floats:
    """The model's predictions on a table (rows,)."""
    chosen = family(plan.family)
    return chosen.predict(model.parameters, model.scaler.apply(table.x), chosen.shape(plan))


def _alone(plan: TrainingPlan, table: Table, scaler: Scaler, rng: np.random.Generator) -> Rehearsed:
    chosen = family(plan.family)
    start = chosen.parameters_new(plan, rng)
    free = msgspec.structs.replace(plan, strategy=Strategy(FEDAVG))
    for _ in range(plan.rounds):
        update = chosen.local_update(start, table.x, table.y, free, rng)
        start = chosen.solve(update, plan) if chosen.one_round else start + update
    return Rehearsed(start, scaler, (1,) * plan.rounds)


def _round(
    plan: TrainingPlan,
    chosen: Family,
    state: ServerState,
    homes: dict[int, Table],
    rng: np.random.Generator,
    conditions: Conditions,
) -> ServerState:
    before = state.vector
    updates = np.stack([_update(plan, chosen, before, index, home, rng, conditions) for index, home in homes.items()])
    if chosen.one_round:
        total = updates.sum(axis=0) + _noise(plan, updates.shape[1], rng, conditions)
        return server_start(plan.strategy, chosen.solve(total, plan))
    return server_step(state, _mean(plan, updates, state.round, rng, conditions))


def _update(
    plan: TrainingPlan,
    chosen: Family,
    before: Floats,
    index: int,
    home: Table,
    rng: np.random.Generator,
    conditions: Conditions,
) -> Floats:
    attack = conditions.attack
    labels = attack.labels(index, home.y, binary=chosen.shape(plan).binary) if attack else home.y
    update = chosen.local_update(before, home.x, labels, plan, rng)
    if attack:
        update = attack.update(index, update)
    return clip_to_norm(update, plan.clip_norm) if conditions.clip else update


def _mean(plan: TrainingPlan, updates: Floats, number: int, rng: np.random.Generator, conditions: Conditions) -> Floats:
    """The mean, or the trimmed mean of group means, of what would be opened."""
    length = updates.shape[1]
    if not plan.group_size:
        return mean_of(updates) + _noise(plan, length, rng, conditions) / len(updates)
    seed = _SEED + plan.seed.to_bytes(8, "big") + number.to_bytes(8, "big")
    groups = groups_of(len(updates), plan.group_size, seed)
    means = [mean_of(updates[list(group)]) + _noise(plan, length, rng, conditions) / len(group) for group in groups]
    return trimmed_mean(np.stack(means), TRIM_PM)


def _noise(plan: TrainingPlan, length: int, rng: np.random.Generator, conditions: Conditions) -> Floats:
    """The noise of one opened sum."""
    stddev = conditions.noise_multiplier * plan.clip_norm
    return rng.normal(0.0, stddev, length) if stddev > 0 and math.isfinite(stddev) else np.zeros(length)
