"""The second act: the recorded homes teach an enterprise's model without their readings leaving, on real processes.

It plays on a stage of its own. Everything goes over the REST API: owners give a licence to learn and a consent, an
enterprise opens a job, pays the licences, and homes and enterprise do the rounds over the market's mailboxes. Then the
enterprise offers tariffs with the model, and a home runs it on its own data, picks one and orders it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from rich.progress import Progress

from fedlearn.learners.metrics import r2
from fedlearn.learners.plan import plan_decode
from fedlearn.learners.rehearsal import joined, local, pooled, predicted
from fedlearn.learners.table import DAY_MS
from marketplace.demo.buyer import Buyer
from marketplace.demo.cast import HomePlan
from marketplace.demo.client import wait_until
from marketplace.demo.learning_data import load_homes
from marketplace.demo.owner import Owner
from marketplace.demo.real_data import HOMES_BEGIN_MS
from marketplace.demo.stage import Stage
from marketplace.demo.story import Story

LEARNING_DAYS: Final = 14
# A home looks for its licences every two seconds, and ten of them share two cores.
LEARNING_DEADLINES: Final = {"HEARTH_T1_MS": "60000", "HEARTH_CLAIM_MS": "8000"}
TASK: Final = "next_hour_load"
CLASSES: Final = ["mains"]
EPSILON: Final = 1.0  # what owners would spend on jobs with noise; with ten homes noise would hide everything
ROUNDS: Final = 3
GATHER_S: Final = 60
READY_S, JOB_S, VERSION_S = 180.0, 600.0, 120.0
PRESENT_MICRO: Final = 340_000  # a kWh costs 0.34 now
TARIFFS: Final[dict[str, dict[str, Any]]] = {
    "Even": {"form": "flat", "price_micro_per_kwh": 320_000, "standing_micro_per_day": 250_000},
    "Night owl": {
        "form": "two_rate",
        "low_micro_per_kwh": 190_000,
        "high_micro_per_kwh": 380_000,
        "low_hours": [0, 1, 2, 3, 4, 5, 22, 23],
        "standing_micro_per_day": 200_000,
    },
}
POLL_S: Final = 1.0
NO_ADVICE: Final[dict[str, Any]] = {"runs": [], "ranked": []}
NO_ORDER: Final[dict[str, Any]] = {"state": "none"}
JOB_ENDED: Final = {"completed", "failed", "cancelled"}
PLAN: Final[dict[str, Any]] = {
    "service": "load-forecast",
    "purpose": "Tell homes what the next hour will cost them under each tariff.",
    "gather_s": GATHER_S,
    "task": TASK,
    "family": "linear",
    "learning_rate": "0.005",
    "epochs": 3,
    "rounds": ROUNDS,
    "minimum": 5,
    "deadline_s": 120,
    "clip": "2",
    "epsilon": None,
    "reward": 0,
    "budget": 1_000,
}


@dataclass(frozen=True, slots=True)
class Taught:
    """How the job went (its REST form at the end), how many homes took part, and what one of them was advised."""

    job: dict[str, Any]
    homes: int
    taking_part: int
    advice: dict[str, Any]
    order: dict[str, Any]

    @property
    def rounds(self) -> list[dict[str, Any]]:
        """The rounds that trained and were opened."""
        return [step for step in self.job["steps"] if step["kind"] == "train" and step["outcome"] == "opened"]

    def broken(self) -> list[str]:
        """What did not happen as it should, in words."""
        checks = {
            f"the training job {self.job['state']}: {self.job['reason']}": self.job["state"] == "completed",
            f"the job has no version: {self.job['version_note']}": bool(self.job["version"]),
            "no model ran at home": any(run["state"] == "done" for run in self.advice["runs"]),
            "the home was recommended nothing": bool(self.advice["ranked"]),
            f"the order ended as {self.order['state']}": self.order["state"] == "completed",
        }
        return [text for text, well in checks.items() if not well]

    def training(self) -> dict[str, Any]:
        """The object ``training`` of the story's last line. Figures are of the final model over masked sums."""
        opened = [step for step in self.job["steps"] if step["outcome"] == "opened"]
        figures = opened[-1]["figures"] if opened else {}
        in_all = [len(step["survivors"]) for step in opened]
        moved = sum(step["sent_bytes"] + step["received_bytes"] for step in self.job["steps"])
        return {
            "state": self.job["state"],
            "homes": self.taking_part,
            "rounds": len(self.rounds),
            "dropouts": sum(self.taking_part - count for count in in_all),
            "metric": "r2",
            "federated": figures.get("r2"),
            "federated_unseen": figures.get("held_out_r2"),
            "baseline": figures.get("baseline_r2"),
            "epsilon": None,
            "bytes_per_home_round": round(moved / max(1, sum(in_all))),
            "paid": self.job["happened"].get("paid", 0),
        }

    def service(self) -> dict[str, Any]:
        """The object ``service`` of the story's last line."""
        return {
            "models_offered": len(self.advice["runs"]),
            "recommendations": len(self.advice["ranked"]),
            "order_state": self.order["state"],
        }


