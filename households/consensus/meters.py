"""Checks between quantities: energy against the integral of power, and what the plugs use against the mains."""

from __future__ import annotations

import numpy as np

from households.consensus.config import CheckConfig
from households.consensus.series import Floats, Series, grid_of, usual_step_ms
from households.privacy.classes import Kind

ENERGY_MISMATCH = "energy_power_mismatch"
OVER_THE_MAINS = "plugs_over_mains"
_HOUR_MS = 3_600_000
_GAP_STEPS = 4
_LEAST_KWH = 0.1
_SHARE_CURED = 0.9


def check_energy(power: Series, energy: Series, config: CheckConfig) -> str | None:
    """A device's energy agrees with the integral of its power within ``energy_share`` (protocols.md 1: 10 %).

    ``power`` in W is integrated by trapezoids over the time that both cover; ``energy`` in kWh is a counter's
    difference or, for amounts, their sum, each amount covering the step before its reading. With gaps in the power
    longer than four steps, or under 0.1 kWh, nothing is said.
    """
    if len(power.values) < 3 or len(energy.values) < 3:
        return None
    step_ms = usual_step_ms([power])
    begin = max(power.times_ms[0], energy.times_ms[0])
    end = min(power.times_ms[-1], energy.times_ms[-1])
    inside = energy.times_ms[(energy.times_ms >= begin) & (energy.times_ms <= end)]
    if len(inside) < 2 or np.diff(power.times_ms).max() > _GAP_STEPS * step_ms:
        return None
    begin, end = inside[0], inside[-1]
    hours, watts = power.times_ms / _HOUR_MS, power.in_units()
    edge_hours = np.array([begin, end]) / _HOUR_MS
    within = (power.times_ms > begin) & (power.times_ms < end)
    x = np.concatenate(([edge_hours[0]], hours[within], [edge_hours[1]]))
    integral_kwh = float(np.trapezoid(np.interp(x, hours, watts), x)) / 1000
    covered = energy.in_units()[(energy.times_ms >= begin) & (energy.times_ms <= end)]
    metered_kwh = _counted(covered) if energy.quantity.kind is Kind.COUNTER else float(covered[1:].sum())
    larger = max(integral_kwh, metered_kwh)
    if larger < _LEAST_KWH:
        return None
    return ENERGY_MISMATCH if abs(integral_kwh - metered_kwh) * 1000 > config.energy_share * larger else None


def check_plugs(mains: Series, plugs: list[Series], supply: list[Series], config: CheckConfig) -> dict[bytes, str]:
    """Which plugs claim more power than the house draws: those that alone explain the excess.

    In each bucket the plugs' sum may not be over the mains, plus what the house makes itself (``supply``), plus
    ``plugs_share`` and a slack. When that fails in more than ``outlier_share`` of the buckets, a plug is named if
    leaving it out cures nine tenths of them and no other plug's absence does as well; an excess that nobody alone
    explains blames nobody, since an honest oven would be blamed for a lying lamp.
    """
    if not plugs:
        return {}
    everyone = [mains, *supply, *plugs]
    _, grid = grid_of(everyone, max(300_000, usual_step_ms(everyone)))
    source = grid[: 1 + len(supply)].sum(axis=0)
    used = np.nan_to_num(grid[1 + len(supply) :])
    limit = source * (1 + config.plugs_share / 1000) + config.plugs_slack_w
    seen = ~np.isnan(limit)
    over = seen & (used.sum(axis=0) > limit)
    if np.count_nonzero(over) * 1000 <= config.outlier_share * np.count_nonzero(seen):
        return {}
    cured = _cured_shares(used[:, over], limit[over])
    suspects = np.flatnonzero(cured >= _SHARE_CURED)
    return {plugs[int(suspects[0])].series_id: OVER_THE_MAINS} if len(suspects) == 1 else {}


def _cured_shares(used: Floats, limit: Floats) -> Floats:
    """For each plug of ``used`` (plugs, buckets), in which share of the buckets the others stay under ``limit``."""
    return np.asarray((used.sum(axis=0) - used <= limit).mean(axis=1))


def _counted(values: Floats) -> float:
    """What a counter counted, resets left out."""
    steps = np.diff(values)
    return float(steps[steps > 0].sum())
