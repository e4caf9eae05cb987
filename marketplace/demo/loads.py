"""What a household draws, minute by minute: the model of Richardson and others, as richardsonpy has it.

I. Richardson, M. Thomson, D. Infield, C. Clifford, "Domestic electricity use: A high-resolution energy demand model",
Energy and Buildings 42 (2010) 1878-1887. The people of the house come, go and use appliances and lamps by chance; the
chances are those of a British time-use survey. Seeded, without a network, and about 0.15 s for a home and day.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

MINUTES_A_DAY = 1_440
# kWh a year of a house with 1 to 5 people, as richardsonpy has it; it takes 9 % of that for light.
YEAR_KWH = (2_700, 3_200, 4_000, 4_400, 5_500)
APPLIANCES_SHARE = 0.91
NOON_W_PER_M2 = 250.0
SUNRISE_H, SUNSET_H = 8.0, 16.0
PEOPLE_MAX = len(YEAR_KWH)


def household_load(*, seed: int, people: int, days: int, first_weekday: int = 0) -> list[list[float]]:
    """The power in W for each minute of so many days: ``days`` lists of 1,440.

    ``people`` live in the house, 1 to 5; ``first_weekday`` is 0 for a Monday. The same arguments give the same load.
    """
    if not 1 <= people <= PEOPLE_MAX:
        raise ValueError(f"the model knows houses of 1 to {PEOPLE_MAX} people")
    with _own_chance(seed):
        return _days(people, days, first_weekday)


def load_file(folder: Path, *, seed: int, people: int, days: int) -> Path:
    """A file with such a load, a line for each minute; made once, then only found."""
    path = folder / f"load-{seed}-{people}-{days}.txt"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        load = household_load(seed=seed, people=people, days=days)
        aside.write_text("".join(f"{watts:.1f}\n" for day in load for watts in day))
        aside.replace(path)
    return path


def _days(people: int, days: int, first_weekday: int) -> list[list[float]]:
    # Imported here: only who makes loads pays for it.
    from richardsonpy.classes.appliance import Appliances
    from richardsonpy.classes.lighting import load_lighting_profile
    from richardsonpy.classes.occupancy import Occupancy
    from richardsonpy.classes.stochastic_el_load_wrapper import ElectricityProfile

    present = Occupancy(number_occupants=people, initial_day=first_weekday + 1, nb_days=days).occupancy
    appliances = Appliances(
        str(_inputs() / "Appliances.csv"),
        annual_consumption=APPLIANCES_SHARE * YEAR_KWH[people - 1],
        randomize_appliances=True,
    )
    house = ElectricityProfile(appliances, load_lighting_profile(filename=str(_inputs() / "LightBulbs.csv"), index=0))
    found = []
    for day in range(days):
        watts, _light, _appliances = house.power_sim(
            irradiation=_daylight(),
            weekend=(first_weekday + day) % 7 >= 5,
            day=day,
            occupancy=present[day * 144 : (day + 1) * 144],
        )
        found.append([float(value) for value in watts])
    return found


@cache
def _inputs() -> Path:
    import richardsonpy

    return Path(richardsonpy.__file__).parent / "inputs"


def _daylight() -> list[float]:
    """A winter day's light in W/m2 for each minute, by which people switch on their lamps."""
    hours = [minute / 60 for minute in range(MINUTES_A_DAY)]
    length = SUNSET_H - SUNRISE_H
    return [max(0.0, NOON_W_PER_M2 * math.sin(math.pi * (hour - SUNRISE_H) / length)) for hour in hours]


@contextmanager
def _own_chance(seed: int) -> Iterator[None]:
    """The model draws from the process's one generator; whoever uses that too finds it as it was."""
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