def compared(taught: Taught, folder: Path) -> dict[str, float]:
    """What the same plan gives on the same rows in one place, and what a home alone gives for the others (R2)."""
    plan = plan_decode(bytes.fromhex(taught.job["plan"]))
    until_ms = HOMES_BEGIN_MS + LEARNING_DAYS * DAY_MS
    tables = [table.rows(table.times_ms < until_ms) for table in load_homes(folder)]
    together = pooled(plan, tables, np.random.default_rng(plan.seed))
    alone = [local(plan, table, np.random.default_rng(plan.seed)) for table in tables]
    others = [joined([other for other in tables if other is not table]) for table in tables]
    unseen = [r2(rest.y, predicted(plan, model, rest)) for model, rest in zip(alone, others, strict=True)]
    everyone = joined(tables)
    return {
        "pooled": round(r2(everyone.y, predicted(plan, together, everyone)), 4),
        "mean_local_unseen": round(float(np.mean(unseen)), 4),
    }


def teach(stage: Stage, cast: Sequence[HomePlan], progress: Progress) -> Taught:
    """Play the act. Raises ``TooLate`` and what the API refuses."""
    story = Story(stage, cast, progress)
    bar = progress.add_task("learning at home", total=7)
    stage.prepare()
    story.begin()
    story.enrol()
    progress.advance(bar)
    story.each("readings in", story.owners, Owner.wait_for_readings)
    story.each("batches closed", story.owners, Owner.close_batches)
    story.each("lots for training", story.owners, Owner.wait_for_batches)
    progress.advance(bar)
    story.each("consent", story.owners, lambda owner: owner.let_learn(TASK, CLASSES, EPSILON, noiseless=True))
    buyer = story.buyers[0]
    buyer.wait_for("accredited")
    job = buyer.train({**PLAN, "cohort": len(story.owners)})
    progress.advance(bar)
    _confirm(buyer, job, len(story.owners))
    progress.advance(bar)
    wait_until(lambda: _ended(buyer, job), "the training job at its end", JOB_S, POLL_S)
    done = wait_until(lambda: _published(buyer, job), "a version of the model", VERSION_S, POLL_S)
    progress.advance(bar)
    taking_part = sum(any(row["state"] != "declined" for row in owner.jobs()) for owner in story.owners)
    advice, order = _served(buyer, story.owners[-1], done["version"]) if done["version"] else (NO_ADVICE, NO_ORDER)
    progress.advance(bar)
    done = buyer.training(job)  # by now the rewards are claimed and the rest is back
    stage.stack.stop()
    progress.advance(bar)
    return Taught(done, len(story.owners), taking_part, advice, order)


def _served(buyer: Buyer, owner: Owner, version: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tariffs are offered with the model; the home's advice, and its order of the best one."""
    for title, terms in TARIFFS.items():
        buyer.offer(version, title, terms)
    wait_until(lambda: buyer.offers_sent(version), "the offers at the market", VERSION_S, POLL_S)
    advice = owner.ask_advice(PLAN["service"], PRESENT_MICRO)
    return advice, owner.order_advice(advice["ranked"][0]["id"]) if advice["ranked"] else NO_ORDER


def _confirm(buyer: Buyer, job: str, homes: int) -> None:
    """All homes are ready, or as many as came in time; then the licences are paid."""
    wait_until(lambda: buyer.homes_ready(job) >= homes, f"{homes} homes ready to learn", READY_S, POLL_S)
    buyer.training_confirm(job)


def _ended(buyer: Buyer, job: str) -> dict[str, Any] | None:
    told = buyer.training(job)
    return told if told["state"] in JOB_ENDED else None


def _published(buyer: Buyer, job: str) -> dict[str, Any] | None:
    """The job once its version is on the ledger, or it is said why there is none."""
    told = buyer.training(job)
    return told if told["version"] or told["version_note"] or told["state"] != "completed" else None
