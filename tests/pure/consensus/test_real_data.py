"""The checks on real sensors: honest days pass; drift, playback and values sent again are caught."""

from __future__ import annotations

import numpy as np
import pytest

from chain.core.codec import decode, encode
from households.consensus.checks import check_alone
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.copies import check_copied
from households.consensus.corroborate import Past, group_findings
from households.consensus.memory import Memory, remember
from households.consensus.series import Ints, Series
from tests.pure.consensus.realdata import DAY_MS, Columns, days_of, home, requires_real_data, room, series

TEMPERATURES = tuple(f"S{number}_Temp" for number in range(1, 5))
CONFIG = DEFAULT_CONFIG
LIMIT = CONFIG.cross_limit("temperature")
pytestmark = requires_real_data


def memory_of(columns: Columns, names: tuple[str, ...], days: list[int], group: tuple[str, ...]) -> Memory:
    """What a voter remembers after these honest days."""
    memory = Memory()
    for day in days:
        seen = [(series(columns, name, day), 1) for name in names]
        groups = {("room", "temperature"): [series(columns, name, day) for name in group]} if group else {}
        memory = remember(memory, [entry for entry in seen if len(entry[0].values)], groups, CONFIG)
    return memory


def judged(group: list[Series], memory: Memory) -> dict[bytes, str | None]:
    """Own checks, copies, and the comparison, as ``judge`` does them."""
    known = memory.by_series()
    found: dict[bytes, str | None] = {}
    for entry in group:
        old = known.get((entry.device_id, entry.quantity.name))
        past = old.values if old else np.empty(0, dtype=np.int64)
        found[entry.series_id] = check_alone(entry, (0, 0), None, CONFIG) or check_copied(entry.values, past, CONFIG)
    good = [entry for entry in group if found[entry.series_id] is None]
    curves = {key[0]: old.curve.past for key, old in known.items() if old.curve is not None}
    median: Past | None = None
    for remembered in memory.groups:
        median = remembered.curve.past
    assert LIMIT is not None
    return found | group_findings(good, median, curves, LIMIT, CONFIG)


def changed(entry: Series, values: Ints) -> Series:
    return Series(entry.series_id, entry.device_id, entry.quantity, entry.times_ms[: len(values)], values)


def test_no_honest_day_of_the_room_is_rejected() -> None:
    columns, days = room(), days_of(room())
    names = tuple(columns)
    rejected = []
    for place, day in enumerate(days):
        memory = memory_of(columns, names, days[:place], TEMPERATURES)
        found = judged([series(columns, name, day) for name in TEMPERATURES], memory)
        rejected += [(day, sid, reason) for sid, reason in found.items() if reason]
        known = memory.by_series()
        for name in names:
            entry = series(columns, name, day)
            old = known.get((name.encode(), entry.quantity.name))
            past = old.values if old else np.empty(0, dtype=np.int64)
            reason = check_alone(entry, (0, 0), None, CONFIG) or check_copied(entry.values, past, CONFIG)
            rejected += [(day, name, reason)] if reason else []
    assert rejected == []


@pytest.mark.parametrize("number", range(1, 11))
def test_no_honest_day_of_a_real_home_is_rejected(number: int) -> None:
    columns, days = home(number), days_of(home(number))[:60]
    past: dict[str, Ints] = {name: np.empty(0, dtype=np.int64) for name in columns}
    for day in days:
        for name in columns:
            entry = series(columns, name, day)
            assert check_alone(entry, (0, 0), None, CONFIG) is None, (day, name)
            assert check_copied(entry.values, past[name], CONFIG) is None, (day, name)
            past[name] = np.concatenate((past[name], entry.values))


@pytest.mark.parametrize("name", TEMPERATURES)
def test_yesterdays_curve_played_back_as_todays_is_caught_every_day_and_nobody_else_is(name: str) -> None:
    columns, days = room(), days_of(room())
    for place in range(1, len(days)):
        memory = memory_of(columns, TEMPERATURES, days[:place], TEMPERATURES)
        today, yesterday = series(columns, name, days[place]), series(columns, name, days[place - 1])
        count = min(len(today.values), len(yesterday.values))
        group = [changed(today, yesterday.values[:count])]
        group += [series(columns, other, days[place]) for other in TEMPERATURES if other != name]
        found = judged(group, memory)
        assert found.pop(name.encode()) is not None
        assert set(found.values()) == {None}


def test_most_playbacks_are_caught_by_their_movement_alone_also_with_noise_over_them() -> None:
    columns, days, caught, total = room(), days_of(room()), 0, 0
    chance = np.random.default_rng(7)
    for place in range(1, len(days)):
        memory = memory_of(columns, TEMPERATURES, days[:place], TEMPERATURES)
        for name in TEMPERATURES:
            today = series(columns, name, days[place])
            for earlier in days[:place]:
                old = series(columns, name, earlier)
                at = np.clip(np.searchsorted(old.times_ms % DAY_MS, today.times_ms % DAY_MS), 0, len(old.values) - 1)
                near = np.abs(old.times_ms[at] % DAY_MS - today.times_ms % DAY_MS) < 120_000
                if np.count_nonzero(near) < 600:
                    continue
                noise = np.round(chance.normal(0, 5, np.count_nonzero(near))).astype(np.int64)
                fake = Series(
                    today.series_id, today.device_id, today.quantity, today.times_ms[near], old.values[at][near] + noise
                )
                others = [series(columns, other, days[place]) for other in TEMPERATURES if other != name]
                found = judged([fake, *others], memory)
                caught += found[name.encode()] is not None
                total += 1
    assert total >= 40
    assert caught >= total / 2


@pytest.mark.parametrize("degrees", [1.5, 2.0, 3.0, 5.0])
def test_a_slow_drift_is_caught_and_nobody_else_is(degrees: float) -> None:
    columns, days, missed, total = room(), days_of(room()), 0, 0
    for day in days:
        for name in TEMPERATURES:
            entry = series(columns, name, day)
            drift = np.round(np.linspace(0, 100 * degrees, len(entry.values))).astype(np.int64)
            group = [changed(entry, entry.values + drift)]
            group += [series(columns, other, day) for other in TEMPERATURES if other != name]
            found = judged(group, Memory())
            missed += found.pop(name.encode()) is None
            total += 1
            assert set(found.values()) == {None}, (day, name)
    assert total == 28
    assert missed <= (1 if degrees < 3 else 0)


@pytest.mark.parametrize("name", ["S1_Temp", "S3_Temp", "S2_Sound", "S5_CO2", "S1_Light"])
def test_four_hours_sent_again_with_new_times_are_caught_in_the_same_batch(name: str) -> None:
    columns = room()
    entry = series(columns, name, days_of(columns)[1])
    values = entry.values.copy()
    values[1800:2280] = values[1200:1680]
    assert check_copied(values, np.empty(0, dtype=np.int64), CONFIG) == "copied_readings"


def test_memory_survives_being_written_and_read() -> None:
    columns, days = room(), days_of(room())
    found = [series(columns, name, days[0]) for name in TEMPERATURES]
    named = [
        Series(entry.series_id, entry.device_id.ljust(20, b"-"), entry.quantity, entry.times_ms, entry.values)
        for entry in found
    ]
    memory = remember(Memory(), [(entry, 99) for entry in named], {("room", "temperature"): named}, CONFIG)
    assert decode(Memory, encode(memory)) == memory
    assert {entry.next_sequence for entry in memory.series} == {100}
