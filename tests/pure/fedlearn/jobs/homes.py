"""Made-up homes for jobs in tests: a linear rule that all share, and noise."""

from __future__ import annotations

import numpy as np

from fedlearn.learners.plan import Hyper, Privacy, SecureSum, TrainingPlan
from fedlearn.learners.table import HOUR_MS, Table
from fedlearn.learners.templates import template
from fedlearn.protocol.strategy import Strategy

LOAD = template("next_hour_load")
PRESENCE = template("occupancy")


def tables(count: int, rows: int = 200, *, binary: bool = False, seed: int = 7) -> list[Table]:
    """Homes whose label follows from the features by one rule."""
    rng = np.random.default_rng(seed)
    names = (PRESENCE if binary else LOAD).names
    rule = rng.normal(0, 1, len(names))
    return [_table(rng, names, rule, rows, binary) for _ in range(count)]


def plan(*, binary: bool = False, **changes: object) -> TrainingPlan:
    """A small job; ``changes`` replace fields."""
    fields: dict[str, object] = {
        "task": "occupancy" if binary else "next_hour_load",
        "family": "logistic" if binary else "linear",
        "hyper": Hyper(learning_rate_micro=10_000),
        "strategy": Strategy("fedavg"),
        "rounds": 3,
        "epochs": 1,
        "batch_size": 32,
        "cohort": 5,
        "minimum": 3,
        "deadline_s": 40,
        "clip_micro": 5_000_000,
        "seed": 1,
        "secure_sum": SecureSum(),
    }
    return TrainingPlan(**{**fields, **changes})  # type: ignore[arg-type]


def private(epsilon: float) -> Privacy:
    return Privacy(round(epsilon * 1_000_000), 1)


def _table(rng: np.random.Generator, names: tuple[str, ...], rule: np.ndarray, rows: int, binary: bool) -> Table:
    x = rng.normal(0, 0.5, (rows, len(names)))
    y = x @ rule + rng.normal(0, 0.3, rows)
    baseline = np.full(rows, y.mean())
    if binary:
        y, baseline = (y > 0).astype(np.float64), np.full(rows, 0.5)
    return Table(x, y, np.arange(rows, dtype=np.int64) * HOUR_MS, baseline, names)
