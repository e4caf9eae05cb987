"""A cast without any file: simulated homes, the first of which has the same three bad sensors as the real room."""

from __future__ import annotations

import math
import random
import statistics
from datetime import UTC, datetime

from households.agent.curves import METER_ERROR
from marketplace.demo.cast import DevicePlan, Fault, HomePlan, Rows
from marketplace.demo.faults import ROOM_FAULTS, mute_device, with_faults
from marketplace.demo.loads import household_load

BEGIN_MS = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
DAY_MS = 86_400_000
STEP_S = 300
CELL = "g50:103:-1"
FAULTY_DAYS, PLAIN_DAYS = 7, 1
SILENT_HOME = 2
SEED = 1859
PEOPLE = (2, 4, 1, 3)


def simulated_cast(*, homes: int = 3, days: int = FAULTY_DAYS) -> list[HomePlan]:
    """Homes of six devices: four climate sensors in the living room, a mains meter, an inverter.

    The first one lives ``days`` days, each a batch, with a faulty sensor on some; the others one day.
    """
    return [_home(number, days if number == 1 else PLAIN_DAYS) for number in range(1, homes + 1)]


def _home(number: int, days: int) -> HomePlan:
    dice = random.Random(SEED + number)
    times = [range(BEGIN_MS + day * DAY_MS, BEGIN_MS + (day + 1) * DAY_MS, STEP_S * 1000) for day in range(days)]
    warmth = _walk([t for day in times for t in day], 20.5, 0.8, dice)
    moisture = {t: 45 - 2 * (warmth[t] - 20.5) for t in warmth}
    climate = [
        DevicePlan(
            key=f"s{place}",
            name=f"Living room {place}",
            device_class="climate",
            area="living",
            model="climate-1",
            quantities=("temperature", "humidity"),
            batches=tuple(
                {
                    "temperature": _sensed(day, warmth, dice.uniform(-0.3, 0.3), 0.04, dice),
                    "humidity": _sensed(day, moisture, dice.uniform(-1, 1), 0.2, dice),
                }
                for day in times
            ),
        )
        for place in range(1, 5)
    ]
    if number == 1:
        climate = [with_faults(device, _within(device.key, days)) for device in climate]
    drawn = household_load(seed=SEED + number, people=PEOPLE[number % len(PEOPLE)], days=days)
    load = [{"power": _metered(day, watts, dice)} for day, watts in zip(times, drawn, strict=True)]
    sun = [{"solar_power": [(t, f"{_sun(t, dice):.1f}") for t in day]} for day in times]
    return HomePlan(
        key=f"home{number:02}",
        name=f"Simulated house {number}",
        cell=CELL,
        devices=(
            *climate,
            DevicePlan("mains", "Mains meter", "mains", "cellar", "mains-1", ("power",), tuple(load)),
            *([mute_device(days)] if number == SILENT_HOME else []),
            DevicePlan("solar", "Inverter", "solar", "roof", "solar-1", ("solar_power",), tuple(sun)),
        ),
        shared={"climate": ("fine", 6), "mains": ("coarse", 15)},
        source="simulated",
    )


def _within(key: str, days: int) -> tuple[Fault, ...]:
    return tuple(fault for fault in ROOM_FAULTS.get(key, ()) if fault.first <= days)


def _walk(times: list[int], mean: float, swing: float, dice: random.Random) -> dict[int, float]:
    """What all sensors of a room share: a daily wave and a wandering that returns to it (Ornstein and Uhlenbeck)."""
    state, found = 0.0, {}
    for t in times:
        state += -0.05 * state + dice.gauss(0, 0.08)
        found[t] = mean + swing * math.sin(2 * math.pi * (t % DAY_MS) / DAY_MS - 2) + state
    return found


def _sensed(day: range, truth: dict[int, float], offset: float, noise: float, dice: random.Random) -> Rows:
    return [(t, f"{truth[t] + offset + dice.gauss(0, noise):.2f}") for t in day]


def _metered(day: range, watts: list[float], dice: random.Random) -> Rows:
    """Means of five minutes of what the house drew, as a meter of class 1 shows them. Without the meter's error the
    fridge's cycles would be alike to the digit, which is what the devices take for a copy."""
    step_min = STEP_S // 60
    means = [statistics.fmean(watts[place : place + step_min]) for place in range(0, len(watts), step_min)]
    return [(t, f"{mean * (1 + dice.gauss(0, METER_ERROR)):.1f}") for t, mean in zip(day, means, strict=True)]


def _sun(t: int, dice: random.Random) -> float:
    return max(0.0, 3000 * math.sin(math.pi * (t % DAY_MS / 3_600_000 - 8) / 8)) * dice.uniform(0.6, 1.0)
