"""What members of an enterprise ask for: a draft, its notice, the confirmation, the end."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from chain.contracts.crossing import job_id_of, training_order_id_of
from chain.crypto.hashing import sha256
from enterprises.checkout.models import Enterprise, Member
from enterprises.checkout.ports import BuyerMarket
from enterprises.checkout.services import committed
from enterprises.checkout.wallets import wallet_refresh
from enterprises.errors import NotAccredited
from enterprises.nudges import nudge_training
from enterprises.training.errors import (
    PlanFieldsInvalid,
    TrainingCostChanged,
    TrainingNotReady,
    TrainingStateWrong,
    TrainingTooDear,
)
from enterprises.training.estimates import choices_of, estimate_of
from enterprises.training.machine.waiting import parameters_first
from enterprises.training.models import JobPeer, TrainingJob
from enterprises.training.moves import ENDED, State, Winding, tell
from enterprises.training.plans import plan_make
from fedlearn.learners.plan import plan_decode, plan_encode
from fedlearn.protocol.graph import MIN_MEMBERS
from fedlearn.protocol.strategy import server_start

GATHER_MIN_S: Final = 10
GATHER_MAX_S: Final = 30 * 86_400
PURPOSE_MAX: Final = 500
LOTS_MAX: Final = 512
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
    enterprise, data, nonce = member.enterprise, plan_encode(plan), os.urandom(32)
    job = job_id_of(bytes.fromhex(enterprise.wallet.address), sha256(data), nonce)
    with transaction.atomic(using="enterprise"):
        row = TrainingJob.objects.create(
            enterprise=enterprise,
            created_by=member.user_id,
            service=service,
            purpose=purpose.strip(),
            gather_s=gather_s,
            plan=data,
            plan_hash=sha256(data).hex(),
            nonce=nonce.hex(),
            ledger_job=job.hex(),
            model_hash=sha256(server_start(plan.strategy, parameters_first(plan)).parameters).hex(),
            estimate=estimate_of(plan, None),
        )
        tell(row)
    return row


def job_notice(*, member: Member, job: TrainingJob) -> TrainingJob:
    """Look for homes. Raises ``NotAccredited``, and ``TrainingStateWrong`` unless it is a draft."""
    if member.enterprise.registration != Enterprise.Registration.ACCREDITED:
        raise NotAccredited
    return _moved(job, (State.DRAFT,), state=State.NOTICED)


def job_rehearse(*, job: TrainingJob) -> TrainingJob:
    """Have the dry run made again. Raises ``TrainingStateWrong`` unless homes are answering."""
    return _moved(job, (State.GATHERING,), rehearsal={})


def job_confirm(*, member: Member, market: BuyerMarket, job: TrainingJob, total: int) -> TrainingJob:
    """Pay: the homes that are ready now take part, at the cost that was shown.

    Args:
        total: the sum of credits that was shown, bonus included.

    Raises:
        NotAccredited, TrainingStateWrong, TrainingNotReady, TrainingCostChanged, TrainingTooDear: nothing was paid.
    """
    enterprise = member.enterprise
    if enterprise.registration != Enterprise.Registration.ACCREDITED:
        raise NotAccredited
    wallet = wallet_refresh(wallet=enterprise.wallet, market=market)
    plan = plan_decode(bytes(job.plan))
    with transaction.atomic(using="enterprise"):
        choices = choices_of(plan, list(job.peers.all()))
        if job.state != State.GATHERING:
            raise TrainingStateWrong
        if len(choices) < max(plan.minimum, MIN_MEMBERS):
            raise TrainingNotReady(f"{len(choices)} homes are ready, {max(plan.minimum, MIN_MEMBERS)} are needed.")
        if sum(len(choice.lots) for choice in choices) > LOTS_MAX:
            raise TrainingNotReady(f"A job holds licences for at most {LOTS_MAX} lots.")
        cost = sum(choice.price for choice in choices) + plan.bonus_credits
        if cost != total:
            raise TrainingCostChanged
        if cost > wallet.balance - committed(enterprise) - training_committed(enterprise):
            raise TrainingTooDear
        ours = bytes.fromhex(job.ledger_job)
        for choice in choices:
            lots = [
                {**lot, "order": training_order_id_of(ours, bytes.fromhex(lot["lot"])).hex(), "accepted": False}
                for lot in choice.lots
            ]
            JobPeer.objects.filter(pk=choice.peer.pk).update(state=JobPeer.State.CHOSEN, lots=lots)
        job.peers.exclude(state__in=(JobPeer.State.CHOSEN, JobPeer.State.LEFT_OUT)).update(
            state=JobPeer.State.LEFT_OUT, reason="not_chosen"
        )
        estimate = estimate_of(plan, choices, float(job.rehearsal.get("seconds_home_round", 0.5)))
        changes = {"estimate": estimate, "total": cost, "confirmed_at": timezone.now()}
        return _moved(job, (State.GATHERING,), state=State.FUNDING, **changes)


def job_cancel(*, job: TrainingJob) -> TrainingJob:
    """End a job, at any time; a draft is gone at once, others end with their next step. Repeating it changes nothing.

    Raises ``TrainingStateWrong`` for a job that has ended otherwise.
    """
    if job.state == State.CANCELLED or (job.cancel_asked and job.state not in ENDED):
        return job
    if job.state == State.DRAFT:
        return _moved(job, (State.DRAFT,), state=State.CANCELLED, winding=Winding.DONE, ended_at=timezone.now())
    states = tuple(state for state in State if state not in (*ENDED, State.DRAFT))
    return _moved(job, states, cancel_asked=True)


def training_committed(enterprise: Enterprise) -> int:
    """Credits that confirmed jobs will take but that have not left the wallet yet."""
    waiting = TrainingJob.objects.filter(enterprise=enterprise, state=State.FUNDING, cancel_asked=False)
    paid = waiting.filter(transactions__call="market.fund_training", transactions__state="final").distinct()
    return sum(waiting.exclude(pk__in=paid.values("pk")).values_list("total", flat=True))


def _moved(job: TrainingJob, states: tuple[TrainingJob.State, ...], **changes: Any) -> TrainingJob:
    """Change a job that is in one of these states, and wake who goes on with it."""
    with transaction.atomic(using="enterprise"):
        rows = TrainingJob.objects.filter(pk=job.pk, state__in=states)
        if rows.update(**changes, next_try_at=timezone.now()) != 1:
            raise TrainingStateWrong
        job.refresh_from_db()
        tell(job)
        transaction.on_commit(nudge_training, using="enterprise")
    return job
