"""One training job among homes in memory, by the code of a deployment, beside what else could have been done.

The last two homes take no part at all. Of all others the earlier three quarters of the rows are learnt from; figures
are of the later quarter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fedlearn.learners.attacks import Attack
from fedlearn.learners.metrics import auc, r2
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.rehearsal import Rehearsed, joined, local, pooled, predicted
from fedlearn.learners.table import Table
from fedlearn.learners.templates import template
from fedlearn.runtime.jobs import JobRecord
from fedlearn.runtime.simulate import Outcome, Simulation

UNSEEN = 2
LEARNT_SHARE = 0.75
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a simulated job came to. Figures are R2 for numbers and AUC for yes or no, of rows nobody learnt from."""

    outcome: Outcome
    metric: str
    federated: float
    pooled: float
    baseline: float
    mean_local_unseen: float
    federated_unseen: float
    dropouts: int

    def summary(self) -> dict[str, Any]:
        """The figures by the names that the story's JSON has."""
        job = self.outcome.job
        trained = [report for report in job.reports if report.kind == "train" and report.outcome == "opened"]
        return {
            "homes": len(job.terms.cohort),
            "rounds": len(trained),
            "dropouts": self.dropouts,
            "metric": self.metric,
            "federated": round(self.federated, 4),
            "pooled": round(self.pooled, 4),
            "baseline": round(self.baseline, 4),
            "mean_local_unseen": round(self.mean_local_unseen, 4),
            "federated_unseen": round(self.federated_unseen, 4),
            "epsilon": job.epsilon_micro / MICRO if job.terms.declared.privacy else None,
            "bytes_per_home_round": round(self.outcome.bytes_a_home_and_round),
            "state": job.phase,
            "reason": job.reason,
        }


def learn(
    plan: TrainingPlan,
    homes: Sequence[Table],
    *,
    seed: int = 0,
    dropout: float = 0.0,
    attack: Attack | None = None,
    progress: Callable[[JobRecord], None] = lambda record: None,
) -> Learnt:
    """Run the plan over all homes but the last two, and compare. Raises what ``plan_check`` raises."""
    parts = [home.split(LEARNT_SHARE) for home in homes]
    learnt, later = [part[0] for part in parts[:-UNSEEN]], [part[1] for part in parts]
    outcome = Simulation(plan, learnt, seed=seed, dropout=dropout, attack=attack).run(progress)
    job = outcome.job
    federated = Rehearsed(job.parameters, job.scaler, ())
    honest = range(len(learnt)) if attack is None else [n for n in range(len(learnt)) if n not in attack.homes]
    together = pooled(plan, [learnt[index] for index in honest], np.random.default_rng(seed))
    alone = [local(plan, learnt[index], np.random.default_rng([seed, index])) for index in honest]
    seen, unseen = joined(later[:-UNSEEN]), joined(later[-UNSEEN:])
    binary = template(plan.task).binary
    return Learnt(
        outcome=outcome,
        metric="auc" if binary else "r2",
        federated=_figure(plan, federated, seen),
        pooled=_figure(plan, together, seen),
        baseline=(auc if binary else r2)(seen.y, seen.baseline),
        mean_local_unseen=float(np.nanmean([_figure(plan, model, unseen) for model in alone])),
        federated_unseen=_figure(plan, federated, unseen),
        dropouts=sum(
            len(job.terms.cohort) - len(report.survivors) for report in job.reports if report.outcome == "opened"
        ),
    )


def _figure(plan: TrainingPlan, model: Rehearsed, table: Table) -> float:
    score = predicted(plan, model, table)
    return auc(table.y, score) if template(plan.task).binary else r2(table.y, score)
