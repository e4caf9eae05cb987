"""From a place that an owner names to the grid cell under which lots are listed. The place itself is kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from households.privacy.levels import NO_CELL, Level, cell_of
from households.services.market import market_public
from households.views.words import place_text
from marketplace.common.errors import HearthError

NOWHERE, ELSEWHERE = "nowhere", "elsewhere"
# Latitude and longitude in degrees, to the nearest cell that matters.
TOWNS: dict[str, tuple[str, float, float]] = {
    "amsterdam": ("Amsterdam", 52.37, 4.9), "athens": ("Athens", 37.98, 23.73),
    "barcelona": ("Barcelona", 41.39, 2.17), "belfast": ("Belfast", 54.6, -5.93), "berlin": ("Berlin", 52.52, 13.4),
    "birmingham": ("Birmingham", 52.48, -1.9), "bristol": ("Bristol", 51.45, -2.59),
    "brussels": ("Brussels", 50.85, 4.35), "bucharest": ("Bucharest", 44.43, 26.1),
    "budapest": ("Budapest", 47.5, 19.04), "cardiff": ("Cardiff", 51.48, -3.18),
    "copenhagen": ("Copenhagen", 55.68, 12.57), "dublin": ("Dublin", 53.35, -6.26),
    "edinburgh": ("Edinburgh", 55.95, -3.19), "glasgow": ("Glasgow", 55.86, -4.25),
    "hamburg": ("Hamburg", 53.55, 9.99), "helsinki": ("Helsinki", 60.17, 24.94), "lisbon": ("Lisbon", 38.72, -9.14),
    "leeds": ("Leeds", 53.8, -1.55), "london": ("London", 51.51, -0.13), "lyon": ("Lyon", 45.76, 4.84),
    "madrid": ("Madrid", 40.42, -3.7), "manchester": ("Manchester", 53.48, -2.24), "milan": ("Milan", 45.46, 9.19),
    "munich": ("Munich", 48.14, 11.58), "oslo": ("Oslo", 59.91, 10.75), "paris": ("Paris", 48.86, 2.35),
    "porto": ("Porto", 41.16, -8.63), "prague": ("Prague", 50.08, 14.44), "rome": ("Rome", 41.9, 12.5),
    "stockholm": ("Stockholm", 59.33, 18.07), "vienna": ("Vienna", 48.21, 16.37), "warsaw": ("Warsaw", 52.23, 21.01),
    "zurich": ("Zurich", 47.37, 8.54),
}  # fmt: skip
NEAR = [
    ("", "Choose a town near you"),
    *((key, name) for key, (name, _, _) in sorted(TOWNS.items())),
    (ELSEWHERE, "Somewhere else: I give latitude and longitude"),
    (NOWHERE, "I'd rather not say"),
]
SIZES = [
    (Level.FINE.value, "small, about 11 km wide"),
    (Level.COARSE.value, "medium, about 55 km wide"),
    (Level.SUMMARY.value, "large, about 111 km wide"),
]


@dataclass(frozen=True, slots=True)
class CellFacts:
    """A cell and how many homes the market counts in it; ``known`` is false if the market is away."""

    cell: str
    text: str
    homes: int
    known: bool

    @property
    def nowhere(self) -> bool:
        return self.cell == NO_CELL


def cell_from(near: str, size: str, latitude: float | None, longitude: float | None) -> str | None:
    """The cell of what was chosen, or None while the choice is incomplete. Raises ``PlaceInvalid``, ``RuleInvalid``."""
    if near == NOWHERE:
        return NO_CELL
    if near in TOWNS:
        _, latitude, longitude = TOWNS[near]
    if (near not in TOWNS and near != ELSEWHERE) or latitude is None or longitude is None:
        return None
    return cell_of(round(latitude * 1_000_000), round(longitude * 1_000_000), size)


def cell_facts(cell: str) -> CellFacts:
    """What is known of a cell; asks the market."""
    text = place_text(cell)
    if cell == NO_CELL:
        return CellFacts(cell, text, 0, True)
    try:
        return CellFacts(cell, text, market_public().homes_in_cell(cell), True)
    except HearthError:
        return CellFacts(cell, text, 0, False)
