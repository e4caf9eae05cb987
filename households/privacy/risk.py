"""How easily could a buyer tell whose rows these are? An estimate for the owner, in words, before anything leaves.

It adds points for four things that help to single a home out: few homes in the cell, short time steps, values that
show habits, a long period. It is a guide for choosing a level, no proof: rows that a buyer can compare with something
that he knows of a home already can always be recognised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chain.exchange.rows import Column, Row, rows_text
from households.privacy.levels import Rule, columns_of

Band = Literal["low", "medium", "high"]
DAY_MS = 86_400_000
LOW_BELOW = 35
HIGH_FROM = 60
HABIT_POINTS = {
    "motion": 25, "power": 20, "energy": 15, "energy_total": 15, "co2": 15, "sound": 15, "illuminance": 10,
    "battery_charge": 10, "solar_power": 8, "temperature": 5, "humidity": 5, "solar_yield": 4,
    "outdoor_temperature": 1, "outdoor_humidity": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Risk:
    """Points of 100, the band they fall in, and one sentence for each thing that counts."""

    points: int
    band: Band
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What exactly would leave: column names with units, rows as text (the first of ``row_count``), and the risk."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    row_count: int
    risk: Risk


def risk_of(rule: Rule, *, homes_in_cell: int, period_ms: int, linked: bool = False) -> Risk:
    """The estimate for a series under a rule.

    ``homes_in_cell`` counts the homes that share in the same cell, ``period_ms`` is the time that the rows cover in
    this and earlier lots of the series, ``linked`` says that the owner lets buyers see that lots belong together.
    """
    parts = [_place(homes_in_cell), _time(rule), _habits(rule), _period(period_ms)]
    if linked:
        parts.append((15, "You let buyers see that your lots belong together."))
    if rule.noise_steps:
        parts.append((-10, "Random noise is added to every value."))
    points = min(100, max(0, sum(part[0] for part in parts)))
    band: Band = "low" if points < LOW_BELOW else "medium" if points < HIGH_FROM else "high"
    return Risk(points, band, tuple(reason for _, reason in parts))


def preview_of(rule: Rule, rows: Sequence[Row], *, homes_in_cell: int, limit: int = 20) -> Preview:
    """The first ``limit`` rows as a buyer would read them, and the risk of all of them."""
    period_ms = rows[-1][0] - rows[0][0] + rule.bucket_s * 1000 if rows else 0
    columns = columns_of(rule)
    return Preview(
        columns=tuple(_heading(column) for column in columns),
        rows=tuple(rows_text(columns, rows[:limit])),
        row_count=len(rows),
        risk=risk_of(rule, homes_in_cell=homes_in_cell, period_ms=period_ms),
    )


def _heading(column: Column) -> str:
    return column.name if column.unit == "1" else f"{column.name} ({column.unit})"


def _place(homes: int) -> tuple[int, str]:
    if homes <= 1:
        return 40, "Yours is the only home that shares in this cell."
    points = 30 if homes < 5 else 20 if homes < 20 else 10 if homes < 100 else 5
    return points, f"{homes} homes share in this cell; by place alone, a guess is right one time in {homes}."


def _time(rule: Rule) -> tuple[int, str]:
    if rule.bucket_s < 300:
        return 25, "Time steps under five minutes can show when single appliances or people are active."
    if rule.bucket_s < 3600:
        return 18, "Time steps of some minutes can show the rhythm of a day in detail."
    if rule.bucket_s < 86_400:
        return 8, "Hourly steps show the rhythm of a day."
    return 2, "Daily steps hide the rhythm of a day."


def _habits(rule: Rule) -> tuple[int, str]:
    points = HABIT_POINTS[rule.quantity]
    if rule.bucket_s >= 86_400:
        return points // 3, "Summed up over days, these values say little about habits."
    if points >= 15:
        return points, "These values can show when somebody is at home."
    if points >= 5:
        return points, "These values say a little about habits."
    return points, "These values say almost nothing about people."


def _period(period_ms: int) -> tuple[int, str]:
    days = -(-period_ms // DAY_MS)
    points = 15 if days > 30 else 8 if days > 7 else 3
    return points, f"The rows cover {days} day{'' if days == 1 else 's'}; the longer, the easier to recognise."
