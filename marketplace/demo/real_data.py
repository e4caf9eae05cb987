"""The cast from real data: ten homes of CityLearn 2022 and the room of UCI 864 (see SOURCES.md beside the files).

The files are read from a folder that is no part of Hearth. What is added to them is said in ``HomePlan.source``.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from marketplace.common.errors import NotFound
from marketplace.demo.cast import DevicePlan, HomePlan, Rows
from marketplace.demo.faults import ROOM_FAULTS, WEATHER_LIE, mute_device, with_faults

HOMES_FILE, ROOM_FILE = "homes_energy.csv", "room_seven_sensors.csv"
HOUR_MS = 3_600_000
WEEK_HOURS, FULL_BATCH_HOURS = 7 * 24, 26 * 24
# Row 0 is "hour 24" of the last day of July.
HOMES_BEGIN_MS = int(datetime(2022, 8, 1, tzinfo=UTC).timestamp() * 1000)
# Two homes at least share a cell; the room stands in one with the first homes.
CELLS = ("g50:68:-235", "g50:68:-234", "g50:67:-235")
SEED = 864
LYING_HOME, SILENT_HOME = 4, 7
SHARE_WEATHER = (1, LYING_HOME)


class DataMissing(NotFound):
    code = "data_missing"
    title = "The folder of real data lacks a file"
    hint = "Give the folder with --data, or leave it out to play with simulated homes."


def real_cast(folder: Path, *, full: bool = False) -> list[HomePlan]:
    """Ten homes and the room. Seven days of each, or all that the files hold.

    Raises:
        DataMissing
    """
    for name in (HOMES_FILE, ROOM_FILE):
        if not (folder / name).is_file():
            raise DataMissing(f"There is no {name} in {folder}.")
    return [*_homes(folder / HOMES_FILE, full), _room(folder / ROOM_FILE)]


def learning_cast(folder: Path, days: int) -> list[HomePlan]:
    """The ten homes with their mains meters and two outdoor sensors each, for learning where the data is.

    Raises ``DataMissing``.
    """
    file = folder / HOMES_FILE
    if not file.is_file():
        raise DataMissing(f"There is no {HOMES_FILE} in {folder}.")
    homes = []
    for number, rows in _rows_of_homes(file, days * 24):
        home = _home(number, [rows])
        devices = tuple(_honest(device) for device in home.devices if device.device_class in ("mains", "weather"))
        homes.append(replace(home, devices=devices[:3], shared={"mains": ("exact", 60)}, trains=("mains",)))
    return homes


def _honest(device: DevicePlan) -> DevicePlan:
    return replace(device, faults=())


# --- Ten homes, hourly -----------------------------------------------------------------------------------------------


def _homes(file: Path, full: bool) -> Iterator[HomePlan]:
    step = FULL_BATCH_HOURS if full else WEEK_HOURS
    for number, rows in _rows_of_homes(file, None if full else WEEK_HOURS):
        batches = [rows[start : start + step] for start in range(0, len(rows), step)]
        yield _home(number, [batch for batch in batches if len(batch) > 1])


def _rows_of_homes(file: Path, hours: int | None) -> list[tuple[int, list[dict[str, str]]]]:
    """Each home's number and its rows of the first so many hours, or all."""
    per_home: dict[int, list[dict[str, str]]] = defaultdict(list)
    with file.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if hours is None or int(row["t"]) < hours:
                per_home[int(row["home"])].append(row)
    return sorted(per_home.items())


def _home(number: int, batches: list[list[dict[str, str]]]) -> HomePlan:
    dice = random.Random(SEED * 1000 + number)
    outdoors = [
        _outdoor(f"out{place}", name, batches, 0.0 if place == 1 else dice.uniform(-0.5, 0.5), dice)
        for place, name in enumerate(_outdoor_names(number), start=1)
    ]
    if number == LYING_HOME:
        outdoors[1] = with_faults(outdoors[1], (WEATHER_LIE,))
    mains = _single("mains", "Mains meter", "mains", "energy", "non_shiftable_load", batches, decimals=3)
    solar = _single("solar", "Solar inverter", "solar", "solar_yield", "solar_generation", batches, decimals=1)
    others = [mute_device(len(batches))] if number == SILENT_HOME else []
    shared = {"mains": ("exact", 20 + number), "solar": ("exact", 10)}
    if number in SHARE_WEATHER:
        shared["weather"] = ("coarse", 5)
    return HomePlan(
        key=f"home{number:02}",
        name=f"House {number}",
        cell=CELLS[(number - 1) % len(CELLS)],
        devices=(mains, solar, *outdoors, *others),
        shared=shared,
        source="recorded; the second and third outdoor sensor have the recorded weather with an offset and noise",
    )


