"""Reads of training jobs. Every function takes the member's own enterprise, so nobody reads another's rows."""

from __future__ import annotations

import uuid

from django.db.models import Count, Q, QuerySet

from enterprises.checkout.models import Enterprise
from enterprises.training.errors import TrainingUnknown
from enterprises.training.models import JobPeer, JobStep, TrainingJob
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.runtime.rounds import OPENED


def jobs(enterprise: Enterprise) -> QuerySet[TrainingJob]:
    """Jobs, newest first, each with ``answers`` and ``opened`` (rounds of training that went well) counted."""
    return (
        TrainingJob.objects.filter(enterprise=enterprise)
        .annotate(
            answers=Count("peers", distinct=True),
            opened=Count("steps", filter=Q(steps__outcome=OPENED, steps__number__gt=0), distinct=True),
        )
        .order_by("-created_at", "-pk")
    )


def job(enterprise: Enterprise, public_id: uuid.UUID) -> TrainingJob:
    """One job of the enterprise; raises ``TrainingUnknown``."""
    row = jobs(enterprise).select_related("enterprise__wallet").filter(public_id=public_id).first()
    if row is None:
        raise TrainingUnknown
    return row


def plan_of(row: TrainingJob) -> TrainingPlan:
    """The plan of a job."""
    return plan_decode(bytes(row.plan))


def peers(row: TrainingJob) -> list[JobPeer]:
    """The homes that answered, in the order of their answers."""
    return list(row.peers.order_by("number"))


def steps(row: TrainingJob) -> list[JobStep]:
    """The rounds, in their order."""
    return list(row.steps.order_by("sequence"))
