"""The steps of a job, one for each state; each ends in one write that says how far the job has come."""

from __future__ import annotations

from collections.abc import Callable

from enterprises.training.machine.ending import refund, wind_up
from enterprises.training.machine.funding import fund
from enterprises.training.machine.gathering import gather, notice
from enterprises.training.machine.running import run
from enterprises.training.machine.waiting import await_homes
from enterprises.training.models import TrainingJob
from enterprises.training.moves import State, Winding
from enterprises.training.ports import Desk, Post

Step = Callable[[Desk, Post, TrainingJob], None]

STEPS: dict[TrainingJob.State, Step] = {
    State.NOTICED: notice,
    State.GATHERING: gather,
    State.FUNDING: fund,
    State.WAITING: await_homes,
    State.RUNNING: run,
}
WINDINGS: dict[TrainingJob.Winding, Step] = {Winding.ENDING: wind_up, Winding.REFUNDING: refund}


def step_of(job: TrainingJob) -> Step:
    """The step that is due; raises ``KeyError`` for a draft and for a job with nothing left to do."""
    return WINDINGS[Winding(job.winding)] if job.winding else STEPS[State(job.state)]


__all__ = ["STEPS", "WINDINGS", "step_of"]
