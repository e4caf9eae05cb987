"""Who plays: homes with their devices, what each device measured, and what is wrong with it, as plain data.

The demo and the story are made from the same cast. Times are UTC milliseconds, values texts as a device prints them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Rows = list[tuple[int, str]]  # (time in ms, value as text), times rising


@dataclass(frozen=True, slots=True)
class Fault:
    """What a device does wrong in batches ``first`` to ``last`` (from 1), in words that people read.

    ``kind`` is ``drift``, ``resend``, ``playback``, ``lie`` or ``silent``; ``quantity`` the one concerned.
    """

    kind: str
    quantity: str
    first: int
    last: int
    says: str

    def holds_in(self, batch: int) -> bool:
        return self.first <= batch <= self.last


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """One device. ``batches`` has for each batch the rows of each quantity, with the faults already in them.

    ``name`` is the owner's and never leaves the home.
    """

    key: str
    name: str
    device_class: str
    area: str
    model: str
    quantities: tuple[str, ...]
    batches: tuple[dict[str, Rows], ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def rows(self) -> dict[str, Rows]:
        """All rows of each quantity, batch after batch."""
        return {name: [row for batch in self.batches for row in batch.get(name, [])] for name in self.quantities}

    @property
    def mute(self) -> bool:
        """Whether the device says nothing at all."""
        return any(fault.kind == "silent" for fault in self.faults)

    def fault_in(self, batch: int, quantity: str) -> Fault | None:
        """The fault that this quantity shows in a batch (from 1)."""
        return next((f for f in self.faults if f.quantity == quantity and f.holds_in(batch)), None)


@dataclass(frozen=True, slots=True)
class HomePlan:
    """One home. ``shared`` has level and price of each class that its owner shares, ``trains`` those of them whose
    lots are for learning at home instead of for copies."""

    key: str
    name: str
    cell: str
    devices: tuple[DevicePlan, ...]
    shared: dict[str, tuple[str, int]] = field(default_factory=dict)
    source: str = ""
    trains: tuple[str, ...] = ()

    @property
    def batch_count(self) -> int:
        return max((len(device.batches) for device in self.devices), default=0)

    def cut_ms(self, batch: int) -> int:
        """The moment after the last reading of a batch (from 1)."""
        times = [rows[-1][0] for device in self.devices for rows in device.batches[batch - 1].values() if rows]
        return max(times) + 1

    @property
    def faults(self) -> list[tuple[DevicePlan, Fault]]:
        return [(device, fault) for device in self.devices for fault in device.faults]
