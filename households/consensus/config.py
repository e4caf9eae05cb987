"""The limits of the checks, with the defaults of protocols.md 1. ``limits`` says which of them an owner may tune.

Limits per quantity are in the quantity's own unit (degrees, percent), not in fixed point.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import msgspec

from chain.core.types import Name, Record
from households.privacy.classes import Quantity

Share = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=2**40)]


class CrossLimit(Record):
    """For one comparable quantity, all in thousandths of its unit.

    ``level`` is the distance from the group's median that is always believed (protocols.md 1: 3 C), ``drift`` how far a
    series may wander steadily from the others within one batch, ``ripple`` the least standard deviation of its changes
    that says anything about whom it moves with.
    """

    quantity: Name
    level: Positive
    drift: Positive
    ripple: Positive


class MeasuredLimit(Record):
    """What one class of devices may say of one quantity, in its fixed point; a rate of 0 means that any is believed."""

    device_class: Name
    quantity: Name
    low: int
    high: int
    rate_per_min: int


DEFAULT_CROSS = (
    CrossLimit("temperature", 3_000, 1_000, 2),
    CrossLimit("humidity", 15_000, 8_000, 20),
    CrossLimit("outdoor_temperature", 3_000, 2_000, 20),
    CrossLimit("outdoor_humidity", 20_000, 15_000, 50),
)


class CheckConfig(Record):
    """All limits; shares are in thousandths. ``measured`` has what differs from the catalogue's ranges and rates.

    Only the quantities in ``cross`` are compared between devices: sensors of one room agree on temperature, while
    light and sound differ by where a sensor hangs.
    """

    cross: tuple[CrossLimit, ...] = DEFAULT_CROSS
    clock_tolerance_ms: Positive = 5 * 60_000
    outlier_share: Share = 50
    rate_share: Share = 0
    mad_factor: Positive = 3_000
    drift_tau: Share = 600
    drift_window_ms: Positive = 30 * 60_000
    drift_windows_min: Positive = 8
    lag_bucket_ms: Positive = 10 * 60_000
    lag_changes_min: Positive = 48
    lag_sigma: Positive = 4_000
    lag_excess_sigma: Positive = 3_000
    copy_bits: Positive = 60
    copy_kinds: Positive = 6
    copy_min_lag: Positive = 30
    copy_memory: Positive = 16_384
    energy_share: Share = 100
    plugs_share: Share = 100
    plugs_slack_w: Positive = 50
    lag_memory: Positive = 2_048
    measured: tuple[MeasuredLimit, ...] = ()

    def cross_limit(self, quantity: str) -> CrossLimit | None:
        """The limits of a comparable quantity, or None if devices are not compared on it."""
        return next((limit for limit in self.cross if limit.quantity == quantity), None)

    def believable(self, device_class: str, quantity: Quantity) -> Quantity:
        """The quantity with the range and rate that hold for this class of devices."""
        for limit in self.measured:
            if (limit.device_class, limit.quantity) == (device_class, quantity.name):
                return replace(quantity, low=limit.low, high=limit.high, rate_per_min=limit.rate_per_min or None)
        return quantity


DEFAULT_CONFIG = CheckConfig()
