"""Where an agent's values come from: curves in real time, or the rows of a file. Values leave here in fixed point."""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from households.agent.curves import MINUTES_A_DAY, SIMULATED, measure, metered
from households.agent.spec import AgentSpec, Replay, Simulated, SpecInvalid
from households.privacy.classes import Quantity, device_class, quantity_of, to_fixed


@dataclass(frozen=True, slots=True)
class Reading:
    """One measured value in fixed point."""

    quantity: str
    t_ms: int
    value: int


def quantities_of(spec: AgentSpec) -> tuple[Quantity, ...]:
    """What the device measures. Raises ``UnknownClass``, ``UnknownQuantity``, or ``SpecInvalid`` for a replay without
    just these columns or a simulation without a curve."""
    if spec.quantities:
        chosen = tuple(quantity_of(spec.device_class, name) for name in spec.quantities)
    elif isinstance(spec.source, Replay):
        chosen = tuple(quantity_of(spec.device_class, name) for name in sorted(spec.source.columns))
    else:
        chosen = tuple(entry for entry in device_class(spec.device_class).quantities if entry.name in SIMULATED)
    names = {entry.name for entry in chosen}
    if isinstance(spec.source, Replay) and names != set(spec.source.columns):
        raise SpecInvalid(f"{spec.name}: the replayed columns are not the device's quantities")
    if isinstance(spec.source, Simulated) and not names <= SIMULATED:
        raise SpecInvalid(f"{spec.name}: no curve for {', '.join(sorted(names - SIMULATED))}")
    return chosen


def simulated_now(spec: AgentSpec, source: Simulated, quantities: tuple[Quantity, ...], now_ms: int) -> list[Reading]:
    """One reading of each quantity at this moment. Raises ``SpecInvalid`` if the house's load can't be read."""
    room, device = f"{source.shared_seed}:{spec.area}", f"{source.seed}"
    found = []
    for quantity in quantities:
        of_the_house = (spec.device_class, quantity.name) == ("mains", "power")
        if of_the_house and source.load:
            value = metered(load_read(source.load), device, now_ms, source.day_ms)
        else:
            value = measure("mains_power" if of_the_house else quantity.name, room, device, now_ms, source.day_ms)
        found.append(Reading(quantity.name, now_ms, to_fixed(quantity, round(value, quantity.decimals))))
    return found


@lru_cache(maxsize=4)
def load_read(path: str) -> tuple[float, ...]:
    """The power of a house in W, minute by minute. Raises ``SpecInvalid`` for what is no such file."""
    try:
        load = tuple(float(line) for line in Path(path).read_text(encoding="ascii").split())
    except OSError as error:
        raise SpecInvalid(f"The load can't be read: {error.strerror}") from error
    except ValueError as error:
        raise SpecInvalid("The load's file holds a number a line") from error
    if not load or len(load) % MINUTES_A_DAY or not all(math.isfinite(watts) for watts in load):
        raise SpecInvalid("The load has a number for each minute of whole days")
    return load


def replayed(source: Replay, quantities: tuple[Quantity, ...]) -> Iterator[Reading]:
    """All readings of the file in its order. Raises ``SpecInvalid`` if it can't be read or lacks a column."""
    try:
        with Path(source.path).open(newline="", encoding="utf-8") as file:
            rows = csv.DictReader(file)
            wanted = {source.time_column, *source.columns.values(), *source.where}
            missing = wanted - set(rows.fieldnames or ())
            if missing:
                raise SpecInvalid(f"The file lacks the columns {', '.join(sorted(missing))}")
            for row in rows:
                yield from _row(source, quantities, row)
    except OSError as error:
        raise SpecInvalid(f"The file can't be read: {error.strerror}") from error


def _row(source: Replay, quantities: tuple[Quantity, ...], row: dict[str, str]) -> Iterator[Reading]:
    if any(row[column] != text for column, text in source.where.items()):
        return
    t_ms = _time_ms(source, row)
    if t_ms < source.from_ms or (source.until_ms and t_ms >= source.until_ms):
        return
    for quantity in quantities:
        text = row[source.columns[quantity.name]]
        if text == "":
            continue
        scale = source.scale.get(quantity.name)
        yield Reading(quantity.name, t_ms, to_fixed(quantity, float(text) * scale if scale else text))


def _time_ms(source: Replay, row: dict[str, str]) -> int:
    text = row[source.time_column]
    if not source.time_format:
        return source.start_ms + int(float(text) * source.time_unit_ms)
    if source.clock_column:
        text = f"{text} {row[source.clock_column]}"
    moment = dt.datetime.strptime(text, source.time_format).replace(tzinfo=dt.UTC)
    return source.start_ms + int(moment.timestamp()) * 1000
