"""When a home closes a batch: a row of the home, and beat's periodic task that knows the household's id only.

Beat asks at least as often as the schedule says; the row decides whether a batch is due, so a task that runs twice,
or too often, closes nothing.
"""

from __future__ import annotations

import json

from django.db import transaction
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from households.models import HOME, Household, UploadSchedule
from households.services.activity import activity_note
from households.uploads.schedule import Clock, Interval, next_due, schedule_parse

TASK = "households.tasks.batch_due"
DEFAULT_SCHEDULE = "daily 03:00"


def schedule_set(*, household: Household, text: str, zone: str, enabled: bool) -> UploadSchedule:
    """Close batches as ``text`` says (``households.uploads.schedule``) in the time zone, or not at all.

    Raises ``ScheduleInvalid``.
    """
    due = next_due(schedule_parse(text), timezone.now(), zone)
    with transaction.atomic(using=HOME):
        schedule, _ = UploadSchedule.objects.using(HOME).update_or_create(
            household=household, defaults={"text": text, "zone": zone, "enabled": enabled, "next_due_at": due}
        )
        activity_note(household=household, kind="schedule.set", topic="uploads", facts={"enabled": enabled})
    beat_sync(schedule=schedule)
    return schedule


def beat_sync(*, schedule: UploadSchedule) -> None:
    """Make beat's task say what the row says; its name holds nothing but the household's opaque id."""
    parsed = schedule_parse(schedule.text)
    with transaction.atomic(using="default"):
        interval = _interval(parsed) if isinstance(parsed, Interval) else None
        crontab = _crontab(parsed, schedule.zone) if isinstance(parsed, Clock) else None
        PeriodicTask.objects.update_or_create(
            name=task_name(schedule.household_id),
            defaults={
                "task": TASK,
                "interval": interval,
                "crontab": crontab,
                "args": json.dumps([str(schedule.household_id)]),
                "enabled": schedule.enabled,
            },
        )


def task_name(household_id: object) -> str:
    """The name of a home's periodic task."""
    return f"close batch {household_id}"


def _interval(parsed: Interval) -> IntervalSchedule:
    found = IntervalSchedule.objects.filter(every=parsed.seconds, period=IntervalSchedule.SECONDS).first()
    return found or IntervalSchedule.objects.create(every=parsed.seconds, period=IntervalSchedule.SECONDS)


def _crontab(parsed: Clock, zone: str) -> CrontabSchedule:
    """A line of beat's that runs whenever the schedule does, and perhaps more often: beat can't say all that ours
    can."""
    times = parsed.of_day()
    either = len(parsed.days) < 31 and len(parsed.weekdays) < 7
    fields = {
        "minute": _list({time.minute for time in times}, 60),
        "hour": _list({time.hour for time in times}, 24),
        "day_of_month": "*" if either else _list(set(parsed.days), 31),
        "month_of_year": _list(set(parsed.months), 12),
        "day_of_week": "*" if either else _list({(day + 1) % 7 for day in parsed.weekdays}, 7),
        "timezone": zone,
    }
    return CrontabSchedule.objects.filter(**fields).first() or CrontabSchedule.objects.create(**fields)


def _list(numbers: set[int], all_of_them: int) -> str:
    return "*" if len(numbers) == all_of_them else ",".join(str(number) for number in sorted(numbers))
