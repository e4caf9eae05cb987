"""Paying the licences of the homes that were chosen, and opening the job on the service-model ledger."""

from __future__ import annotations

from django.db import transaction

from chain.contracts.crossing import FundTraining
from chain.contracts.service_models.rows import JobOpen, ServiceRegister, service_id_of
from chain.core.codec import decode
from chain.exchange.learning import training_fundings
from enterprises.checkout.ports import term
from enterprises.training.calls import (
    FUND,
    OPEN,
    REGISTER_SERVICE,
    call,
    call_of,
    calls_of,
    refusal_of,
    waits,
)
from enterprises.training.models import TrainingJob
from enterprises.training.moves import State, end, move
from enterprises.training.ports import Desk, Post
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.learners.templates import template
from marketplace.common.errors import NotFound
from marketplace.common.work import wait

WAIT_S = 2.0
SPARE_MS = 60 * 60 * 1000
ATTEMPTS = 3
SERVICE_EXISTS = "service_exists"


def fund(desk: Desk, post: Post, job: TrainingJob) -> None:
    """FUNDING: the service, the licences, the job; each call is queued once and waited for."""
    if job.cancel_asked:
        end(job, State.CANCELLED)
        return
    plan = plan_decode(bytes(job.plan))
    if not _service_there(desk, job, plan):
        return
    fundings = calls_of(job, FUND)
    if not fundings:
        _fund(desk, job, plan)
        return
    refused = next((code for row in fundings if (code := refusal_of(row))), "")
    if any(waits(row) for row in fundings):
        wait(job, using="enterprise", seconds=WAIT_S)
    elif refused:
        end(job, State.FAILED, refused)
    else:
        _open(desk, job, plan)


def _service_there(desk: Desk, job: TrainingJob, plan: TrainingPlan) -> bool:
    """Whether the service is registered, by us or by anybody, in the unit of the task."""
    unit = template(plan.task).unit
    try:
        if desk.market.models().service(service_id_of(job.service)).unit == unit:
            return True
        end(job, State.FAILED, "service_unit_differs")
        return False
    except NotFound:
        pass
    row = call_of(job, REGISTER_SERVICE)
    if row is None:
        args = ServiceRegister(job.service, unit, f"{template(plan.task).title}: {template(plan.task).label}")
        with transaction.atomic(using="enterprise"):
            call(job, REGISTER_SERVICE, args)
            move(job, State.FUNDING, again_in_s=WAIT_S)
    elif refusal_of(row) not in ("", SERVICE_EXISTS):
        end(job, State.FAILED, refusal_of(row))
    else:
        wait(job, using="enterprise", seconds=WAIT_S)
    return False


def _fund(desk: Desk, job: TrainingJob, plan: TrainingPlan) -> None:
    """Queue the payments at the prices that were confirmed; a lot that costs something else now ends the job."""
    chosen = [lot for peer in job.peers.filter(state="chosen") for lot in peer.lots]
    lots = [desk.market.lot_row(bytes.fromhex(lot["lot"])) for lot in chosen]
    if any(row.price != lot["price"] for row, lot in zip(lots, chosen, strict=True)):
        end(job, State.FAILED, "price_changed")
        return
    run_ms = (plan.rounds + 1) * plan.deadline_s * 1000 * ATTEMPTS
    deadline_ms = desk.market.head().time_ms + term(desk.market, "t1_ms") + run_ms + SPARE_MS
    calls = training_fundings(
        lots,
        plan=bytes.fromhex(job.plan_hash),
        nonce=bytes.fromhex(job.nonce),
        rounds=plan.rounds,
        deadline_ms=deadline_ms,
        bonus=plan.bonus_credits,
    )
    with transaction.atomic(using="enterprise"):
        for number, args in enumerate(calls):
            call(job, FUND, args, str(number))
        move(job, State.FUNDING, deadline_ms=deadline_ms, again_in_s=WAIT_S)


def _open(desk: Desk, job: TrainingJob, plan: TrainingPlan) -> None:
    row = call_of(job, OPEN)
    if row is None:
        fundings = calls_of(job, FUND)
        args = JobOpen(
            service=service_id_of(job.service),
            plan=bytes.fromhex(job.plan_hash),
            nonce=bytes.fromhex(job.nonce),
            task=plan.task,
            rounds=plan.rounds,
            cohort_min=plan.minimum,
            epsilon_micro=plan.privacy.epsilon_micro if plan.privacy else 0,
            delta_micro=plan.privacy.delta_micro if plan.privacy else 0,
            model=bytes.fromhex(job.model_hash),
            deadline_ms=decode(FundTraining, bytes(fundings[0].args)).deadline_ms,
            proofs=tuple(desk.market.proof(bytes.fromhex(each.tx_id)) for each in fundings),
        )
        with transaction.atomic(using="enterprise"):
            call(job, OPEN, args)
            move(job, State.FUNDING, again_in_s=WAIT_S)
    elif refusal_of(row):
        end(job, State.FAILED, refusal_of(row))
    elif waits(row):
        wait(job, using="enterprise", seconds=WAIT_S)
    else:
        paid = calls_of(job, FUND)
        move(
            job,
            State.WAITING,
            accept_until_ms=min(each.block_time_ms for each in paid) + term(desk.market, "t1_ms"),
            cursor_height=min(each.height or 1 for each in paid) - 1,
        )
