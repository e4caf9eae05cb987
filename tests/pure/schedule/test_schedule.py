"""When a home uploads next."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from households.uploads.schedule import ScheduleInvalid, jittered, next_due, schedule_parse

UTC = dt.UTC
MOMENTS = st.datetimes(dt.datetime(2020, 1, 1), dt.datetime(2035, 1, 1), timezones=st.just(UTC))
TEXTS = st.sampled_from(
    ["every 10s", "every 15m", "every 1d", "daily 03:00", "daily 2:30,23:59", "cron */7 1-3 * * *", "cron 0 6 29 2 *",
     "cron 30 4 1,15 * 5"]
)  # fmt: skip
ZONES = st.sampled_from(["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe"])


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "after", "zone", "due"),
    [
        ("every 15m", "2026-11-22T10:00:00+00:00", "UTC", "2026-11-22T10:15:00+00:00"),
        ("daily 03:00", "2026-11-22T10:00:00+00:00", "Europe/Zurich", "2026-11-23T02:00:00+00:00"),
        ("daily 03:00,15:30", "2026-11-22T10:00:00+00:00", "UTC", "2026-11-22T15:30:00+00:00"),
        ("cron 0 */6 * * *", "2026-11-22T06:00:00+00:00", "UTC", "2026-11-22T12:00:00+00:00"),
        ("cron 0 9 * * 1-5", "2026-11-20T10:00:00+00:00", "UTC", "2026-11-23T09:00:00+00:00"),
        ("cron 0 0 * * 7", "2026-11-21T10:00:00+00:00", "UTC", "2026-11-22T00:00:00+00:00"),
        ("cron 0 0 13 * 5", "2026-11-14T00:00:00+00:00", "UTC", "2026-11-20T00:00:00+00:00"),
        ("cron 0 6 29 2 *", "2026-01-01T00:00:00+00:00", "UTC", "2028-02-29T06:00:00+00:00"),
        ("cron 5/20 * * * *", "2026-11-22T10:25:00+00:00", "UTC", "2026-11-22T10:45:00+00:00"),
    ],
)
def test_the_next_upload_comes_when_the_owner_wrote(text: str, after: str, zone: str, due: str) -> None:
    assert next_due(schedule_parse(text), at(after), zone) == at(due)


def test_a_time_that_the_clocks_leave_out_comes_when_they_move() -> None:
    due = next_due(schedule_parse("daily 02:30"), at("2026-03-28T12:00:00+00:00"), "Europe/Zurich")
    assert due == at("2026-03-29T01:30:00+00:00")


def test_a_time_that_comes_twice_is_used_once() -> None:
    schedule = schedule_parse("daily 02:30")
    first = next_due(schedule, at("2026-10-24T12:00:00+00:00"), "Europe/Zurich")
    assert first == at("2026-10-25T00:30:00+00:00")
    assert next_due(schedule, first, "Europe/Zurich") == at("2026-10-26T01:30:00+00:00")


@given(text=TEXTS, after=MOMENTS, zone=ZONES)
def test_the_next_is_later_and_none_lies_between(text: str, after: dt.datetime, zone: str) -> None:
    schedule = schedule_parse(text)
    due = next_due(schedule, after, zone)
    assert due > after
    assert next_due(schedule, due - dt.timedelta(seconds=1), zone) == due
    between = after + (due - after) / 2
    assert next_due(schedule, between, zone) == due


@pytest.mark.parametrize(
    "text",
    ["", "sometimes", "every 1s", "every 32d", "every 5", "daily", "daily 24:00", "daily 3", "cron * * * *",
     "cron 60 * * * *", "cron */0 * * * *", "cron 5-1 * * * *", "cron x * * * *", "cron * * 0 * *"],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleInvalid):
        schedule_parse(text)


def test_a_schedule_that_never_comes_and_a_zone_that_is_none_are_refused() -> None:
    with pytest.raises(ScheduleInvalid):
        next_due(schedule_parse("cron 0 0 30 2 *"), at("2026-01-01T00:00:00+00:00"))
    with pytest.raises(ScheduleInvalid):
        next_due(schedule_parse("daily 03:00"), at("2026-01-01T00:00:00+00:00"), "Mars/Base")


@given(share=st.floats(0, 1), jitter_s=st.integers(0, 3600))
def test_jitter_only_delays_and_never_beyond_its_bound(share: float, jitter_s: int) -> None:
    due = at("2026-01-01T00:00:00+00:00")
    assert dt.timedelta(0) <= jittered(due, jitter_s, share) - due <= dt.timedelta(seconds=jitter_s)
