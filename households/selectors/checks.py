"""The limits of a home's checks as they stand, for the page and the API."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from households.consensus.errors import LimitOutOfBounds
from households.consensus.limits import HOME as OF_THE_HOME
from households.consensus.limits import TUNABLES, Tunable
from households.models import HOME, Device, Household
from households.services.checks import limits_of


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit with its value, as decimals of its unit. ``here`` says that the home has a device that it is about."""

    entry: Tunable
    fixed: int
    here: bool

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def what(self) -> str:
        return self.entry.what

    @property
    def scope(self) -> str:
        return self.entry.scope

    @property
    def unit(self) -> str:
        return self.entry.unit

    @property
    def value(self) -> Decimal:
        return limit_decimal(self.entry, self.fixed)

    @property
    def default(self) -> Decimal:
        return limit_decimal(self.entry, self.entry.default)

    @property
    def lowest(self) -> Decimal:
        return limit_decimal(self.entry, self.entry.lowest)

    @property
    def highest(self) -> Decimal:
        return limit_decimal(self.entry, self.entry.highest)

    @property
    def tuned(self) -> bool:
        return self.fixed != self.entry.default

    @property
    def looser(self) -> bool:
        return self.entry.looser(self.fixed)


def limit_rows(household: Household) -> list[LimitRow]:
    """All limits, those of the home first, then those of comparing, then those of each class."""
    values = {limit.name: limit.value for limit in limits_of(household)}
    devices = Device.objects.using(HOME).filter(household=household)
    living = devices.exclude(status__in=(Device.Status.LEFT, Device.Status.REVOKED))
    classes = set(living.values_list("device_class", flat=True))
    measured = {entry.scope.split(".")[1] for entry in TUNABLES.values() if entry.scope.split(".")[0] in classes}
    return [
        LimitRow(entry, values.get(name, entry.default), _is_here(entry.scope, classes, measured))
        for name, entry in TUNABLES.items()
    ]


def limit_decimal(entry: Tunable, fixed: int) -> Decimal:
    """A value of the limit in its unit."""
    return Decimal(fixed).scaleb(-entry.decimals)


def limit_fixed(entry: Tunable, value: Decimal) -> int:
    """A value in the limit's fixed point; raises ``LimitOutOfBounds`` if it has more decimals or is no number."""
    scaled = value.scaleb(entry.decimals) if value.is_finite() else value
    if not scaled.is_finite() or scaled != int(scaled):
        raise LimitOutOfBounds(entry.name, entry.lowest, entry.highest, entry.decimals, entry.unit)
    return int(scaled)


def _is_here(scope: str, classes: set[str], measured: set[str]) -> bool:
    first, _, quantity = scope.partition(".")
    return scope == OF_THE_HOME or (first in classes if quantity else first in measured)
