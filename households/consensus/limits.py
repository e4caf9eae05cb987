"""Which limits of the checks an owner may tune, and how far (protocols.md 1: "defaults that an owner can tune").

Every limit has a name, a default and two bounds within which no check falls silent. A batch's terms carry what differs
from the defaults, and the batch's root covers the terms: so all voters judge by the same limits, and each of them
refuses terms that lie outside the bounds, whoever set them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from chain.core.types import Name, Record
from households.consensus.config import DEFAULT_CONFIG, CheckConfig, CrossLimit, MeasuredLimit
from households.consensus.errors import LimitOutOfBounds, LimitsDisordered, LimitUnknown
from households.privacy.classes import DEVICE_CLASSES, Kind, Quantity, quantity_of

HOME = "home"
LIMITS_MAX = 256
_MINUTE_MS = 60_000
# What a sensor of the kind can show at all: as far as a range may be widened, in the quantity's fixed point.
# Freezers and saunas lie outside what a room may have. Where nothing stands here, the catalogue's range is the widest.
_WIDEST = {
    "temperature": (-60_00, 120_00),
    "outdoor_temperature": (-90_00, 70_00),
    "co2": (0, 40_000),
    "illuminance": (0, 200_000),
    "power": (0, 100_000_0),
    "energy": (0, 100_000),
    "solar_power": (0, 100_000_0),
}


class Limit(Record):
    """One limit that differs from its default: ``value`` in the limit's fixed point."""

    name: Name
    value: Annotated[int, msgspec.Meta(ge=-(2**40), le=2**40)]


@dataclass(frozen=True, slots=True)
class Tunable:
    """A limit that may be tuned. ``what`` is its kind; ``scope`` is ``home``, a quantity, or ``class.quantity``.

    ``default``, ``lowest`` and ``highest`` are integers with ``decimals`` decimals of ``unit``. ``loose_up`` says that
    a higher value lets more pass.
    """

    what: str
    scope: str
    unit: str
    decimals: int
    default: int
    lowest: int
    highest: int
    loose_up: bool = True

    @property
    def name(self) -> str:
        """What it is called in terms and in the API."""
        return f"{self.scope}.{self.what}"

    def looser(self, value: int) -> bool:
        """Whether this value lets more pass than the default."""
        return value > self.default if self.loose_up else value < self.default


def limits_check(limits: Iterable[Limit]) -> None:
    """Raises ``LimitUnknown``, ``LimitOutOfBounds``, or ``LimitsDisordered`` for what is not sorted, said twice or no
    change."""
    found = tuple(limits)
    names = [limit.name for limit in found]
    if len(found) > LIMITS_MAX or names != sorted(set(names)):
        raise LimitsDisordered()
    for limit in found:
        entry = TUNABLES.get(limit.name)
        if entry is None:
            raise LimitUnknown(f"There is no limit called {limit.name}")
        if not entry.lowest <= limit.value <= entry.highest:
            raise LimitOutOfBounds(entry.name, entry.lowest, entry.highest, entry.decimals, entry.unit)
        if limit.value == entry.default:
            raise LimitsDisordered("A limit at its default is left out")
    values = {limit.name: limit.value for limit in found}
    for name in names:
        if (entry := TUNABLES[name]).what == "low":
            high = values.get(f"{entry.scope}.high", TUNABLES[f"{entry.scope}.high"].default)
            if values[name] >= high:
                raise LimitOutOfBounds(name, entry.lowest, high - 1, entry.decimals, entry.unit)


def limits_new(values: Mapping[str, int]) -> tuple[Limit, ...]:
    """The limits of these values by name, defaults left out; raises as ``limits_check``."""
    for name in values:
        if name not in TUNABLES:
            raise LimitUnknown(f"There is no limit called {name}")
    limits = tuple(Limit(name, values[name]) for name in sorted(values) if values[name] != TUNABLES[name].default)
    limits_check(limits)
    return limits


def limits_apply(limits: Iterable[Limit], config: CheckConfig = DEFAULT_CONFIG) -> CheckConfig:
    """The checks under these limits; raises as ``limits_check``."""
    found = tuple(limits)
    limits_check(found)
    by_scope: dict[str, dict[str, int]] = {}
    for limit in found:
        scope, _, what = limit.name.rpartition(".")
        by_scope.setdefault(scope, {})[what] = limit.value
    home = by_scope.pop(HOME, {})
    cross = tuple(msgspec.structs.replace(entry, **by_scope.pop(entry.quantity, {})) for entry in config.cross)
    measured = tuple(_measured(scope, values) for scope, values in sorted(by_scope.items()))
    return msgspec.structs.replace(config, cross=cross, measured=measured, **home)


def _measured(scope: str, values: Mapping[str, int]) -> MeasuredLimit:
    quantity = quantity_of(*scope.split("."))
    return MeasuredLimit(
        device_class=scope.split(".")[0],
        quantity=quantity.name,
        low=values.get("low", quantity.low),
        high=values.get("high", quantity.high),
        rate_per_min=values.get("rate_per_min", quantity.rate_per_min or 0),
    )


def _of_home() -> list[Tunable]:
    config = DEFAULT_CONFIG
    return [
        Tunable("clock_tolerance_ms", HOME, "ms", 0, config.clock_tolerance_ms, _MINUTE_MS, 60 * _MINUTE_MS),
        Tunable("outlier_share", HOME, "%", 1, config.outlier_share, 10, 200),
        Tunable("energy_share", HOME, "%", 1, config.energy_share, 20, 500),
        Tunable("plugs_share", HOME, "%", 1, config.plugs_share, 20, 500),
    ]


def _of_comparison(limit: CrossLimit) -> list[Tunable]:
    unit = next(q.unit for entry in DEVICE_CLASSES.values() for q in entry.quantities if q.name == limit.quantity)
    most = 2 if unit == "%" else 4
    return [
        Tunable("level", limit.quantity, unit, 3, limit.level, limit.level // 10, limit.level * most),
        Tunable("drift", limit.quantity, unit, 3, limit.drift, limit.drift // 10, limit.drift * most),
    ]


def _of_measuring(device_class: str, quantity: Quantity) -> list[Tunable]:
    if quantity.kind in (Kind.STATE, Kind.COUNTER):
        return []
    scope = f"{device_class}.{quantity.name}"
    widest = _WIDEST.get(quantity.name, (quantity.low, quantity.high))
    scale = (quantity.unit, quantity.decimals)
    found = [Tunable("high", scope, *scale, quantity.high, quantity.low + 1, widest[1])]
    if quantity.low:
        found.insert(0, Tunable("low", scope, *scale, quantity.low, widest[0], quantity.high - 1, loose_up=False))
    if quantity.rate_per_min is not None:
        rate = quantity.rate_per_min
        found.append(Tunable("rate_per_min", scope, *scale, rate, rate // 10, rate * 4))
    return found


TUNABLES: dict[str, Tunable] = {
    entry.name: entry
    for entry in (
        *_of_home(),
        *(entry for limit in DEFAULT_CONFIG.cross for entry in _of_comparison(limit)),
        *(
            entry
            for device_class in DEVICE_CLASSES.values()
            for quantity in device_class.quantities
            for entry in _of_measuring(device_class.name, quantity)
        ),
    )
}
