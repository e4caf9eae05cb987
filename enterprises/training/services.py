"""What members of an enterprise ask for: a draft, its notice, the confirmation, the end."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from enterprises.checkout.models import Enterprise, Member
from enterprises.checkout.ports import BuyerMarket
from enterprises.errors import NotAccredited
from enterprises.training.confirming import confirm
from enterprises.training.errors import PlanFieldsInvalid
from enterprises.training.making import job_row
from enterprises.training.models import TrainingJob
from enterprises.training.moves import ENDED, State, Winding, moved, tell
from enterprises.training.plans import plan_make

GATHER_MIN_S: Final = 10
GATHER_MAX_S: Final = 30 * 86_400
PURPOSE_MAX: Final = 500
SERVICE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,47}")


def job_create(*, member: Member, service: str, purpose: str, gather_s: int, fields: Mapping[str, Any]) -> TrainingJob:
    """A draft of a job, with its plan fixed and nobody told of it yet.

    Args:
        service: the name of the service that the model is for, as the service-model ledger knows it.
        fields: the plan's (see ``plans.DEFAULTS``).

    Raises:
        PlanFieldsInvalid: with what is wrong, field by field.
    """
    wrong: dict[str, list[str]] = {}
    if not SERVICE.fullmatch(service):
        wrong["service"] = ["Small letters, digits, dots and hyphens, beginning with a letter; at most 48."]
    if not 0 < len(purpose.strip()) <= PURPOSE_MAX:
        wrong["purpose"] = [f"Say in 1 to {PURPOSE_MAX} characters what the model is for."]
    if not GATHER_MIN_S <= gather_s <= GATHER_MAX_S:
        wrong["gather_s"] = [f"From {GATHER_MIN_S} seconds to {GATHER_MAX_S // 86_400} days."]
    try:
        plan = plan_make(fields, int.from_bytes(os.urandom(6), "big"))
    except PlanFieldsInvalid as fault:
        raise PlanFieldsInvalid({**fault.fields, **wrong}) from fault
    if wrong:
        raise PlanFieldsInvalid(wrong)
    with transaction.atomic(using="enterprise"):
        row = job_row(
            enterprise=member.enterprise,
            created_by=member.user_id,
            service=service,
            purpose=purpose.strip(),
            gather_s=gather_s,
            plan=plan,
            nonce=os.urandom(32),
        )
        tell(row)
    return row


def job_notice(*, member: Member, job: TrainingJob) -> TrainingJob:
    """Look for homes. Raises ``NotAccredited``, and ``TrainingStateWrong`` unless it is a draft."""
    if member.enterprise.registration != Enterprise.Registration.ACCREDITED:
        raise NotAccredited
    return moved(job, (State.DRAFT,), state=State.NOTICED)


def job_rehearse(*, job: TrainingJob) -> TrainingJob:
    """Have the dry run made again. Raises ``TrainingStateWrong`` unless homes are answering."""
    return moved(job, (State.GATHERING,), rehearsal={})


def job_confirm(*, member: Member, market: BuyerMarket, job: TrainingJob, total: int) -> TrainingJob:
    """Pay: the homes that are ready now take part, at the cost that was shown.

    Args:
        total: the sum of credits that was shown, bonus included.

    Raises:
        NotAccredited, TrainingStateWrong, TrainingNotReady, TrainingCostChanged, TrainingTooDear: nothing was paid.
    """
    return confirm(enterprise=member.enterprise, market=market, job=job, total=total)


def job_cancel(*, job: TrainingJob) -> TrainingJob:
    """End a job, at any time; a draft is gone at once, others end with their next step. Repeating it changes nothing.

    Raises ``TrainingStateWrong`` for a job that has ended otherwise.
    """
    if job.state == State.CANCELLED or (job.cancel_asked and job.state not in ENDED):
        return job
    if job.state == State.DRAFT:
        return moved(job, (State.DRAFT,), state=State.CANCELLED, winding=Winding.DONE, ended_at=timezone.now())
    states = tuple(state for state in State if state not in (*ENDED, State.DRAFT))
    return moved(job, states, cancel_asked=True)
