"""The home's account of epsilon: set aside before a round, spent when the update has left, given back if it has not.

Costs add up: over rounds and jobs by basic composition, which is an upper bound. What was set aside counts as spent
until it is given back, so two rounds that are asked at once can never take the same part of the limit.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from households.learning import errors
from households.models import HOME, ConsentRule, EpsilonEntry, Household, LearningSettings
from households.services.activity import live_notify

COUNTED = (EpsilonEntry.State.RESERVED, EpsilonEntry.State.SPENT)
TOPIC = "learning"


def settings_of(household: Household) -> LearningSettings:
    """The home's own limits; the row is made when it is first asked for."""
    found, _ = LearningSettings.objects.using(HOME).get_or_create(household=household)
    return found


def epsilon_reserve(
    *,
    household: Household,
    rule: ConsentRule,
    job: bytes,
    round: int,
    classes: Iterable[str],
    micro_epsilon: int,
    delta_pico: int,
    now: datetime | None = None,
) -> EpsilonEntry:
    """Set aside what a round (of a job with a 32-byte id) will cost, before anything of it is computed.

    Asking again for the same round changes nothing. The first statement writes the home's limits, which makes all who
    ask wait for each other; the sums are read after it.

    Raises ``LearningOff``, ``RuleNotInForce``, ``RuleLimitReached``, ``HomeLimitReached``; ``EpsilonDiffers`` if the
    round was asked for before with another amount.
    """
    now = now or timezone.now()
    settings_of(household)
    with transaction.atomic(using=HOME):
        _lock(household, now)
        known = _entries(household).filter(job=job, round=round).first()
        if known is not None and (known.micro_epsilon, known.delta_pico) != (micro_epsilon, delta_pico):
            raise errors.EpsilonDiffers
        if known is not None and known.state != EpsilonEntry.State.RELEASED:
            return known
        _limits_check(household, rule, micro_epsilon, now)
        entry, _ = EpsilonEntry.objects.using(HOME).update_or_create(
            household=household,
            job=job,
            round=round,
            defaults={
                "rule": rule, "classes": sorted(classes), "micro_epsilon": micro_epsilon, "delta_pico": delta_pico,
                "state": EpsilonEntry.State.RESERVED, "reserved_at": now, "ended_at": None,
            },
        )  # fmt: skip
        live_notify(household=household, topic=TOPIC)
    return entry


def epsilon_spend(*, household: Household, job: bytes, round: int) -> None:
    """The round's update leaves now: call it before sending. Saying it twice changes nothing.

    Raises ``EpsilonEntryUnknown``; ``EpsilonGivenBack`` if it was given back meanwhile.
    """
    if not _end(household, job, round, EpsilonEntry.State.SPENT):
        raise errors.EpsilonGivenBack


def epsilon_release(*, household: Household, job: bytes, round: int) -> None:
    """The round ended without an update of this home. Saying it twice changes nothing.

    Raises ``EpsilonEntryUnknown``; ``EpsilonSpent`` once the update has left, also if the round failed after that.
    """
    if not _end(household, job, round, EpsilonEntry.State.RELEASED):
        raise errors.EpsilonSpent


def home_used_micro(household: Household, now: datetime, *, besides: tuple[bytes, int] | None = None) -> int:
    """What is set aside or spent in the home's period up to ``now``; ``besides`` leaves out one (job, round)."""
    since = now - timedelta(days=settings_of(household).period_days)
    return _sum(_entries(household).filter(state__in=COUNTED, reserved_at__gt=since), besides)


def rule_used_micro(rule: ConsentRule, *, besides: tuple[bytes, int] | None = None) -> int:
    """What is set aside or spent under a rule since it was given."""
    rows = EpsilonEntry.objects.using(HOME).filter(rule=rule, state__in=COUNTED)
    return _sum(rows, besides)


def _lock(household: Household, now: datetime) -> None:
    mine = LearningSettings.objects.using(HOME).filter(pk=household.pk, enabled=True)
    if mine.update(counted_at=now) != 1:
        raise errors.LearningOff


def _limits_check(household: Household, rule: ConsentRule, micro_epsilon: int, now: datetime) -> None:
    in_force = ConsentRule.objects.using(HOME).filter(
        pk=rule.pk, household=household, state=ConsentRule.State.ACTIVE, expires_at__gt=now
    )
    if in_force.update(used_at=now) != 1:
        raise errors.RuleNotInForce
    limits = ConsentRule.objects.using(HOME).values_list("limit_micro", "household__learning__limit_micro")
    rule_limit, home_limit = limits.get(pk=rule.pk)
    if rule_used_micro(rule) + micro_epsilon > rule_limit:
        raise errors.RuleLimitReached
    if home_used_micro(household, now) + micro_epsilon > home_limit:
        raise errors.HomeLimitReached


def _end(household: Household, job: bytes, round: int, state: EpsilonEntry.State) -> bool:
    with transaction.atomic(using=HOME):
        rows = _entries(household).filter(job=job, round=round)
        if rows.filter(state=EpsilonEntry.State.RESERVED).update(state=state, ended_at=timezone.now()):
            live_notify(household=household, topic=TOPIC)
            return True
        known = rows.first()
    if known is None:
        raise errors.EpsilonEntryUnknown
    return bool(known.state == state)


def _entries(household: Household) -> QuerySet[EpsilonEntry]:
    return EpsilonEntry.objects.using(HOME).filter(household=household)


def _sum(rows: QuerySet[EpsilonEntry], besides: tuple[bytes, int] | None) -> int:
    if besides is not None:
        rows = rows.exclude(job=besides[0], round=besides[1])
    return rows.order_by().aggregate(total=Sum("micro_epsilon"))["total"] or 0
