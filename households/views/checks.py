"""The limits of the checks: what each means, how far it may be moved, and back to the defaults."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from households.consensus.limits import HOME
from households.forms import AskedLimit, LimitsForm
from households.models import Household
from households.selectors.checks import LimitRow, limit_fixed, limit_rows
from households.services.checks import limits_reset, limits_set
from households.views import words
from households.views.access import do, owner_page, refusal_text, show
from marketplace.common.errors import HearthError

_MINUTE_MS = 60_000
# What a limit is, and what moving it does.
TITLES = {
    "clock_tolerance_ms": (
        "A device's clock may be off by",
        "Readings dated further away are refused, unless the device marks them as sent late.",
    ),
    "outlier_share": (
        "Moments that may differ",
        "A sensor in a sunbeam is off for a while and still honest: so much of a batch may be off.",
    ),
    "energy_share": (
        "Energy and power may differ by",
        "What a meter counted is held against the power that the same device measured.",
    ),
    "plugs_share": ("Plugs may exceed the mains by", "All plugs together can't use more than the house draws."),
    "level": ("Distance from the others", "Sensors of one room that differ by more are outvoted."),
    "drift": ("Drift within a batch", "A sensor that wanders away from the others by more is outvoted."),
    "low": ("Lowest value", "Anything lower is taken for a fault."),
    "high": ("Highest value", "Anything higher is taken for a fault."),
    "rate_per_min": ("Fastest change in a minute", "The real thing does not jump faster than this."),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One limit on the page."""

    field: BoundField
    title: str
    text: str
    unit: str
    default: str
    bounds: str
    tuned: bool
    looser: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Limits about one thing."""

    title: str
    icon: str
    text: str
    lines: tuple[Line, ...]
    here: bool

    @property
    def tuned(self) -> int:
        return sum(line.tuned for line in self.lines)


@require_http_methods(["GET", "POST"])
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """All limits in one form; those about devices of the home come first."""
    rows = limit_rows(home)
    form = LimitsForm([_asked(row) for row in rows], request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                values = {row.name: _fixed(row, form.cleaned_data[row.name]) for row in rows}
                limits_set(household=home, values=values)
            except HearthError as error:
                form.add_error(_field_of(error, rows), refusal_text(error))
            else:
                messages.success(request, "Saved. The devices judge by these limits from the next batch on.")
                return redirect("households:checks")
    groups = _groups(rows, form)
    context: dict[str, Any] = {
        "home": home,
        "form": form,
        "here": [group for group in groups if group.here],
        "others": [group for group in groups if not group.here],
        "others_wrong": any(line.field.errors for group in groups if not group.here for line in group.lines),
        "tuned": sum(row.tuned for row in rows),
        "looser": sum(row.looser for row in rows),
    }
    return show(request, "households/checks.html", context, status=status)


@require_POST
@owner_page
def reset(request: HttpRequest, home: Household) -> HttpResponse:
    """All limits back to their defaults."""
    do(request, lambda: limits_reset(household=home), "All limits are back at their defaults.")
    return redirect("households:checks")


def _groups(rows: Iterable[LimitRow], form: LimitsForm) -> list[Group]:
    found = []
    for (here, key), members in groupby(sorted(rows, key=lambda row: not row.here), key=_section):
        lines = tuple(_line(row, form[row.name]) for row in members)
        found.append(Group(*_heading(key), lines, here))
    return found


def _section(row: LimitRow) -> tuple[bool, str]:
    """Limits of one class stand together, and so do those of comparing; those of devices in the home come first."""
    first, _, quantity = row.scope.partition(".")
    return row.here, first if quantity or first == HOME else "compare"


def _heading(key: str) -> tuple[str, str, str]:
    if key == HOME:
        return "The whole home", "home", "Clocks, meters, and how strict the devices are all in all."
    if key == "compare":
        return "Devices in one room", "checks", "Sensors that measure the same thing in the same room are compared."
    return words.class_title(key), words.class_icon(key), "What a single device of this kind may say."


def _line(row: LimitRow, field: BoundField) -> Line:
    title, text = TITLES[row.what]
    quantity = row.scope.rpartition(".")[2]
    if row.scope != HOME:
        title = f"{words.quantity_title(quantity)}: {title[0].lower()}{title[1:]}"
    bounds = f"{_to_page(row, row.lowest):f} to {_shown(row, row.highest)}"
    return Line(field, title, text, _unit(row), _shown(row, row.default), bounds, row.tuned, row.looser)


def _asked(row: LimitRow) -> AskedLimit:
    """The field of a limit, in what the page shows."""
    value, lowest, highest = (_to_page(row, number) for number in (row.value, row.lowest, row.highest))
    return AskedLimit(row.name, value, lowest, highest, *TITLES[row.what])


def _fixed(row: LimitRow, value: Decimal) -> int:
    return limit_fixed(row.entry, value * _MINUTE_MS if row.unit == "ms" else value)


def _to_page(row: LimitRow, value: Decimal) -> Decimal:
    """Without zeros at the end; clocks are shown in minutes."""
    number = value / _MINUTE_MS if row.unit == "ms" else value
    return number.quantize(Decimal(1)) if number == int(number) else number.normalize()


def _unit(row: LimitRow) -> str:
    return "min" if row.unit == "ms" else words.unit_text(row.unit)


def _shown(row: LimitRow, value: Decimal) -> str:
    return words.value_text(f"{_to_page(row, value):f}", _unit(row))


def _field_of(error: HearthError, rows: Iterable[LimitRow]) -> str | None:
    name = getattr(error, "name", None)
    return name if any(row.name == name for row in rows) else None
