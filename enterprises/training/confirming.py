"""The confirmation of a job: which homes take part, and that the money is there."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from chain.contracts.crossing import training_order_id_of
from enterprises.checkout.models import Enterprise
from enterprises.checkout.ports import BuyerMarket
from enterprises.checkout.services import committed
from enterprises.checkout.wallets import wallet_refresh
from enterprises.errors import NotAccredited
from enterprises.training.errors import (
    TrainingCostChanged,
    TrainingNotReady,
    TrainingStateWrong,
    TrainingTooDear,
)
from enterprises.training.estimates import Choice, choices_of, estimate_of
from enterprises.training.models import JobPeer, TrainingJob
from enterprises.training.moves import State, moved
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.protocol.graph import MIN_MEMBERS

LOTS_MAX: Final = 512


def confirm(*, enterprise: Enterprise, market: BuyerMarket, job: TrainingJob, total: int | None) -> TrainingJob:
    """Choose the homes that are ready, and go on to pay their licences.

    Args:
        total: the sum that a member has seen; None for a repeat, which the plan's budget bounds.

    Raises:
        NotAccredited, TrainingStateWrong, TrainingNotReady, TrainingCostChanged, TrainingTooDear: nothing was paid.
    """
    if enterprise.registration != Enterprise.Registration.ACCREDITED:
        raise NotAccredited
    wallet = wallet_refresh(wallet=enterprise.wallet, market=market)
    plan = plan_decode(bytes(job.plan))
    with transaction.atomic(using="enterprise"):
        if job.state != State.GATHERING:
            raise TrainingStateWrong
        choices = choices_of(plan, list(job.peers.all()))
        _require_enough(plan, choices)
        cost = sum(choice.price for choice in choices) + plan.bonus_credits
        if total is not None and cost != total:
            raise TrainingCostChanged
        if cost > wallet.balance - committed(enterprise):
            raise TrainingTooDear
        _choose(job, choices)
        estimate = estimate_of(plan, choices, float(job.rehearsal.get("seconds_home_round", 0.5)))
        changes = {"estimate": estimate, "total": cost, "confirmed_at": timezone.now()}
        return moved(job, (State.GATHERING,), state=State.FUNDING, **changes)


def _require_enough(plan: TrainingPlan, choices: list[Choice]) -> None:
    least = max(plan.minimum, MIN_MEMBERS)
    if len(choices) < least:
        raise TrainingNotReady(f"{len(choices)} homes are ready, {least} are needed.")
    if sum(len(choice.lots) for choice in choices) > LOTS_MAX:
        raise TrainingNotReady(f"A job holds licences for at most {LOTS_MAX} lots.")


def _choose(job: TrainingJob, choices: list[Choice]) -> None:
    """Note whose licences are paid; the others are left out."""
    ours = bytes.fromhex(job.ledger_job)
    for choice in choices:
        lots = [
            {**lot, "order": training_order_id_of(ours, bytes.fromhex(lot["lot"])).hex(), "accepted": False}
            for lot in choice.lots
        ]
        JobPeer.objects.filter(pk=choice.peer.pk).update(state=JobPeer.State.CHOSEN, lots=lots)
    others = job.peers.exclude(state__in=(JobPeer.State.CHOSEN, JobPeer.State.LEFT_OUT))
    others.update(state=JobPeer.State.LEFT_OUT, reason="not_chosen")