def _outdoor_names(number: int) -> tuple[str, ...]:
    """Two outdoor sensors can only contradict each other; of three, two can outvote the third."""
    return ("Roof station", "Garden sensor", "Balcony sensor")[: 3 if number in SHARE_WEATHER else 2]


def _single(
    key: str,
    name: str,
    device_class: str,
    quantity: str,
    column: str,
    batches: list[list[dict[str, str]]],
    *,
    decimals: int,
) -> DevicePlan:
    rows = tuple(
        {quantity: [(_hour_ms(row), f"{float(row[column]):.{decimals}f}") for row in batch]} for batch in batches
    )
    return DevicePlan(key, name, device_class, device_class, f"{device_class}-1", (quantity,), rows)


def _outdoor(
    key: str, name: str, batches: list[list[dict[str, str]]], offset: float, dice: random.Random
) -> DevicePlan:
    """An outdoor sensor: the recorded weather, for all but the first with an offset (C) and noise."""
    noise = 0.0 if key == "out1" else 0.08
    rows = tuple(
        {
            "outdoor_temperature": [
                (_hour_ms(row), f"{float(row['temp_out']) + offset + dice.gauss(0, noise):.2f}") for row in batch
            ],
            "outdoor_humidity": [
                (_hour_ms(row), f"{min(100.0, max(0.0, float(row['rh_out']) - 3 * offset + dice.gauss(0, noise))):.2f}")
                for row in batch
            ],
        }
        for batch in batches
    )
    return DevicePlan(key, name, "weather", "outdoors", "weather-2", ("outdoor_temperature", "outdoor_humidity"), rows)


def _hour_ms(row: dict[str, str]) -> int:
    return HOMES_BEGIN_MS + int(row["t"]) * HOUR_MS


# --- The room, every 30 s --------------------------------------------------------------------------------------------

_MULTI = {"temperature": "Temp", "illuminance": "Light", "sound": "Sound"}


def _room(file: Path) -> HomePlan:
    """The room as a home of seven devices; each of the seven dates of the file is a batch."""
    with file.open(newline="") as lines:
        days = _by_date(list(csv.DictReader(lines)))
    devices = [
        _sensor(f"s{n}", f"Desk sensor {n}", "multi", {q: f"S{n}_{column}" for q, column in _MULTI.items()}, days)
        for n in range(1, 5)
    ]
    devices.append(_sensor("s5", "Air sensor", "air", {"co2": "S5_CO2"}, days))
    devices += [_sensor(f"s{n}", f"Motion sensor {n}", "motion", {"motion": f"S{n}_PIR"}, days) for n in (6, 7)]
    return HomePlan(
        key="room",
        name="The room with seven sensors",
        cell=CELLS[0],
        devices=tuple(with_faults(device, ROOM_FAULTS.get(device.key, ())) for device in devices),
        shared={"multi": ("fine", 8), "air": ("fine", 12), "motion": ("coarse", 3)},
        source="recorded; faults are put into three temperature series as the table says",
    )


def _by_date(rows: list[dict[str, str]]) -> list[list[tuple[int, dict[str, str]]]]:
    days: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
    for row in rows:
        moment = datetime.strptime(f"{row['Date']} {row['Time']}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        days[row["Date"]].append((int(moment.timestamp() * 1000), row))
    found = [days[date] for date in sorted(days)]
    assert all(a[0] < b[0] for day in found for a, b in pairwise(day)), "the file is in order of time"
    return found


def _sensor(
    key: str, name: str, device_class: str, columns: dict[str, str], days: list[list[tuple[int, dict[str, str]]]]
) -> DevicePlan:
    batches = tuple({quantity: _filled(day, column) for quantity, column in columns.items()} for day in days)
    return DevicePlan(key, name, device_class, "room", f"{device_class}-1", tuple(columns), batches)


def _filled(day: list[tuple[int, dict[str, str]]], column: str) -> Rows:
    """The readings of a column; the file has a few empty cells, which were not measured."""
    return [(t_ms, row[column]) for t_ms, row in day if row[column]]
