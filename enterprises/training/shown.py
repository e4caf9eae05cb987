"""A job as its page shows it: progress, figures over the rounds, what was estimated beside what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone

from enterprises.training import words
from enterprises.training.models import JobPeer, JobStep, TrainingJob
from enterprises.training.moves import ENDED, State
from enterprises.training.selectors import plan_of
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.templates import template
from fedlearn.runtime.rounds import OPENED
from marketplace.common.words import Word

WAY: Final = (State.GATHERING, State.FUNDING, State.WAITING, State.RUNNING, State.COMPLETED)
WAY_TITLES: Final = ("Homes found", "Licences paid", "Homes accepted", "Rounds", "Version")
ORDER: Final = tuple(State)


@dataclass(frozen=True, slots=True)
class Line:
    """A job in a list."""

    job: TrainingJob
    title: str
    word: Word
    rounds: int

    @property
    def opened(self) -> int:
        return int(getattr(self.job, "opened", 0))


@dataclass(frozen=True, slots=True)
class RoundLine:
    """A round in the table."""

    step: JobStep
    title: str
    outcome: str
    tone: str
    missing: int
    figure: float | None
    held_out: float | None

    @property
    def seconds(self) -> float:
        return (self.step.ended_ms - self.step.began_ms) / 1000

    @property
    def bytes(self) -> int:
        return self.step.sent_bytes + self.step.received_bytes

    @property
    def epsilon(self) -> float:
        return self.step.epsilon_micro / 1e6


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the estimate beside what happened."""

    title: str
    estimated: str
    happened: str


def line_of(job: TrainingJob) -> Line:
    """A job for the list."""
    plan = plan_of(job)
    return Line(
        job, words.task_title(plan.task), words.state_word(job.state, job.cancel_asked, scheduled(job)), plan.rounds
    )


def scheduled(job: TrainingJob) -> bool:
    """Whether it is a repeat whose time has not come."""
    return job.starts_at is not None and timezone.now() < job.starts_at


def metric_of(plan: TrainingPlan) -> str:
    """The figure that the page's curve shows."""
    return "auc" if template(plan.task).binary else "r2"


def round_lines(job: TrainingJob, steps: Sequence[JobStep], homes: int) -> list[RoundLine]:
    """The rounds, newest first."""
    metric = metric_of(plan_of(job))
    found = []
    for step in reversed(steps):
        opened = step.outcome == OPENED
        found.append(
            RoundLine(
                step=step,
                title=f"Round {step.step}" if step.number else "Evaluation",
                outcome=words.outcome_text(step.outcome),
                tone="ok" if opened else "warn",
                missing=homes - len(step.survivors) if opened else homes,
                figure=step.figures.get(metric),
                held_out=step.figures.get(f"held_out_{metric}"),
            )
        )
    return found


def curve_of(job: TrainingJob, steps: Sequence[JobStep]) -> dict[str, Any] | None:
    """The chart of the metric after each round; None until there is something to draw.

    A round's figures are of the model that it started from, so they stand at its beginning.
    """
    metric = metric_of(plan_of(job))
    names = (
        ("Homes that train", metric),
        ("Held-out homes", f"held_out_{metric}"),
        ("A guess without learning", f"held_out_baseline_{metric}"),
    )
    series = [
        {"name": title, "points": [[step.began_ms, step.figures[name]] for step in steps if name in step.figures]}
        for title, name in names
    ]
    drawn = [each for each in series if len(each["points"]) > 1]
    return {"series": drawn} if drawn else None


def rehearsal_chart(job: TrainingJob) -> dict[str, Any] | None:
    """The dry run's metric after each round as bars; None without one."""
    curve = job.rehearsal.get("curve") or []
    if not any(value is not None for value in curve):
        return None
    title = words.figure_title(job.rehearsal["metric"])
    values = [None if value is None else max(value, -1.0) for value in curve]
    return {
        "categories": [str(number + 1) for number in range(len(curve))],
        "series": [{"name": title, "values": values}],
    }


def compared(job: TrainingJob) -> list[Compared]:
    """Estimate and outcome, line by line."""
    said, done = job.estimate, job.happened

    def pair(title: str, name: str, form: Any, of: str = "") -> Compared:
        value = done.get(of or name)
        return Compared(title, form(said.get(name)), "–" if value is None else form(value))

    return [
        pair("Homes", "homes", _whole),
        pair("Rounds", "rounds", _whole),
        pair("Time", "seconds", _time),
        pair("Data for a home and round", "bytes_home_round", _size),
        pair("Epsilon", "epsilon", _epsilon)
        if plan_of(job).privacy
        else Compared("Epsilon", "no bound", "no bound" if done else "–"),
        pair("Credits", "total", _whole, "paid"),
    ]


def way_of(job: TrainingJob) -> list[tuple[str, str]]:
    """The way of a job in five steps: title, and done, now, todo or failed."""
    reached = _reached(job)
    found = []
    for place, title in enumerate(WAY_TITLES):
        if place < reached or job.state == State.COMPLETED:
            state = "done"
        elif place == reached:
            state = "failed" if job.state in (State.FAILED, State.CANCELLED) else "now"
        else:
            state = "todo"
        found.append((title, state if job.state != State.DRAFT else "todo"))
    return found


def peer_lines(peers: Sequence[JobPeer]) -> list[tuple[JobPeer, Word, str, int]]:
    """The homes: row, word, reason, and the price of its lots."""
    return [
        (
            peer,
            words.peer_word(peer.state),
            words.reason_text(peer.reason),
            sum(int(lot.get("price", 0)) for lot in peer.lots),
        )
        for peer in peers
    ]


def cancellable(job: TrainingJob) -> bool:
    """Whether a member may still end it."""
    return job.state not in ENDED and not job.cancel_asked


def _reached(job: TrainingJob) -> int:
    """How far a job came; one that has ended, by what it did."""
    if job.state not in ENDED:
        return max(0, WAY.index(State(job.state))) if job.state in WAY else 0
    if job.started_at:
        return 3
    if job.accept_until_ms:
        return 2
    return 1 if job.confirmed_at else 0


def _whole(value: Any) -> str:
    return "–" if value is None else f"{int(value):,}"


def _time(value: Any) -> str:
    if value is None:
        return "–"
    seconds = int(value)
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _size(value: Any) -> str:
    return "–" if value is None else f"{value / 1000:,.1f} kB"


def _epsilon(value: Any) -> str:
    return "no bound" if value is None else f"{value:.3g}" if value else "0"
