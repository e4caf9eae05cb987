"""The houses of demo and story draw power by a published model: seeded, a day at a time, found again once made."""

from __future__ import annotations

import random
import statistics
from pathlib import Path

import pytest

from households.agent.sources import load_read
from households.agent.spec import SpecInvalid
from households.privacy.classes import POWER
from marketplace.demo import loads
from marketplace.demo.homes import HOMES, LOAD_DAYS, agent_of
from marketplace.demo.loads import MINUTES_A_DAY, household_load, load_file


@pytest.fixture(scope="module")
def week() -> list[list[float]]:
    return household_load(seed=7, people=3, days=7)


def test_a_week_is_seven_days_of_minutes_within_what_a_meter_believes(week: list[list[float]]) -> None:
    assert [len(day) for day in week] == [MINUTES_A_DAY] * 7
    assert all(0 < watts * 10**POWER.decimals <= POWER.high for day in week for watts in day)


def test_a_house_of_three_uses_what_such_houses_use_and_least_at_night(week: list[list[float]]) -> None:
    kwh = sum(sum(day) for day in week) / 60 / 1000
    assert 30 < kwh < 250
    night = statistics.fmean(watts for day in week for watts in day[120:300])
    evening = statistics.fmean(watts for day in week for watts in day[1020:1320])
    assert night < 0.6 * evening


def test_days_differ_and_the_same_seed_gives_the_same_days(week: list[list[float]]) -> None:
    assert len({tuple(day) for day in week}) == 7
    assert household_load(seed=7, people=3, days=7) == week
    assert household_load(seed=8, people=3, days=1)[0] != week[0]


def test_the_model_leaves_the_processs_own_chance_as_it_was() -> None:
    random.seed(5)
    expected = [random.random() for _ in range(3)]
    random.seed(5)
    household_load(seed=1, people=1, days=1)
    assert [random.random() for _ in range(3)] == expected


@pytest.mark.parametrize("people", [0, 6])
def test_houses_that_the_model_does_not_know_are_refused(people: int) -> None:
    with pytest.raises(ValueError, match="1 to 5"):
        household_load(seed=1, people=people, days=1)


def test_a_load_is_made_once_and_read_by_the_meters_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = load_file(tmp_path / "loads", seed=3, people=2, days=LOAD_DAYS)
    monkeypatch.setattr(loads, "household_load", None)
    assert load_file(tmp_path / "loads", seed=3, people=2, days=LOAD_DAYS) == path
    read = load_read(str(path))
    assert len(read) == LOAD_DAYS * MINUTES_A_DAY and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("text", ["", "1.0\n2.0\n", "1.0\n" * 1439 + "x\n", "1.0\n" * 1439 + "nan\n"])
def test_an_agent_refuses_what_is_no_load(tmp_path: Path, text: str) -> None:
    path = tmp_path / "load.txt"
    path.write_text(text)
    with pytest.raises(SpecInvalid):
        load_read(str(path))
    with pytest.raises(SpecInvalid, match="can't be read"):
        load_read(str(tmp_path / "none.txt"))


def test_only_the_mains_meters_of_the_demo_follow_the_house() -> None:
    for home in HOMES:
        told = {d.key: agent_of(home, d, url="ws://x", folder="/f", code="", load="/load") for d in home.devices}
        assert {key for key, spec in told.items() if spec["source"]["load"]} == {"mains"}
