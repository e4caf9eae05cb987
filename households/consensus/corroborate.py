"""Whether sensors that measure the same thing in the same place agree: level, drift, and whom a series moves with.

All three are taken over a whole batch, not reading by reading, so that a sensor in a sunbeam is not a liar. With
fewer than three series the median says nothing about who is wrong; the caller then treats disagreement as the pair's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from households.consensus.config import CheckConfig, CrossLimit
from households.consensus.series import Floats, Ints, Series, grid_of, median_over, usual_step_ms

OFF_LEVEL = "off_the_median"
DRIFTING = "drifts_from_the_median"
MOVES_WITH_PAST = "moves_with_the_past"
PAIR_DISAGREES = "pair_disagrees"
_MAD_TO_SIGMA = 1.4826
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Past:
    """A curve of earlier batches, a group's median or one series' means: ``index`` (buckets,) are rising bucket numbers
    (time // bucket_ms), ``values`` (buckets,) are in units."""

    bucket_ms: int
    index: Ints
    values: Floats


Finding = tuple[str, float] | None
"""A reason code and by how many times its limit a series misses, or None."""


def group_findings(
    group: list[Series], past: Past | None, own_past: Mapping[bytes, Past], limit: CrossLimit, config: CheckConfig
) -> dict[bytes, str | None]:
    """A reason code or None for each series of a group of comparable ones that passed their own checks.

    One liar pulls the median that the others are held against. So the worst is named first and left out, and the rest
    are compared again without it, until all that are left agree or two are left that do not. ``past`` is the group's
    median in earlier batches, ``own_past`` the curve of each series by id. A group of one has nothing to compare and
    gives an empty result.
    """
    if len(group) < 2:
        return {}
    findings: dict[bytes, str | None] = {series.series_id: None for series in group}
    left = list(group)
    while len(left) >= 2:
        found = _misses(left, past, own_past, limit, config)
        if not found:
            break
        if len(left) == 2:
            findings.update({series.series_id: PAIR_DISAGREES for series in left})
            break
        worst = max(found, key=lambda sid: (found[sid][1], sid))
        findings[worst] = found[worst][0]
        left = [series for series in left if series.series_id != worst]
    return findings


def _misses(
    group: list[Series], past: Past | None, own_past: Mapping[bytes, Past], limit: CrossLimit, config: CheckConfig
) -> dict[bytes, tuple[str, float]]:
    """What each series of a group misses by, for those that do."""
    _, levels = grid_of(group, max(60_000, usual_step_ms(group)))
    bucket_ms = lag_bucket_of(group, config)
    start_ms, coarse = grid_of(group, bucket_ms)
    found: dict[bytes, tuple[str, float]] = {}
    for place, series in enumerate(group):
        level = check_level(levels, place, limit, config)
        drift = lag = None
        if len(group) > 2:
            others = np.delete(coarse, place, axis=0)
            drift = check_drift(coarse[place] - median_over(others), bucket_ms, limit, config)
            curves = [curve for curve in (past, own_past.get(series.series_id)) if curve is not None]
            usable = [curve for curve in curves if curve.bucket_ms == bucket_ms]
            lag = check_lag(coarse[place], others, start_ms // bucket_ms, usable, limit, config)
        missed = [finding for finding in (level, drift, lag) if finding is not None]
        if missed:
            found[series.series_id] = (missed[0][0], max(by for _, by in missed))
    return found


def check_level(levels: Floats, place: int, limit: CrossLimit, config: CheckConfig) -> Finding:
    """|x - median| <= max(limit, 3 x 1.4826 x MAD) in all but ``outlier_share`` of the buckets that both have.

    ``levels`` is (series, buckets) in units; the median is over all series, the judged one included, so that of three
    sensors the two that agree win. Of two, each is half their difference away from the median, and the MAD is the
    same: there the difference itself must be within the limit. Buckets in which the series is alone say nothing.
    """
    shared = (~np.isnan(levels)).sum(axis=0) > 1
    seen = shared & ~np.isnan(levels[place])
    if not seen.any():
        return None
    columns = levels[:, seen]
    median = median_over(columns)
    deviations = np.abs(columns - median)
    pair = (~np.isnan(columns)).sum(axis=0) == 2
    band = np.maximum(limit.level / 1000, config.mad_factor / 1000 * _MAD_TO_SIGMA * median_over(deviations))
    band = np.where(pair, limit.level / 2000, band)
    off = deviations[place] > band
    if np.count_nonzero(off) * 1000 <= config.outlier_share * len(off):
        return None
    return OFF_LEVEL, float((deviations[place][off] / band[off]).mean())


def check_drift(residual: Floats, bucket_ms: int, limit: CrossLimit, config: CheckConfig) -> Finding:
    """A slow drift: the distance to the others grows steadily through the batch.

    ``residual`` (buckets,) is the series less the median of the others. Its medians over windows of half an hour are
    fitted by the Theil-Sen line (median of all pairwise slopes: Sen 1968), and Kendall's tau says how steadily they
    rise. A series drifts when the line moves by more than ``limit.drift`` and |tau| >= ``drift_tau``: a sunbeam moves
    far but comes back.
    """
    per_window = max(1, config.drift_window_ms // bucket_ms)
    usable = len(residual) - len(residual) % per_window
    windows = median_over(residual[:usable].reshape(-1, per_window).T)
    known = np.flatnonzero(~np.isnan(windows))
    if len(known) < config.drift_windows_min:
        return None
    first, second = np.triu_indices(len(known), 1)
    rise = windows[known[second]] - windows[known[first]]
    slope = float(np.median(rise / (known[second] - known[first])))
    tau = float(np.mean(np.sign(np.round(rise, 6))))
    moved = abs(slope) * (known[-1] - known[0])
    if moved * 1000 <= limit.drift or abs(tau) * 1000 < config.drift_tau:
        return None
    return DRIFTING, float(moved * 1000 / limit.drift)


def lag_bucket_of(group: list[Series], config: CheckConfig) -> int:
    """The bucket in ms on which a group is compared with its past."""
    return max(config.lag_bucket_ms, usual_step_ms(group))


def check_lag(
    values: Floats, others: Floats, first: int, past: list[Past], limit: CrossLimit, config: CheckConfig
) -> Finding:
    """Whether a series moves with the group's past and not with its present.

    Temperatures of two days look alike, so the curves themselves always correlate. Their changes from bucket to
    bucket do not (prewhitening: Box and Jenkins, Time Series Analysis, 12.1). r_now is the highest correlation of the
    series' changes with those of the others' median or of any one of the ``others`` (series, buckets), so that one
    more liar among them does not make an honest series look alone; r_past that with the group's median on an earlier
    day at the same time of day; ``first`` is the number of the first bucket. By Fisher's z, atanh(r) has the
    deviation 1/sqrt(n-3). The series is a playback when r_past differs from zero by ``lag_sigma`` deviations and from
    r_now by ``lag_excess_sigma``. Where the air hardly moves (``limit.ripple``), or with fewer than
    ``lag_changes_min`` changes, nothing is said.
    """
    present = [_changes_together(values, other, limit, config) for other in (median_over(others), *others)]
    together = [found for found in present if found is not None]
    if not together:
        return None
    z_now, n_now = max(together)
    for earlier in (day for curve in past for day in _same_time_of_day(curve, first, len(values))):
        then = _changes_together(values, earlier, limit, config)
        if then is None:
            continue
        z_then, n_then = then
        excess = (z_then - z_now) / np.sqrt(1 / (n_then - 3) + 1 / (n_now - 3))
        if z_then * np.sqrt(n_then - 3) * 1000 > config.lag_sigma and excess * 1000 > config.lag_excess_sigma:
            return MOVES_WITH_PAST, float(excess * 1000 / config.lag_excess_sigma)
    return None


def _changes_together(
    values: Floats, others: Floats, limit: CrossLimit, config: CheckConfig
) -> tuple[float, int] | None:
    """Fisher's z of the correlation of two series' changes and their number, or None if it says nothing."""
    first, second = np.diff(values), np.diff(others)
    both = ~(np.isnan(first) | np.isnan(second))
    count = int(np.count_nonzero(both))
    if count < config.lag_changes_min:
        return None
    first, second = first[both] - first[both].mean(), second[both] - second[both].mean()
    deviations = float(first.std()), float(second.std())
    if min(deviations) * 1000 < limit.ripple:
        return None
    r = float((first * second).mean()) / (deviations[0] * deviations[1])
    return float(np.arctanh(np.clip(r, -0.9999, 0.9999))), count


def _same_time_of_day(past: Past, first: int, width: int) -> list[Floats]:
    """A past curve, one array (buckets,) for each earlier day that it reaches, laid over the present batch."""
    if _DAY_MS % past.bucket_ms:
        return []
    day = _DAY_MS // past.bucket_ms
    days = np.unique(np.concatenate([(first - past.index) // day, (first - past.index) // day + 1]))
    laid = []
    for shift in (days[days > 0] * day).tolist():
        places = past.index + shift - first
        inside = (places >= 0) & (places < width)
        if inside.any():
            window = np.full(width, np.nan)
            window[places[inside]] = past.values[inside]
            laid.append(window)
    return laid
