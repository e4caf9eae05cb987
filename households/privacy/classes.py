"""The catalogue of device classes: what each measures, in which unit, and what is believable.

Values are integers in fixed point: ``value * 10 ** decimals``, rounded half away from zero, so that hub and voters
compute the same bytes on any machine. Ranges and rates are in the same fixed point. Sources: protocols.md 1 (ranges and
rates), the device classes of Home Assistant and Zigbee2MQTT (devices.md), and the data of ``HEARTH_DATA``.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from enum import StrEnum

from marketplace.common.errors import InputError


class UnknownClass(InputError):
    """The catalogue has no such device class."""

    code = "device_class_unknown"
    title = "There is no such device class"


class UnknownQuantity(InputError):
    """The device class does not measure this quantity."""

    code = "quantity_unknown"
    title = "Devices of this class do not measure this quantity"


class NotANumber(InputError):
    """A measured value is no finite number of a sensible size."""

    code = "value_not_a_number"
    title = "A reading is a finite number"


class Kind(StrEnum):
    """How values of one time bucket become one value."""

    LEVEL = "level"  # the mean: temperatures, powers
    COUNTER = "counter"  # the last value; falls only at a reset
    AMOUNT = "amount"  # the sum: energy used in the interval, events
    STATE = "state"  # the highest: motion seen at all


@dataclass(frozen=True, slots=True)
class Quantity:
    """One thing that a device measures.

    ``low``, ``high`` and ``rate_per_min`` (largest believable change a minute, None if any) are in fixed point;
    ``step_s`` is the usual time between two readings; ``comparable`` says whether neighbours measure the same thing.
    """

    name: str
    unit: str
    decimals: int
    low: int
    high: int
    kind: Kind = Kind.LEVEL
    rate_per_min: int | None = None
    step_s: int = 60
    comparable: bool = False
    indoor: bool = True


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """A class of devices, by what it measures. ``title`` is for people; ``name`` is what digests carry."""

    name: str
    title: str
    quantities: tuple[Quantity, ...]


TEMPERATURE = Quantity("temperature", "C", 2, -20_00, 60_00, rate_per_min=5_00, step_s=30, comparable=True)
HUMIDITY = Quantity("humidity", "%", 2, 0, 100_00, rate_per_min=20_00, step_s=30, comparable=True)
OUTDOOR_TEMPERATURE = Quantity(
    "outdoor_temperature", "C", 2, -60_00, 60_00, rate_per_min=5_00, step_s=3600, comparable=True, indoor=False
)
OUTDOOR_HUMIDITY = Quantity(
    "outdoor_humidity", "%", 2, 0, 100_00, rate_per_min=20_00, step_s=3600, comparable=True, indoor=False
)
ILLUMINANCE = Quantity("illuminance", "lx", 0, 0, 120_000, step_s=30, comparable=True)
SOUND = Quantity("sound", "V", 2, 0, 5_00, step_s=30, comparable=True)
CO2 = Quantity("co2", "ppm", 0, 300, 10_000, rate_per_min=2_000, step_s=30, comparable=True)
MOTION = Quantity("motion", "1", 0, 0, 1, kind=Kind.STATE, step_s=30, comparable=True)
POWER = Quantity("power", "W", 1, 0, 25_000_0, step_s=60)
ENERGY_TOTAL = Quantity("energy_total", "kWh", 3, 0, 10_000_000_000, kind=Kind.COUNTER, step_s=900)
ENERGY = Quantity("energy", "kWh", 3, 0, 25_000, kind=Kind.AMOUNT, step_s=3600)
SOLAR_POWER = Quantity("solar_power", "W", 1, 0, 25_000_0, step_s=60)
SOLAR_YIELD = Quantity("solar_yield", "W/kW", 1, 0, 1_500_0, step_s=3600)
BATTERY_CHARGE = Quantity("battery_charge", "%", 1, 0, 100_0, step_s=300)

DEVICE_CLASSES: dict[str, DeviceClass] = {
    entry.name: entry
    for entry in (
        DeviceClass("climate", "Climate sensor", (TEMPERATURE, HUMIDITY)),
        DeviceClass("light", "Light sensor", (ILLUMINANCE,)),
        DeviceClass("sound", "Sound sensor", (SOUND,)),
        DeviceClass("multi", "Room sensor", (TEMPERATURE, HUMIDITY, ILLUMINANCE, SOUND)),
        DeviceClass("air", "Air quality sensor", (CO2, TEMPERATURE, HUMIDITY)),
        DeviceClass("motion", "Motion sensor", (MOTION,)),
        DeviceClass("mains", "Mains meter", (POWER, ENERGY, ENERGY_TOTAL)),
        DeviceClass("plug", "Smart plug", (POWER, ENERGY, ENERGY_TOTAL)),
        DeviceClass("solar", "Solar inverter", (SOLAR_POWER, SOLAR_YIELD, ENERGY_TOTAL)),
        DeviceClass("weather", "Weather station", (OUTDOOR_TEMPERATURE, OUTDOOR_HUMIDITY)),
        DeviceClass("battery", "Home battery", (BATTERY_CHARGE, POWER)),
    )
}


def device_class(name: str) -> DeviceClass:
    """The class of this name; raises ``UnknownClass``."""
    found = DEVICE_CLASSES.get(name)
    if found is None:
        raise UnknownClass
    return found


def quantity_of(class_name: str, quantity_name: str) -> Quantity:
    """What a class means by a quantity; raises ``UnknownClass`` or ``UnknownQuantity``."""
    for quantity in device_class(class_name).quantities:
        if quantity.name == quantity_name:
            return quantity
    raise UnknownQuantity


def to_fixed(quantity: Quantity, value: str | int | float | Decimal) -> int:
    """A measured value in the quantity's fixed point, half rounded away from zero; raises ``NotANumber``.

    A float is taken at its shortest decimal form, so ``24.94`` is 2494 everywhere.
    """
    try:
        number = Decimal(str(value)).scaleb(quantity.decimals)
        return int(number.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        raise NotANumber from None


def to_text(quantity: Quantity, fixed: int) -> str:
    """The decimal text of a fixed-point value, with exactly the quantity's decimals (``2494`` -> ``"24.94"``)."""
    return fixed_text(fixed, quantity.decimals)


def fixed_text(fixed: int, decimals: int) -> str:
    """The decimal text of ``fixed / 10 ** decimals`` with exactly that many decimals."""
    digits = str(abs(fixed)).rjust(decimals + 1, "0")
    sign = "-" if fixed < 0 else ""
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)
