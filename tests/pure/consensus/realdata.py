"""The real room and the real homes as series, for tests that need them."""

from __future__ import annotations

import csv
import datetime as dt
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from households.consensus.series import Ints, Series
from households.privacy.classes import (
    CO2,
    ENERGY,
    ILLUMINANCE,
    MOTION,
    OUTDOOR_HUMIDITY,
    OUTDOOR_TEMPERATURE,
    SOLAR_YIELD,
    SOUND,
    TEMPERATURE,
    Quantity,
    to_fixed,
)

DATA = Path(os.environ.get("HEARTH_DATA", "../shared/data"))
ROOM, HOMES = DATA / "room_seven_sensors.csv", DATA / "homes_energy.csv"
requires_real_data = pytest.mark.skipif(
    not (ROOM.exists() and HOMES.exists()), reason=f"the real data sets are not in {DATA} (HEARTH_DATA)"
)
DAY_MS = 86_400_000
HOMES_START_MS = 1_500_000_000_000 // DAY_MS * DAY_MS
_ROOM_KINDS = {"Temp": TEMPERATURE, "Light": ILLUMINANCE, "Sound": SOUND, "CO2": CO2, "PIR": MOTION}
_HOME_KINDS = {
    "non_shiftable_load": ENERGY,
    "solar_generation": SOLAR_YIELD,
    "temp_out": OUTDOOR_TEMPERATURE,
    "rh_out": OUTDOOR_HUMIDITY,
}

Columns = dict[str, tuple[Ints, Ints, Quantity]]


@cache
def room() -> Columns:
    """The room's columns as (times in ms, values in fixed point, quantity), empty cells left out."""
    with ROOM.open(newline="") as file:
        rows = list(csv.DictReader(file))
    times = [
        dt.datetime.strptime(f"{row['Date']} {row['Time']}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=dt.UTC) for row in rows
    ]
    stamps = [int(moment.timestamp()) * 1000 for moment in times]
    kinds = {name: _ROOM_KINDS[name.split("_")[1]] for name in rows[0] if name.split("_")[-1] in _ROOM_KINDS}
    return {name: _column(stamps, [row[name] for row in rows], kind) for name, kind in kinds.items()}


@cache
def home(number: int) -> Columns:
    """One home's columns, hourly."""
    with HOMES.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["home"] == str(number)]
    stamps = [HOMES_START_MS + int(row["t"]) * 3_600_000 for row in rows]
    return {name: _column(stamps, [row[name] for row in rows], kind) for name, kind in _HOME_KINDS.items()}


def days_of(columns: Columns) -> list[int]:
    """The numbers of the days with readings."""
    return sorted({int(day) for times, _, _ in columns.values() for day in np.unique(times // DAY_MS)})


def series(columns: Columns, name: str, day: int) -> Series:
    """One column's readings of one day."""
    times, values, quantity = columns[name]
    inside = times // DAY_MS == day
    return Series(name.encode(), name.encode(), quantity, times[inside], values[inside])


def _column(stamps: list[int], texts: list[str], kind: Quantity) -> tuple[Ints, Ints, Quantity]:
    known = [(stamp, to_fixed(kind, text)) for stamp, text in zip(stamps, texts, strict=True) if text != ""]
    return np.array([stamp for stamp, _ in known]), np.array([value for _, value in known]), kind
