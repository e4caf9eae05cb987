"""Homes to learn from: the ten real ones or the real room in blocks of time (see SOURCES.md), or made-up ones."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from fedlearn.learners.table import HOUR_MS, Floats, RawSeries, Table
from fedlearn.learners.templates import template
from marketplace.common.errors import InputError
from marketplace.demo.real_data import HOMES_BEGIN_MS, HOMES_FILE, DataMissing

OCCUPANCY_FILE = "room_occupancy.csv"
LOAD, OCCUPANCY = "next_hour_load", "occupancy"
ROOM = {
    ("air", "co2"): "CO2",
    ("climate", "temperature"): "Temperature",
    ("climate", "humidity"): "Humidity",
    ("light", "illuminance"): "Light",
    ("motion", "motion"): "Occupancy",
}


class HomesTooFew(InputError):
    code = "simulate_homes_too_few"
    title = "A simulation needs at least five homes"


class TaskHasNoData(InputError):
    code = "simulate_task_has_no_data"
    title = "There is no real data for this task"
    hint = "Leave out --data to learn from made-up homes."


def homes_of(task: str, count: int, folder: Path | None, seed: int) -> list[Table]:
    """``count`` homes' tables for a task, from the real files in ``folder`` or made up from ``seed``.

    Where more homes are asked for than were recorded, a recorded home is cut into stretches of time that stand for
    homes of their own. Raises ``DataMissing``, ``HomesTooFew``, ``TaskHasNoData``, ``TemplateUnknown``.
    """
    if count < 5:
        raise HomesTooFew
    if folder is None:
        return [template(task).mock(np.random.default_rng([seed, index])) for index in range(count)]
    if task == LOAD:
        return _stretched(load_homes(folder), count)
    if task == OCCUPANCY:
        return _stretched([room(folder)], count)
    raise TaskHasNoData


def load_homes(folder: Path) -> list[Table]:
    """The ten recorded homes' tables for next-hour load."""
    rows: dict[int, list[dict[str, str]]] = defaultdict(list)
    for row in _read(folder / HOMES_FILE):
        rows[int(row["home"])].append(row)
    return [_load_table(found) for _, found in sorted(rows.items())]


def room(folder: Path) -> Table:
    """The recorded room's table for occupancy."""
    rows = sorted(_read(folder / OCCUPANCY_FILE), key=lambda row: row["date"])
    moments = [datetime.strptime(row["date"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for row in rows]
    times = np.array([int(moment.timestamp() * 1000) for moment in moments], dtype=np.int64)
    series = [RawSeries(*source, times, _column(rows, column)) for source, column in ROOM.items()]
    return _built(OCCUPANCY, series)


def _load_table(rows: list[dict[str, str]]) -> Table:
    times = np.array([HOMES_BEGIN_MS + int(row["t"]) * HOUR_MS for row in rows], dtype=np.int64)
    series = [
        RawSeries("mains", "energy", times, _column(rows, "non_shiftable_load")),
        RawSeries("weather", "outdoor_temperature", times, _column(rows, "temp_out")),
    ]
    return _built(LOAD, series)


def _built(task: str, series: list[RawSeries]) -> Table:
    table = template(task).build(series, 0)
    if not isinstance(table, Table):
        raise DataMissing("The file has too few rows.")
    return table


def _stretched(tables: list[Table], count: int) -> list[Table]:
    pieces = -(-count // len(tables))
    found = [table.rows(part) for table in tables for part in np.array_split(np.arange(len(table)), pieces)]
    return found[:count]


def _read(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        raise DataMissing(f"There is no {file.name} in {file.parent}.")
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


def _column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name]) for row in rows])
