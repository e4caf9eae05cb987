"""How a job moves: one transaction writes its state and tells open pages."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from enterprises.nudges import nudge_training
from enterprises.training.errors import TrainingStateWrong
from enterprises.training.models import TrainingJob
from marketplace.common.events import enterprise_group, publish
from marketplace.common.work import advance

State, Winding = TrainingJob.State, TrainingJob.Winding
ENDED = (State.COMPLETED, State.FAILED, State.CANCELLED)


def move(job: TrainingJob, state: TrainingJob.State, *, again_in_s: float = 0.0, **changes: Any) -> None:
    """End this step: the job is in ``state`` now. Raises ``LeaseLost``, and then nothing is written."""
    with transaction.atomic(using="enterprise"):
        advance(job, using="enterprise", again_in_s=again_in_s, state=state, **changes)
        tell(job)


def end(job: TrainingJob, state: TrainingJob.State, reason: str = "", **changes: Any) -> None:
    """The job has ended; what is left is to say so on the ledgers and to get the rest of the money back."""
    move(job, state, reason=reason[:64], winding=Winding.ENDING, ended_at=timezone.now(), **changes)


def tell(job: TrainingJob) -> None:
    """Something of the job has changed: open pages fetch it anew."""
    group = enterprise_group(job.enterprise_id)
    publish(group, "training.changed", {"job": str(job.public_id), "state": str(job.state)}, using="enterprise")


def moved(job: TrainingJob, states: tuple[TrainingJob.State, ...], **changes: Any) -> TrainingJob:
    """Change a job that is in one of these states, and wake who goes on with it."""
    with transaction.atomic(using="enterprise"):
        rows = TrainingJob.objects.filter(pk=job.pk, state__in=states)
        if rows.update(**changes, next_try_at=timezone.now()) != 1:
            raise TrainingStateWrong
        job.refresh_from_db()
        tell(job)
        transaction.on_commit(nudge_training, using="enterprise")
    return job
