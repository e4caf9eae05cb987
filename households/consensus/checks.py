"""What a series must satisfy by itself: range, rate of change, and a meter's way of counting (protocols.md 1).

Each check returns a stable reason code, or None. A live batch can span years of backfill, so nothing here depends on
now.
"""

from __future__ import annotations

import numpy as np

from households.consensus.config import CheckConfig
from households.consensus.series import Series
from households.privacy.classes import Kind

OUT_OF_RANGE = "out_of_range"
METER_NEGATIVE = "meter_negative"
METER_FELL = "meter_fell"
RATE_TOO_HIGH = "rate_too_high"
TIME_NOT_RISING = "time_not_rising"
_MINUTE_MS = 60_000


def check_alone(series: Series, announced: tuple[int, int], last_value: int | None, config: CheckConfig) -> str | None:
    """The first failing check of a series. ``announced`` is the device's own range (equal: none) in fixed point,
    ``last_value`` the series' last value of the batch before."""
    return (
        check_time(series)
        or check_range(series, announced)
        or check_meter(series, last_value)
        or check_rate(series, config)
    )


def check_time(series: Series) -> str | None:
    """Readings follow one another: a device that sends two values for one moment has sent one of them too many."""
    return TIME_NOT_RISING if (np.diff(series.times_ms) <= 0).any() else None


def check_range(series: Series, announced: tuple[int, int]) -> str | None:
    """Every value lies in the class's range, and in what the device announced, which can only narrow it."""
    low, high = series.quantity.low, series.quantity.high
    if announced[0] < announced[1]:
        low, high = max(low, announced[0]), min(high, announced[1])
    if series.quantity.kind in (Kind.COUNTER, Kind.AMOUNT) and (series.values < 0).any():
        return METER_NEGATIVE
    return OUT_OF_RANGE if ((series.values < low) | (series.values > high)).any() else None


def check_rate(series: Series, config: CheckConfig) -> str | None:
    """Between neighbours a value changes by no more than the class's rate a minute.

    Steps closer than a minute may use a whole minute's allowance, or the digits of a sensor read each second would
    fail.
    """
    rate = series.quantity.rate_per_min
    if rate is None or len(series.values) < 2:
        return None
    minutes = np.maximum(np.diff(series.times_ms), _MINUTE_MS) / _MINUTE_MS
    too_fast = np.abs(np.diff(series.values)) > rate * minutes
    return RATE_TOO_HIGH if np.count_nonzero(too_fast) * 1000 > config.rate_share * len(too_fast) else None


def check_meter(series: Series, last_value: int | None) -> str | None:
    """A counter rises. A value under 0.9 of the one before is a reset (a new meter); a smaller fall is a fault."""
    if series.quantity.kind is not Kind.COUNTER:
        return None
    values = series.values if last_value is None else np.concatenate(([last_value], series.values))
    before, after = values[:-1], values[1:]
    fell = (after < before) & (10 * after >= 9 * before)
    return METER_FELL if fell.any() else None
