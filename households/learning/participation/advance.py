"""Go on with all that a home has to do for training jobs. Who calls this only nudges; what is due stands in rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from fedlearn.runtime.offers import mock_name
from fedlearn.runtime.rounds.stages import LedgerBehind
from households.learning.lots import lots_for_training
from households.learning.participation.ending import ended, unwilling
from households.learning.participation.home import ENDED, HOME, OPEN, State, folder_of, node_opened, plan_of, record_of
from households.learning.participation.joining import answer_step, peer_step
from households.learning.participation.leaving import close_step, leave_step
from households.learning.participation.licences import Orders, order_step, trainings_follow
from households.learning.participation.notices import notices_follow
from households.learning.participation.port import Connection, connection_of
from households.learning.participation.rewards import Claims, claim_step
from households.learning.participation.rounds import LEASE_S, mail_step
from households.models import (
    Household,
    LearningCursor,
    Lot,
    Participation,
    ParticipationClaim,
    ParticipationOrder,
    ParticipationRound,
)
from marketplace.common.errors import Unavailable
from marketplace.common.licences import TRAINING, texts
from marketplace.common.work import LeasedRow, advance, claim, due, leased, wait

READ_EVERY_S = 2.0
IDLE_EVERY_S = 30.0
MAIL_EVERY_S = 0.5
QUIET_EVERY_S = 2.0
AWAY_S = 2.0
REST_MIN_S = 0.1
STEPS_MAX = 200
ORDER_STEPS = (Orders.NOTED, Orders.AGREED, Orders.ACCEPTED, Orders.DECLINING)
Step = Callable[[Any, Connection], None]


def learning_advance(household: Household) -> int:
    """Read the news and go on with every due row; how many steps were taken."""
    connection = connection_of(household)
    steps = _read(household, connection)
    for rows, step, lease_s in _work(household):
        for _ in range(STEPS_MAX):
            taken = claim(rows, using=HOME, limit=1, lease_s=lease_s)
            if not taken:
                break
            with leased(taken[0], using=HOME):
                _step(taken[0], step, connection)
            steps += 1
    return steps


def homes_with_work(now: datetime) -> set[object]:
    """The homes that have something to do for training jobs at this time."""
    reads = LearningCursor.objects.using(HOME).filter(due(now))
    rows = Participation.objects.using(HOME).filter(due(now)).filter(_live())
    orders = ParticipationOrder.objects.using(HOME).filter(due(now), state__in=ORDER_STEPS)
    claims = ParticipationClaim.objects.using(HOME).filter(due(now), state=Claims.WAITING)
    found = {pk for each in (reads, rows, orders) for pk in each.values_list("household_id", flat=True)}
    return found | set(claims.values_list("order__household_id", flat=True)) | _new_homes()


def learning_rest_s(household_id: str) -> float | None:
    """In how many seconds a home that takes part in a job has its next step; None if the sweep is soon enough."""
    rows = Participation.objects.using(HOME).filter(household__pk=household_id, state__in=OPEN)
    orders = ParticipationOrder.objects.using(HOME).filter(household__pk=household_id, state__in=ORDER_STEPS)
    times = [each.order_by("next_try_at").values_list("next_try_at", flat=True).first() for each in (rows, orders)]
    soonest = min((time for time in times if time is not None), default=None)
    if soonest is None:
        return None
    rest_s = max(REST_MIN_S, (soonest - timezone.now()).total_seconds())
    return rest_s if rest_s < QUIET_EVERY_S else None


def learning_hear() -> None:
    """There is a new block of the shared ledger: homes that wait for licences read on at once."""
    waiting = Participation.objects.using(HOME).filter(state__in=(State.PEERED, State.LICENSED))
    cursors = LearningCursor.objects.using(HOME).filter(household__in=waiting.values("household"))
    cursors.filter(lease_until__isnull=True).update(next_try_at=timezone.now())


def participation_step(row: Participation, connection: Connection) -> None:
    """The participation's next step. The caller holds the lease."""
    if row.state in ENDED:
        _after_the_end(row, connection)
    elif row.leaving:
        if row.job:
            _mail(row, connection)
        leave_step(row, connection)
    elif unwilling(row):
        return
    elif row.state == State.ASKED:
        answer_step(row, connection)
    elif row.state == State.ANSWERED:
        peer_step(row, connection)
    elif _in_round(row) or not ended(row, connection):
        _job_step(row, connection)


