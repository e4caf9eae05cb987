"""The real homes and the room as tables of the templates."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fedlearn.learners.plan import Hyper, TrainingPlan
from fedlearn.learners.table import HOUR_MS, RawSeries, Table
from fedlearn.learners.templates import template
from fedlearn.protocol.strategy import FEDAVG, Strategy

HOMES_FILE, ROOM_FILE = "homes_energy.csv", "room_occupancy.csv"
HOMES_BEGIN_MS = int(datetime(2022, 8, 1, tzinfo=UTC).timestamp() * 1000)
TRAINING_HOMES, UNSEEN_HOMES = range(1, 9), (9, 10)
BLOCKS = 20


def data_folder() -> Path:
    """Where the real data lies, if it does."""
    project = Path(__file__).resolve().parents[4]
    return Path(os.environ.get("HEARTH_DATA", project.parent / "shared" / "data")).resolve()


def load_homes() -> dict[int, Table]:
    """The ten homes' tables for next-hour load."""
    rows: dict[int, list[dict[str, str]]] = defaultdict(list)
    with (data_folder() / HOMES_FILE).open(newline="") as lines:
        for row in csv.DictReader(lines):
            rows[int(row["home"])].append(row)
    return {home: _home(found) for home, found in sorted(rows.items())}


def _home(rows: list[dict[str, str]]) -> Table:
    times = np.array([HOMES_BEGIN_MS + int(row["t"]) * HOUR_MS for row in rows], dtype=np.int64)
    series = [
        RawSeries("mains", "energy", times, _column(rows, "non_shiftable_load")),
        RawSeries("weather", "outdoor_temperature", times, _column(rows, "temp_out")),
    ]
    table = template("next_hour_load").build(series, 0)
    assert isinstance(table, Table)
    return table


def room_blocks() -> list[Table]:
    """The room's recorded times in 20 blocks of equal length, each like a home of its own."""
    with (data_folder() / ROOM_FILE).open(newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: row["date"])
    moments = [datetime.strptime(row["date"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for row in rows]
    times = np.array([int(moment.timestamp() * 1000) for moment in moments], dtype=np.int64)
    series = [
        RawSeries("motion", "motion", times, _column(rows, "Occupancy")),
        RawSeries("air", "co2", times, _column(rows, "CO2")),
        RawSeries("climate", "temperature", times, _column(rows, "Temperature")),
        RawSeries("climate", "humidity", times, _column(rows, "Humidity")),
        RawSeries("light", "illuminance", times, _column(rows, "Light")),
    ]
    table = template("occupancy").build(series, 0)
    assert isinstance(table, Table)
    return [table.rows(index) for index in np.array_split(np.arange(len(table)), BLOCKS)]


def slices(homes: list[Table], parts: int) -> list[Table]:
    """Each home cut into so many stretches of time, to have more homes than were recorded."""
    return [home.rows(rows) for home in homes for rows in np.array_split(np.arange(len(home)), parts)]


def _column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def plan_of(task: str, family: str, **changes: object) -> TrainingPlan:
    """A plan that works, with changes."""
    values: dict[str, object] = {
        "task": task,
        "family": family,
        "hyper": Hyper(learning_rate_micro=2_000),
        "strategy": Strategy(FEDAVG),
        "rounds": 15,
        "epochs": 1,
        "batch_size": 32,
        "cohort": 8,
        "minimum": 4,
        "deadline_s": 60,
        "clip_micro": 1_000_000,
        "seed": 1,
    }
    return TrainingPlan(**(values | changes))
