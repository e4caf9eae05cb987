"""How often a home closes a batch: a row of the home, and beat's periodic task that knows the household's id only."""

from __future__ import annotations

import json

from django.db import transaction
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from households.models import HOME, Household, UploadSchedule
from households.services.activity import activity_note
from marketplace.common.errors import InputError

EVERY_MIN_S = 10
EVERY_MAX_S = 31 * 86_400
TASK = "households.tasks.batch_due"


def schedule_set(*, household: Household, every_s: int, enabled: bool) -> UploadSchedule:
    """Close a batch every ``every_s`` seconds, or not at all. Raises ``InputError``."""
    if not EVERY_MIN_S <= every_s <= EVERY_MAX_S:
        raise InputError(f"A batch is closed every {EVERY_MIN_S} s to 31 days")
    with transaction.atomic(using=HOME):
        schedule, _ = UploadSchedule.objects.using(HOME).update_or_create(
            household=household, defaults={"every_s": every_s, "enabled": enabled}
        )
        activity_note(household=household, kind="schedule.set", topic="uploads", facts={"every_s": every_s})
    beat_sync(schedule=schedule)
    return schedule


def beat_sync(*, schedule: UploadSchedule) -> None:
    """Make beat's task say what the row says; the name holds nothing but the household's opaque id."""
    with transaction.atomic(using="default"):
        interval, _ = IntervalSchedule.objects.get_or_create(every=schedule.every_s, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.update_or_create(
            name=task_name(schedule.household_id),
            defaults={
                "task": TASK,
                "interval": interval,
                "crontab": None,
                "args": json.dumps([str(schedule.household_id)]),
                "enabled": schedule.enabled,
            },
        )


def task_name(household_id: object) -> str:
    """The name of a home's periodic task."""
    return f"close batch {household_id}"
