"""What is put wrong in the demo's data: a drifting sensor, one that sends old readings again, one that plays yesterday.

The room has four comparable temperature sensors. With three of them bad in one batch nobody could tell who lies, so
each fault has batches of its own (the dates of the file, from 1); on the others all four are honest.
"""

from __future__ import annotations

from dataclasses import replace

from marketplace.demo.cast import DevicePlan, Fault, Rows

DAY_MS = 86_400_000
DRIFT_UNITS = 2.5
LIE_UNITS = 12.0

ROOM_FAULTS: dict[str, tuple[Fault, ...]] = {
    "s3": (Fault("resend", "temperature", 2, 2, "sends the readings of day 1 again under new times"),),
    "s4": (Fault("playback", "temperature", 3, 3, "plays back yesterday's curve as today's"),),
    "s2": (Fault("drift", "temperature", 4, 7, f"drifts by {DRIFT_UNITS} C a day since day 4"),),
}
WEATHER_LIE = Fault("lie", "outdoor_temperature", 1, 99, f"says {LIE_UNITS:.0f} C too much")
SILENCE = Fault("silent", "", 1, 99, "is silent: no readings, no votes")


def mute_device(batches: int) -> DevicePlan:
    """A device that is enrolled and then never heard of again."""
    return DevicePlan("mute", "Hall sensor", "motion", "hall", "motion-1", ("motion",), ({},) * batches, (SILENCE,))


def with_faults(device: DevicePlan, faults: tuple[Fault, ...]) -> DevicePlan:
    """The device with these faults in its rows."""
    if not faults:
        return device
    batches = list(device.batches)
    for number, honest in enumerate(device.batches, start=1):
        for fault in faults:
            if fault.holds_in(number) and fault.quantity:
                before = device.batches[number - 2].get(fault.quantity, []) if number > 1 else []
                batches[number - 1] = {
                    **batches[number - 1],
                    fault.quantity: _bad(fault, honest[fault.quantity], before, number - fault.first),
                }
    return replace(device, batches=tuple(batches), faults=faults)


def _bad(fault: Fault, rows: Rows, before: Rows, day: int) -> Rows:
    """What the device says instead of ``rows``. ``before`` are its rows of the batch before; ``day`` counts the batches
    since the fault began, from 0.
    """
    if fault.kind == "drift":
        return [(t, _plus(value, DRIFT_UNITS * (day + place / len(rows)))) for place, (t, value) in enumerate(rows)]
    if fault.kind == "lie":
        return [(t, _plus(value, LIE_UNITS)) for t, value in rows]
    if fault.kind == "resend":
        return [(t, before[place % len(before)][1]) for place, (t, _) in enumerate(rows)]
    if fault.kind == "playback":
        first, last = rows[0][0], rows[-1][0]
        return [(t + DAY_MS, value) for t, value in before if first <= t + DAY_MS <= last]
    return rows


def _plus(value: str, more: float) -> str:
    decimals = len(value.partition(".")[2])
    return f"{float(value) + more:.{max(decimals, 2)}f}"
