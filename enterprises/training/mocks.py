"""The dry run: the plan's rounds on the mocks of the homes that answered, before any money moves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec
import numpy as np

from enterprises.training.ports import Post
from fedlearn.learners.families import family
from fedlearn.learners.metrics import metrics_of
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.rehearsal import joined, rehearse
from fedlearn.learners.table import Floats, Table
from fedlearn.learners.templates import template
from fedlearn.runtime.offers import mock_name, mock_table
from marketplace.common.errors import HearthError

SECONDS_MAX: Final = 3.0
HOMES_MAX: Final = 32
ROWS_MAX: Final = 2_000


class _Enough(Exception):
    """The time for a dry run is over; what was learnt so far is shown."""


def tables_of(post: Post, task: str, owners: Sequence[str]) -> list[Table]:
    """The tables in the mocks of these homes; one that can't be read is left out."""
    found: list[Table] = []
    for owner in owners[:HOMES_MAX]:
        try:
            table = mock_table(task, post.mock_arrays(owner, mock_name(task)))
        except HearthError:
            continue
        if len(table):
            found.append(table.rows(slice(-ROWS_MAX, None)))
    return found


def rehearsal_of(plan: TrainingPlan, tables: Sequence[Table], fault: str = "") -> dict[str, Any]:
    """The dry run as JSON: the metric after each round on the later rows, which are not learnt from.

    It stops after a few seconds; ``seconds_home_round`` is what a home's share of a round took here. ``fault`` is the
    code of why it could not be done, for instance because the step size is too large.
    """
    binary = template(plan.task).binary
    metric = "auc" if binary else "r2"
    splits = [table.split(0.8) for table in tables]
    homes = [early for early, later in splits if len(early) and len(later)]
    if not homes:
        return {"homes": 0, "metric": metric, "curve": [], "fault": fault or "no_mocks"}
    test = joined([later for early, later in splits if len(early) and len(later)])
    plan = msgspec.structs.replace(plan, group_size=0, minimum=min(plan.minimum, len(homes)))
    curve: list[float | None] = []
    began = time.monotonic()

    def watch(number: int, parameters: Floats) -> None:
        chosen = family(plan.family)
        found = metrics_of(test.y, chosen.predict(parameters, test.x, chosen.shape(plan)), binary=binary).get(metric)
        curve.append(None if found is None else round(found, 6))
        if time.monotonic() - began > SECONDS_MAX:
            raise _Enough

    try:
        with suppress(_Enough):
            rehearse(plan, homes, np.random.default_rng(plan.seed), watch=watch)
    except HearthError as refused:
        fault = refused.code
    seconds = (time.monotonic() - began) / max(1, len(curve) * len(homes))
    guess = metrics_of(test.y, test.baseline, binary=binary).get(metric)
    return {
        "homes": len(homes),
        "rows": sum(map(len, homes)) + len(test),
        "metric": metric,
        "curve": curve,
        "baseline": None if guess is None else round(guess, 6),
        "seconds_home_round": round(seconds, 4),
        "fault": fault,
    }
