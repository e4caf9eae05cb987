"""Sentinel values planted in a home are searched for after a story: no other role, store, log or message has them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.progress import Progress

from marketplace.demo.cast import DevicePlan, HomePlan
from marketplace.demo.owner import Owner
from marketplace.demo.simulated import BEGIN_MS, simulated_cast
from marketplace.demo.stage import Stage
from marketplace.demo.story import Story
from tests.flows.conftest import PATIENT
from tests.flows.recorder import Recorder
from tests.flows.sentinels import Sentinel, files_under, found_in, of_reading, of_secret, of_text

HOME_NAME = "Sentinel Villa Quixote"
DEVICE_NAME = "Zanzibar cellar counter"
ROOM = "zephyr-vault"
# A counter's absolute value would name the meter; it is measured, voted on and sold, and still never leaves.
COUNTER_WH = [8_234_567_891 + 1_000 * step for step in range(24)]
HOUR_MS = 3_600_000
LOTS = 6


class NamingStory(Story):
    """Owners also give their devices the names of the plan."""

    def enrol(self) -> None:
        super().enrol()
        self.each("names", self.owners, Owner.name_devices)


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "messages.bin")
    yield made
    made.close()


@pytest.mark.stack
def test_what_was_planted_in_a_home_is_found_nowhere_outside_it(
    tmp_path: Path, recorder: Recorder, progress: Progress, unblocked: None
):
    """Nodes reach the market through the recorder, so every message between roles is among what is searched."""
    with Stage({**PATIENT, "HEARTH_MARKET_URL": recorder.url}, folder=tmp_path) as stage:
        stage.keep = True
        recorder.target = stage.url
        story = NamingStory(
            stage, [planted(simulated_cast(homes=1, days=1)[0]), *simulated_cast(homes=2)[1:]], progress, LOTS
        )
        story.play()
        places = outside(stage, tmp_path / "messages.bin")
        home = [stage.var / "home.sqlite3", *stage.var.glob("home.sqlite3-wal")]
        sentinels = planted_values(stage, story)

        assert found_in(home, sentinels[:4]), "the home itself must know what was planted, or the search sees nothing"
        assert found_in(files_under(*places), sentinels) == []
        assert_search_can_fail(tmp_path, places, sentinels)


def planted(home: HomePlan) -> HomePlan:
    """The home with telling names and a counter whose values are known."""
    rows = [(BEGIN_MS + hour * HOUR_MS, f"{wh / 1000:.3f}") for hour, wh in enumerate(COUNTER_WH)]
    counter = DevicePlan("counter", DEVICE_NAME, "plug", ROOM, "plug-1", ("energy_total",), ({"energy_total": rows},))
    shared = {**home.shared, "plug": ("exact", 4)}
    return replace(home, name=HOME_NAME, devices=(*home.devices, counter), shared=shared)


def planted_values(stage: Stage, story: Story) -> list[Sentinel]:
    """Names, readings, and every secret that the home and its devices keep in files or showed to their owner."""
    found = [of_text("the home's name", HOME_NAME), of_text("a device's name", DEVICE_NAME), of_text("a room", ROOM)]
    found += [of_reading(f"reading {wh}", f"{wh / 1000:.3f}", wh) for wh in COUNTER_WH]
    keys = sorted(stage.folder.glob("home*/*/*.key")) + sorted((stage.var / "secrets").glob("hub*"))
    assert len(keys) > len(COUNTER_WH) // 2, "the devices' keys were not found, so nothing would be searched for"
    found += [of_secret(f"key {file.parent.name}/{file.name}", raw) for file in keys for raw in secrets_in(file)]
    found += [of_text("the master wallet's words", owner.words) for owner in story.owners]
    return found


def secrets_in(file: Path) -> list[bytes]:
    """A key file's bytes as they are, and what its hexadecimal digits mean."""
    raw = file.read_bytes().strip()
    try:
        return [raw, bytes.fromhex(raw.decode())]
    except ValueError:
        return [raw]


def outside(stage: Stage, messages: Path) -> list[Path]:
    """Everything that is not the home's: three databases with their logs, the cloud store, logs, Valkey, messages."""
    databases = [file for alias in ("default", "market", "ledger") for file in stage.var.glob(f"{alias}.sqlite3*")]
    assert len(databases) >= 3
    return [*databases, stage.var / "store", stage.var / "log", stage.var / "appendonlydir", messages]


def assert_search_can_fail(tmp_path: Path, places: list[Path], sentinels: list[Sentinel]) -> None:
    """Plant one sentinel after another in a copy of each place, in the last of its forms: each must be found."""
    for number, place in enumerate(places):
        sentinel = sentinels[number * len(sentinels) // len(places)]
        copy = tmp_path / "control" / str(number)
        copy.mkdir(parents=True)
        file = files_under(place)[-1]
        planted_file = copy / file.name
        shutil.copyfile(file, planted_file)
        with planted_file.open("ab") as out:
            out.write(b"..." + sentinel.forms[-1] + b"...")
        assert found_in([planted_file], sentinels), f"a planted value was not found in {file.name}"
