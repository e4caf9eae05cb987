"""The homes of ``make up``: devices that measure live, one of which lies and one of which is silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CELL = "g50:103:-1"
LOAD_DAYS = 2  # of what the houses draw; then it begins again
DAY_MS = 24 * 60_000  # the demo's day lasts 24 minutes: an hour of the curves is a minute
INTERVAL_MS, UPLOAD_MS = 5_000, 10_000
BATCH_EVERY_S = 120
PASSWORD = "hearth-demo-2026"  # noqa: S105  printed by make up; the demo's accounts are for anybody at this machine


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """One device; ``faults`` as the agent's specification has them. ``label`` is the name that its owner sees."""

    key: str
    label: str
    device_class: str
    area: str
    quantities: tuple[str, ...] = ()
    faults: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class DemoHome:
    """One home. ``shared`` has level and price of each class that its owner shares, ``people`` how many live there."""

    email: str
    name: str
    devices: tuple[DemoDevice, ...]
    shared: dict[str, tuple[str, int]]
    people: int = 2

    @property
    def seed(self) -> int:
        """What all chance in the home begins with."""
        return sum(self.email.encode()) * 1000


def _climate(area: str, **labels: str) -> tuple[DemoDevice, ...]:
    return tuple(DemoDevice(f"climate-{key}", label, "climate", area) for key, label in labels.items())


LIAR = DemoDevice(
    "climate-d",
    "Climate by the radiator",
    "climate",
    "living",
    faults=({"kind": "lying", "quantity": "temperature", "offset": 9.0},),
)
# It votes while the home's devices join (as one of the first it would keep everybody else out), then falls silent.
MUTE = DemoDevice(
    "air",
    "Kitchen air",
    "air",
    "kitchen",
    faults=({"kind": "silent", "votes": True, "readings": True, "after_ms": 150_000},),
)
MAINS = DemoDevice("mains", "Main meter", "mains", "cellar", ("power",))

HOMES = (
    DemoHome(
        "anna@home.example",
        "Rose Cottage",
        (
            *_climate("living", a="Climate at the window", b="Climate at the sofa", c="Climate on the shelf"),
            LIAR,
            MAINS,
            DemoDevice("solar", "Roof solar", "solar", "roof", ("solar_power",)),
        ),
        {"climate": ("exact", 6), "mains": ("exact", 14), "solar": ("exact", 9)},
        people=4,
    ),
    DemoHome(
        "ben@home.example",
        "Mill Lane 4",
        (
            *_climate("hall", a="Hall climate", b="Stairs climate", c="Door climate"),
            MUTE,
            MAINS,
            DemoDevice("motion", "Hall motion", "motion", "hall"),
        ),
        {"climate": ("exact", 7), "mains": ("exact", 12)},
        people=2,
    ),
    DemoHome(
        "carla@home.example",
        "Flat above the bakery",
        (
            *_climate("studio", a="Desk climate", b="Bed climate", c="Window climate"),
            MAINS,
            DemoDevice("plug", "Desk plug", "plug", "studio", ("power",)),
        ),
        {"climate": ("fine", 3), "plug": ("exact", 5)},
        people=1,
    ),
)
ENTERPRISES = (
    ("dora@grid.example", "Fair Grid", 5_000),
    ("emil@warm.example", "Warm Rooms Research", 2_000),
)
OPERATOR_EMAIL = "operator@hearth.example"


def agent_of(home: DemoHome, device: DemoDevice, *, url: str, folder: str, code: str, load: str) -> dict[str, Any]:
    """What the agents' host is told of one device; ``load`` is the file with what the house draws."""
    seed = home.seed
    return {
        "name": f"{home.email.partition('@')[0]}-{device.key}",
        "url": url,
        "state_dir": f"{folder}/{home.email.partition('@')[0]}/{device.key}",
        "device_class": device.device_class,
        "area": device.area,
        "failure_domain": f"simulated:{seed}-{device.key}",
        "code": code,
        "model": device.label,
        "quantities": list(device.quantities),
        "source": {
            "kind": "simulated",
            "seed": seed + sum(device.key.encode()),
            "shared_seed": seed,
            "day_ms": DAY_MS,
            "load": load if device.device_class == "mains" else "",
        },
        "faults": list(device.faults),
    }