def _step(row: LeasedRow, step: Step, connection: Connection) -> None:
    """A part of the world that is away for a moment is waited for; other refusals make the row rest ever longer."""
    try:
        step(row, connection)
    except Unavailable as away:
        wait(row, using=HOME, seconds=AWAY_S, last_error_code=away.code)


def _in_round(row: Participation) -> bool:
    """Whether a round is under way, so that the enterprise says itself when it is over."""
    if not row.record or not record_of(row).member:
        return False
    since = timezone.now() - timedelta(seconds=plan_of(row).deadline_s)
    rounds = ParticipationRound.objects.using(HOME).filter(participation=row, sequence=row.sequence)
    return rounds.filter(asked_at__gt=since).exists()


def _mail(row: Participation, connection: Connection) -> int:
    with node_opened(row, connection) as node:
        return mail_step(row, connection, node)


def _job_step(row: Participation, connection: Connection) -> None:
    """Read the mail; licensed once a licence is as agreed."""
    agreed = ParticipationOrder.objects.using(HOME).filter(
        participation=row, state__in=(Orders.AGREED, Orders.ACCEPTED)
    )
    changes = {"state": State.LICENSED} if row.state == State.PEERED and agreed.exists() else {}
    try:
        count = _mail(row, connection)
    except LedgerBehind:
        count = 1
    if row.state == State.RUNNING:
        changes = {}
    advance(row, using=HOME, again_in_s=MAIL_EVERY_S if count or row.record else QUIET_EVERY_S, **changes)


def _after_the_end(row: Participation, connection: Connection) -> None:
    """The table is removed at once. The last receipts may still come; then everything is put away."""
    if row.job and not row.end_told and folder_of(row).exists():
        with node_opened(row, connection) as node:
            node.dataset_remove(mock_name(row.task))
            if row.state != State.LEFT:
                mail_step(row, connection, node)
    close_step(row, connection)


def _read(household: Household, connection: Connection) -> int:
    """Follow the notice board and the shared ledger."""
    _cursor(household)
    mine = LearningCursor.objects.using(HOME).filter(pk=household.pk)
    taken = claim(mine, using=HOME, limit=1)
    if not taken:
        return 0
    cursor = taken[0]
    with leased(cursor, using=HOME):
        notices_follow(household, connection, cursor, timezone.now())
        trainings_follow(household, connection, cursor)
        advance(
            cursor,
            using=HOME,
            again_in_s=READ_EVERY_S if lots_for_training(household).exists() else IDLE_EVERY_S,
            notices_after=cursor.notices_after,
            notices_all_at=cursor.notices_all_at,
            shared_after=cursor.shared_after,
        )
    return 1


def _cursor(household: Household) -> None:
    """A home starts to read where its first lot for training was anchored: before that nobody could pay for it."""
    first = lots_for_training(household).order_by("anchored_height").values_list("anchored_height", flat=True).first()
    after = max(0, (first or household.market_after_height) - 1)
    LearningCursor.objects.using(HOME).get_or_create(household=household, defaults={"shared_after": after})


def _work(household: Household) -> list[tuple[QuerySet[Any], Step, float]]:
    orders = ParticipationOrder.objects.filter(household=household, state__in=ORDER_STEPS)
    rows = Participation.objects.filter(household=household).filter(_live())
    claims = ParticipationClaim.objects.filter(order__household=household, state=Claims.WAITING)
    return [(orders, order_step, 60.0), (rows, participation_step, LEASE_S), (claims, claim_step, 60.0)]


def _live() -> Q:
    return Q(state__in=OPEN) | Q(state__in=ENDED, closed_at__isnull=True)


def _new_homes() -> set[object]:
    """Active homes that gave consent or offer lots for training, and have not begun to read."""
    homes = Household.objects.using(HOME).filter(state=Household.State.ACTIVE, reads__isnull=True)
    licences = [text.digest for text in texts() if text.kind == TRAINING]
    willing = Q(consent_rules__isnull=False) | Q(lots__licence__in=licences, lots__state=Lot.State.LISTED)
    return set(homes.filter(willing).values_list("pk", flat=True))
