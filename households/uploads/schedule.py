"""When a home uploads: every so often, daily at given times, or by a cron line. Pure; the clock is an argument.

Texts that an owner can write: ``every 15m`` (s, m, h, d), ``daily 03:00,15:30``, ``cron 0 */6 * * 1-5`` (minute,
hour, day of the month, month, day of the week with 0 or 7 for Sunday; as in POSIX crontab, when both kinds of day are
restricted either is enough). Daily and cron times are those of the home's own time zone: a time that a change of the
clocks leaves out comes as much later as the clocks move, one that comes twice is used once.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from marketplace.common.errors import InputError

MIN_INTERVAL_S = 5
MAX_INTERVAL_S = 31 * 86_400
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_DAYS_SEARCHED = 366 * 8 + 2


class ScheduleInvalid(InputError):
    """The text is no schedule."""

    code = "schedule_invalid"
    title = "The schedule can't be read"
    hint = "Write, for example, 'every 15m', 'daily 03:00' or 'cron 0 */6 * * *'."


@dataclass(frozen=True, slots=True)
class Interval:
    """Every ``seconds``, counted from the epoch, so that a restart moves nothing."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Clock:
    """At any of ``minutes`` of any of ``hours`` on the days that ``days``, ``months`` and ``weekdays`` (Monday 0)
    allow."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    times: frozenset[tuple[int, int]] = frozenset()

    def of_day(self) -> list[dt.time]:
        """The times of a day on which it runs, rising."""
        pairs = self.times or frozenset(product(self.hours, self.minutes))
        return [dt.time(hour, minute) for hour, minute in sorted(pairs)]

    def runs_on(self, day: dt.date) -> bool:
        """Whether it runs on this day."""
        if day.month not in self.months:
            return False
        in_month, in_week = day.day in self.days, day.weekday() in self.weekdays
        if len(self.days) < 31 and len(self.weekdays) < 7:
            return in_month or in_week
        return in_month and in_week


Schedule = Interval | Clock


def schedule_parse(text: str) -> Schedule:
    """The schedule that an owner wrote; raises ``ScheduleInvalid``."""
    kind, _, rest = text.strip().lower().partition(" ")
    if kind == "every":
        return _interval(rest.strip())
    if kind == "daily":
        return _daily(rest)
    if kind == "cron":
        return _cron(rest)
    raise ScheduleInvalid()


def next_due(schedule: Schedule, after: dt.datetime, zone: str = "UTC") -> dt.datetime:
    """The first moment later than ``after`` (aware), in UTC. Raises ``ScheduleInvalid`` for an unknown time zone or a
    schedule that never comes (30 February)."""
    if after.tzinfo is None:
        raise ValueError("the time needs a time zone")
    if isinstance(schedule, Interval):
        step = dt.timedelta(seconds=schedule.seconds)
        return _EPOCH + ((after - _EPOCH) // step + 1) * step
    local = _zone(zone)
    day = after.astimezone(local).date() - dt.timedelta(days=1)
    times = schedule.of_day()
    for _ in range(_DAYS_SEARCHED):
        if schedule.runs_on(day):
            moments = (dt.datetime.combine(day, time, local).astimezone(dt.UTC) for time in times)
            due = min((moment for moment in moments if moment > after), default=None)
            if due is not None:
                return due
        day += dt.timedelta(days=1)
    raise ScheduleInvalid("The schedule never comes")


def jittered(due: dt.datetime, jitter_s: int, share: float) -> dt.datetime:
    """``due`` moved later by ``share`` (0 to 1, drawn by the caller) of ``jitter_s``, so that homes do not upload in
    step."""
    if not 0 <= share <= 1 or jitter_s < 0:
        raise ValueError("share is between 0 and 1, jitter_s not negative")
    return due + dt.timedelta(seconds=jitter_s * share)


def _interval(text: str) -> Interval:
    match = re.fullmatch(r"(\d{1,7})\s*([smhd])", text)
    if match is None:
        raise ScheduleInvalid()
    seconds = int(match[1]) * _UNITS_S[match[2]]
    if not MIN_INTERVAL_S <= seconds <= MAX_INTERVAL_S:
        raise ScheduleInvalid("An interval lies between five seconds and 31 days")
    return Interval(seconds)


def _daily(text: str) -> Clock:
    times: set[tuple[int, int]] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*", part)
        if match is None:
            raise ScheduleInvalid()
        times.add((int(match[1]), int(match[2])))
    everything = (frozenset(range(1, 32)), frozenset(range(1, 13)), frozenset(range(7)))
    return Clock(frozenset(), frozenset(), *everything, times=frozenset(times))


def _cron(text: str) -> Clock:
    fields = text.split()
    if len(fields) != len(_CRON_RANGES):
        raise ScheduleInvalid("A cron line has five fields")
    minutes, hours, days, months, sundays = (
        _cron_field(field, *limits) for field, limits in zip(fields, _CRON_RANGES, strict=True)
    )
    return Clock(minutes, hours, days, months, frozenset((number - 1) % 7 for number in sundays))


def _cron_field(text: str, low: int, high: int) -> frozenset[int]:
    """One field: ``*``, numbers, ranges, lists and steps."""
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", part)
        if match is None:
            raise ScheduleInvalid()
        first = low if match[1] == "*" else int(match[2])
        open_end = match[1] == "*" or (match[4] and not match[3])
        last = high if open_end else int(match[3] or match[2])
        step = int(match[4] or 1)
        if step < 1 or not low <= first <= last <= high:
            raise ScheduleInvalid()
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleInvalid("There is no such time zone") from error
