"""Household-like curves: what a simulated device measures at a moment. Seeded, smooth, and the same on each call.

All devices of one area share the room's curve; each adds its own offset and noise, so they agree as real sensors do.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import lru_cache

_SLOW_KNOTS_A_DAY = 48
_FAST_KNOTS_A_DAY = 1440
MINUTES_A_DAY = 1440
METER_ERROR = 0.01  # class 1 of IEC 62053-21


@lru_cache(maxsize=65_536)
def _knot(seed: str, index: int) -> float:
    """A fixed number from the normal distribution for each knot of a curve."""
    return random.Random(f"{seed}:{index}").gauss(0.0, 1.0)


def smooth_noise(seed: str, position: float) -> float:
    """A smooth random curve with deviation of about one, with one knot for each whole position."""
    index = math.floor(position)
    part = position - index
    blend = part * part * (3 - 2 * part)
    return _knot(seed, index) * (1 - blend) + _knot(seed, index + 1) * blend


def measure(quantity: str, room: str, device: str, t_ms: int, day_ms: int) -> float:
    """The value in units of ``quantity`` at ``t_ms``. ``room`` and ``device`` are seeds; raises ``KeyError`` if there
    is no curve for the quantity."""
    day = t_ms / day_ms
    hour = day % 1.0 * 24
    seed = f"{room}:{quantity}"
    shared = smooth_noise(seed, day * _SLOW_KNOTS_A_DAY) + 0.4 * smooth_noise(seed + ":fast", day * _FAST_KNOTS_A_DAY)
    own = random.Random(f"{device}:{quantity}:{t_ms}").gauss(0.0, 1.0)
    offset = _knot(f"{device}:{quantity}:offset", 0)
    return _CURVES[quantity](hour, shared, own, offset)


def metered(load: Sequence[float], device: str, t_ms: int, day_ms: int) -> float:
    """What a meter shows of a house's ``load``, W for each minute of whole days, begun again at its end."""
    minute = t_ms * MINUTES_A_DAY // day_ms
    error = random.Random(f"{device}:load:{t_ms}").gauss(0.0, METER_ERROR)
    return max(0.0, load[minute % len(load)] * (1 + error))


def _sun(hour: float) -> float:
    return max(0.0, math.sin((hour - 6.5) / 13 * math.pi)) if 6.5 < hour < 19.5 else 0.0


def _presence(hour: float) -> float:
    """How likely somebody is about: mornings and evenings."""
    return 0.9 if 6.5 < hour < 8.5 or 17 < hour < 23 else 0.25 if 8.5 <= hour <= 17 else 0.03


def _evening(hour: float) -> float:
    return math.exp(-(((hour - 19.5) / 2.2) ** 2)) + 0.6 * math.exp(-(((hour - 7.5) / 1.2) ** 2))


def _temperature(hour: float, shared: float, own: float, offset: float) -> float:
    return 20.5 + 1.6 * math.sin((hour - 9.5) / 24 * 2 * math.pi) + 0.25 * shared + 0.2 * offset + 0.03 * own


def _humidity(hour: float, shared: float, own: float, offset: float) -> float:
    return _within(46 - 6 * math.sin((hour - 9.5) / 24 * 2 * math.pi) + 2 * shared + offset + 0.2 * own, 5, 99)


def _outdoor_temperature(hour: float, shared: float, own: float, offset: float) -> float:
    return 11 + 5 * math.sin((hour - 9) / 24 * 2 * math.pi) + 0.6 * shared + 0.2 * offset + 0.05 * own


def _outdoor_humidity(hour: float, shared: float, own: float, offset: float) -> float:
    return _within(72 - 14 * math.sin((hour - 9) / 24 * 2 * math.pi) + 3 * shared + offset + 0.3 * own, 5, 100)


def _illuminance(hour: float, shared: float, own: float, offset: float) -> float:
    lamp = 140 if _presence(hour) > 0.5 and _sun(hour) < 0.3 else 0
    return max(0.0, (380 * _sun(hour) + lamp) * (1 + 0.15 * shared + 0.2 * offset) + 2 * own)


def _sound(hour: float, shared: float, own: float, offset: float) -> float:
    return _within(0.06 + 0.25 * _presence(hour) * abs(shared) + 0.01 * abs(own), 0, 5)


def _co2(hour: float, shared: float, own: float, offset: float) -> float:
    return _within(430 + 380 * _presence(hour) + 60 * shared + 10 * offset + 3 * own, 380, 5000)


def _motion(hour: float, shared: float, own: float, offset: float) -> float:
    return 1.0 if shared > 1.2 - 1.6 * _presence(hour) else 0.0


def _mains(hour: float, shared: float, own: float, offset: float) -> float:
    return max(180.0, 420 + 1500 * _evening(hour) * (1 + 0.3 * shared) + 40 * abs(own))


def _power(hour: float, shared: float, own: float, offset: float) -> float:
    return max(0.5, 28 + 26 * _evening(hour) + 6 * shared + 2 * own)


def _solar(hour: float, shared: float, own: float, offset: float) -> float:
    return max(0.0, 3200.0 * math.pow(_sun(hour), 1.3) * (1 - 0.2 * abs(shared)) + (2 * own if _sun(hour) else 0))


def _charge(hour: float, shared: float, own: float, offset: float) -> float:
    return _within(50 + 35 * math.sin((hour - 11) / 24 * 2 * math.pi) + 2 * shared, 2, 100)


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


_CURVES = {
    "temperature": _temperature,
    "humidity": _humidity,
    "outdoor_temperature": _outdoor_temperature,
    "outdoor_humidity": _outdoor_humidity,
    "illuminance": _illuminance,
    "sound": _sound,
    "co2": _co2,
    "motion": _motion,
    "mains_power": _mains,
    "power": _power,
    "solar_power": _solar,
    "battery_charge": _charge,
}
SIMULATED = frozenset(_CURVES)
