"""The owner tunes the checks: limits within bounds, the same for all voters, from the next batch on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction

from households.consensus.config import CheckConfig
from households.consensus.limits import Limit, limits_apply, limits_new
from households.models import HOME, Household, TunedLimit
from households.services.activity import activity_note


def limits_of(household: Household) -> tuple[Limit, ...]:
    """The limits that the owner has moved, in the order in which a batch's terms carry them."""
    rows = TunedLimit.objects.using(HOME).filter(household=household).values_list("name", "value")
    return limits_new(dict(rows))


def checks_of(household: Household) -> CheckConfig:
    """The checks as the home's devices run them."""
    return limits_apply(limits_of(household))


def limits_set(*, household: Household, values: Mapping[str, int]) -> tuple[Limit, ...]:
    """Move these limits (integers in each limit's fixed point) and leave the others; all that stand afterwards.

    It holds from the next batch that is laid out; one that the devices are voting on keeps its limits. Raises
    ``LimitUnknown`` or ``LimitOutOfBounds``; nothing changes then.
    """
    with transaction.atomic(using=HOME):
        before = limits_of(household)
        after = limits_new({**{limit.name: limit.value for limit in before}, **values})
        _write(household, before, after)
    return after


def limits_reset(*, household: Household, names: Iterable[str] | None = None) -> tuple[Limit, ...]:
    """Put these limits, or all, back to their defaults; those that still differ."""
    with transaction.atomic(using=HOME):
        before = limits_of(household)
        gone = {limit.name for limit in before} if names is None else set(names)
        after = limits_new({limit.name: limit.value for limit in before if limit.name not in gone})
        _write(household, before, after)
    return after


def _write(household: Household, before: tuple[Limit, ...], after: tuple[Limit, ...]) -> None:
    if before == after:
        return
    rows = TunedLimit.objects.using(HOME)
    rows.filter(household=household).exclude(name__in=[limit.name for limit in after]).delete()
    for limit in after:
        rows.update_or_create(household=household, name=limit.name, defaults={"value": limit.value})
    facts = {"tuned": len(after)}
    activity_note(household=household, kind="checks.set", topic="uploads", facts=facts)
