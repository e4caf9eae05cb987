"""Notices on the market's board: each is put to the owner's rules, once, and again when the rules may have changed."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from chain.wallets.hd import HARDENED
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.learners.plan_check import plan_check
from fedlearn.learners.table import NotSuited
from fedlearn.learners.templates import template
from fedlearn.runtime.offers import LOTS_MAX
from fedlearn.transport import Notice
from households.learning import questions as why
from households.learning.consent import consent_decide
from households.learning.lots import lots_for_training, lots_licensed
from households.learning.participation.home import job_cost, plan_of, question_of
from households.learning.participation.port import Connection
from households.learning.source import table_of
from households.models import HOME, Household, LearningCursor, Lot, Participation
from marketplace.common.errors import HearthError

ALL_AGAIN = timedelta(seconds=15)
ASK_AGAIN_S = 15.0
NO_ROWS_AGAIN_S = 3_600.0
NOTICE_ODD = "notice_contradicts_plan"
# What the owner can change, so that the same notice may get another answer later.
OWNERS = frozenset({
    why.LEARNING_OFF, why.HOME_NOT_RUNNING, why.NO_RULE, why.ENTERPRISE_NOT_COVERED, why.CLASS_NOT_COVERED,
    why.RULE_EXPIRED, why.EPSILON_UNBOUNDED, why.TEXT_CHANGED, why.RULE_EPSILON, why.HOME_EPSILON, why.NO_DATA,
})  # fmt: skip
State = Participation.State


def notices_follow(household: Household, connection: Connection, cursor: LearningCursor, now: datetime) -> None:
    """Read the notices since the last time, and all open ones once in a while.

    The caller holds the cursor's lease and writes its new place down when this has returned.
    """
    all_of_them = cursor.notices_all_at is None or now - cursor.notices_all_at >= ALL_AGAIN
    for notice in connection.board.notices(after=0 if all_of_them else cursor.notices_after):
        notice_take(household, connection, notice, now)
        cursor.notices_after = max(cursor.notices_after, notice.number)
    if all_of_them:
        cursor.notices_all_at = now


def notice_take(household: Household, connection: Connection, notice: Notice, now: datetime) -> None:
    """Ask the owner's rules about a notice; the answer is a row, and a line in the history."""
    rows = Participation.objects.using(HOME).filter(household=household, plan_hash=notice.plan_hash)
    row = rows.first()
    if row is None:
        row = _row(household, connection.board.notice(notice.plan_hash))
    elif row.state != State.DECLINED or row.code not in OWNERS | {"home_lacks_rows"} or row.next_try_at > now:
        return
    code = row.code if row.code == NOTICE_ODD else _refusal(row, now)
    fields = {"state": State.DECLINED if code else State.ASKED, "code": code, "next_try_at": now}
    if not code:
        fields |= {"pseudonym_index": secrets.randbelow(HARDENED), "ended_at": None}
    else:
        rest_s = NO_ROWS_AGAIN_S if code == "home_lacks_rows" else ASK_AGAIN_S
        fields |= {"next_try_at": now + timedelta(seconds=rest_s), "ended_at": now}
    with transaction.atomic(using=HOME):
        if row._state.adding:
            for name, value in fields.items():
                setattr(row, name, value)
            row.save(using=HOME, force_insert=True)
        else:
            rows.filter(state=State.DECLINED).update(**fields)


def lots_of_task(household: Household, task: str, classes: frozenset[str], *, limit: int) -> list[Lot]:
    """The newest lots on offer that a task can read, of the allowed classes."""
    sources = {source for need in template(task).needs for source in need.sources}
    offered = [bytes(lot.lot_id) for lot in lots_for_training(household, offered=True)]
    found = lots_licensed(household, offered, classes)
    return [lot for lot in found if (lot.device.device_class, lot.quantity) in sources][:limit]


def _row(household: Household, notice: Notice) -> Participation:
    row = Participation(
        household=household,
        plan_hash=notice.plan_hash,
        plan=notice.plan,
        task=notice.template[:64],
        purpose=notice.purpose[:500],
        enterprise=notice.enterprise,
        enterprise_name=notice.enterprise_name[:120],
        closes_at=notice.closes_at,
    )
    try:
        plan = plan_decode(notice.plan)
        plan_check(plan)
    except HearthError:
        row.code = NOTICE_ODD
    else:
        row.code = "" if plan.task == notice.template else NOTICE_ODD
    return row


def _refusal(row: Participation, now: datetime) -> str:
    """Why the home does not take part; empty if it does."""
    plan = plan_of(row)
    answer = consent_decide(household=row.household, question=question_of(row, micro=job_cost(plan)), now=now)
    if not answer.allowed:
        return answer.code
    return _lacks(row, plan, answer.classes, now)


def _lacks(row: Participation, plan: TrainingPlan, classes: frozenset[str], now: datetime) -> str:
    lots = lots_of_task(row.household, plan.task, classes, limit=LOTS_MAX)
    try:
        found = table_of(row.household, template(plan.task), [bytes(lot.lot_id) for lot in lots], classes, now)
    except HearthError as fault:
        return fault.code[:48]
    return found.code[:48] if isinstance(found, NotSuited) else ""
