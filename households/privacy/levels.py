"""How coarse an owner makes a class of devices before anything leaves: levels, and the explicit rule that each gives.

A rule holds every number that the transform uses, so a voter applies it without knowing the owner's settings, and
checks with ``rule_check`` that it is one that the catalogue allows.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Name, Record
from chain.exchange.rows import TIME_COLUMN, Column
from households.privacy.classes import Quantity, device_class, quantity_of
from marketplace.common.errors import InputError

SCHEMA = "hearth.series/1"
NO_CELL = "nowhere"
MAX_NOISE_STEPS = 10_000
_CELL = re.compile(r"g(10|50|100|200):-?[0-9]{1,4}:-?[0-9]{1,4}")
_Whole = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]


class Level(StrEnum):
    """From the most detailed to the least."""

    EXACT = "exact"
    FINE = "fine"
    COARSE = "coarse"
    SUMMARY = "summary"


LEVEL_TEXTS = {
    Level.EXACT: "As measured",
    Level.FINE: "Five-minute means, lightly rounded",
    Level.COARSE: "Hourly, rounded",
    Level.SUMMARY: "Daily, strongly rounded",
}
# The smallest bucket of a level in seconds; "exact" takes the quantity's own step.
_BUCKET_S = {Level.EXACT: 0, Level.FINE: 300, Level.COARSE: 3600, Level.SUMMARY: 86_400}
# Side of a grid cell in hundredths of a degree: about 11, 11, 55 and 110 km.
_CELL_SIZE = {Level.EXACT: 10, Level.FINE: 10, Level.COARSE: 50, Level.SUMMARY: 100}
# Rounding steps in the quantity's fixed point, by level.
_STEPS = {
    "temperature": (1, 10, 50, 100),
    "humidity": (1, 10, 100, 500),
    "outdoor_temperature": (1, 10, 50, 100),
    "outdoor_humidity": (1, 10, 100, 500),
    "illuminance": (1, 5, 50, 200),
    "sound": (1, 2, 5, 25),
    "co2": (1, 10, 50, 100),
    "motion": (1, 1, 1, 1),
    "power": (1, 100, 500, 1000),
    "energy_total": (1, 10, 100, 1000),
    "energy": (1, 10, 100, 1000),
    "solar_power": (1, 100, 500, 1000),
    "solar_yield": (1, 10, 50, 100),
    "battery_charge": (1, 10, 50, 100),
}
# What a buyer learns of the make of a device: a kind, never a maker or a model.
_MODEL_CLASSES = {
    "climate": "sensor", "light": "sensor", "sound": "sensor", "multi": "sensor", "air": "sensor", "motion": "sensor",
    "weather": "sensor", "mains": "meter", "plug": "meter", "solar": "inverter", "battery": "storage",
}  # fmt: skip


class RuleInvalid(InputError):
    """The rule lets more through than its level allows, or is none of the catalogue's."""

    code = "privacy_rule_invalid"
    title = "The rule for leaving the home is not one that Hearth allows"


class PlaceInvalid(InputError):
    """The place is no pair of coordinates, or the cell no cell of the grid."""

    code = "place_invalid"
    title = "This is not a place on the grid"


class Rule(Record):
    """How one quantity of one class is coarsened. ``bucket_s`` in seconds; ``step``, ``low``, ``high`` in fixed point.

    ``noise_steps`` is the scale of the discrete Laplace noise in steps, 0 for none.
    """

    device_class: Name
    quantity: Name
    level: Name
    bucket_s: Annotated[int, msgspec.Meta(ge=1, le=31 * 86_400)]
    step: Annotated[int, msgspec.Meta(ge=1, le=2**40)]
    low: _Whole
    high: _Whole
    noise_steps: Annotated[int, msgspec.Meta(ge=0, le=MAX_NOISE_STEPS)] = 0

    @property
    def measured(self) -> Quantity:
        """The catalogue's entry of what the rule is about."""
        return quantity_of(self.device_class, self.quantity)


def rule_for(
    class_name: str,
    quantity_name: str,
    level: str,
    *,
    noise_steps: int = 0,
    low: int | None = None,
    high: int | None = None,
) -> Rule:
    """The rule of a level. ``low`` and ``high`` may narrow the class's range to what the device announced.

    Raises ``RuleInvalid``, ``UnknownClass`` or ``UnknownQuantity``.
    """
    quantity = quantity_of(class_name, quantity_name)
    chosen = level_of(level)
    position = list(Level).index(chosen)
    rule = Rule(
        device_class=class_name,
        quantity=quantity_name,
        level=chosen.value,
        bucket_s=max(_BUCKET_S[chosen], quantity.step_s),
        step=_STEPS[quantity_name][position],
        low=quantity.low if low is None else max(low, quantity.low),
        high=quantity.high if high is None else min(high, quantity.high),
        noise_steps=noise_steps,
    )
    if rule.low >= rule.high or not 0 <= noise_steps <= MAX_NOISE_STEPS:
        raise RuleInvalid
    return rule


def rule_check(rule: Rule) -> None:
    """Raise ``RuleInvalid`` unless the rule is exactly what ``rule_for`` gives for its level, range and noise."""
    try:
        expected = rule_for(
            rule.device_class,
            rule.quantity,
            rule.level,
            noise_steps=rule.noise_steps,
            low=rule.low,
            high=rule.high,
        )
    except InputError:
        raise RuleInvalid from None
    if rule != expected:
        raise RuleInvalid


def rule_encode(rule: Rule) -> bytes:
    """The canonical bytes of a rule."""
    return encode(rule)


def rule_decode(data: bytes) -> Rule:
    """Undo ``rule_encode`` and check the rule; raises ``RuleInvalid``."""
    try:
        rule = decode(Rule, data)
    except Malformed:
        raise RuleInvalid from None
    rule_check(rule)
    return rule


def columns_of(rule: Rule) -> tuple[Column, ...]:
    """The columns of the rows that the rule gives: the allow-list of what a buyer sees, from the catalogue alone."""
    quantity = rule.measured
    return (TIME_COLUMN, Column(quantity.name, quantity.unit, quantity.decimals))


def level_of(name: str) -> Level:
    """The level of this name; raises ``RuleInvalid``."""
    try:
        return Level(name)
    except ValueError:
        raise RuleInvalid("There is no such level") from None


def model_class(class_name: str) -> str:
    """All that is said of a device's make: sensor, meter, inverter or storage. Raises ``UnknownClass``."""
    return _MODEL_CLASSES[device_class(class_name).name]


def cell_of(latitude_e6: int, longitude_e6: int, level: str) -> str:
    """The grid cell of a place given in millionths of a degree, as ``g<hundredths of a degree>:<row>:<column>``.

    Raises ``PlaceInvalid`` for a place that is not on the globe.
    """
    if abs(latitude_e6) > 90_000_000 or abs(longitude_e6) > 180_000_000:
        raise PlaceInvalid
    size = _CELL_SIZE[level_of(level)]
    return f"g{size}:{latitude_e6 // (size * 10_000)}:{longitude_e6 // (size * 10_000)}"


def cell_check(cell: str) -> str:
    """The cell itself if it is one of the grid, or ``nowhere``; no other word passes. Raises ``PlaceInvalid``."""
    if cell != NO_CELL and not _CELL.fullmatch(cell):
        raise PlaceInvalid
    return cell
