"""The second act: the recorded homes teach an enterprise's model without their readings leaving, on real processes.

It plays on a stage of its own. Everything goes over the REST API: owners give a licence to learn and a consent, an
enterprise opens a job, pays the licences, and homes and enterprise do the rounds over the market's mailboxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.progress import Progress

from marketplace.demo.buyer import Buyer
from marketplace.demo.cast import HomePlan
from marketplace.demo.client import wait_until
from marketplace.demo.owner import Owner
from marketplace.demo.stage import Stage
from marketplace.demo.story import Story

TASK: Final = "next_hour_load"
CLASSES: Final = ["mains"]
EPSILON: Final = 40.0
ROUNDS: Final = 4
GATHER_S: Final = 60
READY_S, JOB_S = 180.0, 600.0
POLL_S: Final = 1.0
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
    "clip": "0.3",
    "epsilon": str(EPSILON),
    "reward": 0,
    "budget": 0,
}


@dataclass(frozen=True, slots=True)
class Taught:
    """How the job went: its REST form at the end, and how many homes' owners saw themselves paid."""

    job: dict[str, Any]
    homes: int
    taking_part: int

    @property
    def rounds(self) -> list[dict[str, Any]]:
        """The rounds that trained and were opened."""
        return [step for step in self.job["steps"] if step["kind"] == "train" and step["outcome"] == "opened"]

    def summary(self) -> dict[str, Any]:
        """The figures for the story's last line."""
        opened = [step for step in self.job["steps"] if step["outcome"] == "opened"]
        figures = opened[-1]["figures"] if opened else {}
        in_all = [len(step["survivors"]) for step in opened]
        moved = sum(step["sent_bytes"] + step["received_bytes"] for step in self.job["steps"])
        return {
            "state": self.job["state"],
            "reason": self.job["reason"],
            "homes": self.homes,
            "taking_part": self.taking_part,
            "rounds": len(self.rounds),
            "dropouts": sum(self.taking_part - count for count in in_all),
            "metric": "r2",
            "federated": figures.get("r2"),
            "federated_unseen": figures.get("held_out_r2"),
            "baseline": figures.get("baseline_r2"),
            "epsilon": max((step["epsilon_micro"] for step in opened), default=0) / 1e6,
            "bytes_per_home_round": round(moved / max(1, sum(in_all))),
            "version": self.job["version"],
        }


def teach(stage: Stage, cast: Sequence[HomePlan], progress: Progress) -> Taught:
    """Play the act. Raises ``TooLate`` and what the API refuses."""
    story = Story(stage, cast, progress)
    bar = progress.add_task("learning at home", total=6)
    stage.prepare()
    story.begin()
    story.enrol()
    progress.advance(bar)
    story.each("readings in", story.owners, Owner.wait_for_readings)
    story.each("batches closed", story.owners, Owner.close_batches)
    story.each("lots for training", story.owners, Owner.wait_for_batches)
    progress.advance(bar)
    story.each("consent", story.owners, lambda owner: owner.let_learn(TASK, CLASSES, EPSILON))
    buyer = story.buyers[0]
    buyer.wait_for("accredited")
    job = buyer.train({**PLAN, "cohort": len(story.owners)})
    progress.advance(bar)
    _confirm(buyer, job, len(story.owners))
    progress.advance(bar)
    done = wait_until(lambda: _ended(buyer, job), "the training job at its end", JOB_S, POLL_S)
    progress.advance(bar)
    taking_part = sum(any(row["state"] != "declined" for row in owner.jobs()) for owner in story.owners)
    stage.stack.stop()
    progress.advance(bar)
    return Taught(done, len(story.owners), taking_part)


def _confirm(buyer: Buyer, job: str, homes: int) -> None:
    """All homes are ready, or as many as came in time; then the licences are paid."""
    wait_until(lambda: buyer.homes_ready(job) >= homes, f"{homes} homes ready to learn", READY_S, POLL_S)
    buyer.training_confirm(job)


def _ended(buyer: Buyer, job: str) -> dict[str, Any] | None:
    told = buyer.training(job)
    return told if told["state"] in JOB_ENDED else None
