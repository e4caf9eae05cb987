"""When a participation ends by itself: the job is over on the ledger, or no licence is left."""

from __future__ import annotations

from django.db.models import Q
from django.utils import timezone

from chain.contracts.crossing import COMPLETED
from chain.contracts.service_models.rows import OPEN as JOB_OPEN
from households.learning import questions as why
from households.learning.consent import consent_decide, decision
from households.learning.participation.home import HOME, State, move, question_of
from households.learning.participation.joining import SILENCE_MAX
from households.learning.participation.leaving import leave_begin, reservations_release
from households.learning.participation.licences import HOLDS
from households.learning.participation.port import Connection
from households.models import Participation, ParticipationOrder
from marketplace.common.errors import NotFound

NO_LICENCE, DEADLINE, SILENT = "no_licence", "deadline_passed", "enterprise_silent"
GRACE_MS = 3_600_000
Orders = ParticipationOrder.State


def ended(row: Participation, connection: Connection) -> bool:
    """Whether the job is over, as the ledger or the time says; then the row has moved on."""
    if not row.job:
        if timezone.now() <= row.closes_at + SILENCE_MAX:
            return False
        move(row, State.FAILED, code=SILENT)
        return True
    orders = ParticipationOrder.objects.using(HOME).filter(participation=row)
    try:
        job = connection.models.job(bytes(row.job))
    except NotFound:
        job = None
    if job is not None and job.status != JOB_OPEN:
        state = State.DONE if job.status == COMPLETED else State.FAILED
        return _over(row, state, "" if state == State.DONE else (job.reason or job.status)[:48])
    under_way = Q(state__in=(Orders.NOTED, Orders.AGREED, Orders.DECLINING)) | HOLDS
    if row.state != State.PEERED and orders.exists() and not orders.filter(under_way).exists():
        return _over(row, State.FAILED, NO_LICENCE)
    deadline_ms = max(orders.values_list("deadline_ms", flat=True), default=0)
    if deadline_ms and connection.market.head().time_ms > deadline_ms + GRACE_MS:
        return _over(row, State.FAILED, DEADLINE)
    if not deadline_ms and timezone.now() > row.closes_at + SILENCE_MAX:
        return _over(row, State.FAILED, SILENT)
    return False


def unwilling(row: Participation) -> bool:
    """Whether the owner has taken the consent back; then the row is about to leave, and the history says so.

    Only what the owner decides counts: a limit of epsilon that is used up refuses rounds and ends nothing.
    """
    sequence = row.sequence if row.record else None
    question = question_of(row, micro=0, sequence=sequence)
    answer = decision(row.household, question, timezone.now())
    if answer.allowed or answer.code in (why.RULE_EPSILON, why.HOME_EPSILON, why.NO_DATA):
        return False
    consent_decide(household=row.household, question=question)
    leave_begin(row, answer.code)
    return True


def _over(row: Participation, state: State, code: str) -> bool:
    reservations_release(row)
    move(row, state, code=code)
    return True
