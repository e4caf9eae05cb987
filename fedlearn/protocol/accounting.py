"""What noise is worth: epsilon for given rounds, and the noise for a given epsilon, by Google's dp-accounting.

Two data sets are neighbours if they differ in one home's update, which one of them has and the other has as zeros. A
*release* is one opened sum that holds the home's update. Where a round opens groups apart, a home is in one of them, so
each round is one release whose noise is that of its group alone; sums of opened groups are postprocessing and cost
nothing more.

The sum of n discrete Gaussians is no discrete Gaussian. Kairouz, Liu and Steinke ("The Distributed Discrete Gaussian
Mechanism for Federated Learning with Secure Aggregation", 2021, proposition 14) bound what that costs: with s^2 the
variance of each part and tau = 10 times the sum over k = 1..n-1 of exp(-2 pi^2 s^2 k / (k + 1)), the sum of n parts is
(e^2 / 2)-concentrated private for e = sensitivity / (sqrt(n) s) + tau sqrt(d). ``effective_multiplier`` is 1 / e. With
2^20 levels s is in the thousands and tau is 0 to all digits of a float; with coarse quantisation it is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fedlearn.protocol.errors import NoiseInvalid, PrivacyTargetInvalid, PrivacyUnreachable

MAX_MULTIPLIER = 1e4
_TOLERANCE = 1e-3
_LEAST_PART_STDDEV = 0.5
_ORDERS_SAMPLED = tuple(range(2, 257))
"""Whole orders only: for others the series of a sampled Gaussian does not always converge."""


@dataclass(frozen=True, slots=True)
class Release:
    """``count`` opened sums with one effective noise multiplier (``effective_multiplier``).

    ``sampling_rate`` below 1 counts on homes being drawn by secret chance (Poisson). Hearth's participants stand on a
    ledger, so leave it at 1 there.
    """

    noise_multiplier: float
    count: int = 1
    sampling_rate: float = 1.0


def effective_multiplier(part_stddev: float, parts: int, sensitivity: float, length: int) -> float:
    """The noise multiplier of a continuous Gaussian that hides as much as the sum of the parts does.

    ``part_stddev`` and ``sensitivity`` (L2, of a quantised vector of ``length`` values) in steps of the quantisation,
    ``parts`` the fewest survivors. Raises ``NoiseInvalid``; parts below 0.5 are beyond what the proposition covers.
    """
    if part_stddev < _LEAST_PART_STDDEV or parts < 1 or sensitivity <= 0 or length < 1:
        raise NoiseInvalid
    exponent = -2.0 * math.pi**2 * part_stddev**2
    tau = 10.0 * sum(math.exp(exponent * k / (k + 1)) for k in range(1, parts))
    return 1.0 / (sensitivity / (math.sqrt(parts) * part_stddev) + tau * math.sqrt(length))


def epsilon_of(releases: Iterable[Release], delta: float) -> float:
    """The epsilon, at this delta, of all releases together; infinite if one has no noise, 0 if there is none.

    Raises ``PrivacyTargetInvalid``.
    """
    _delta_check(delta)
    listed = [release for release in releases if release.count]
    for release in listed:
        if release.count < 0 or not 0 < release.sampling_rate <= 1 or not release.noise_multiplier >= 0:
            raise PrivacyTargetInvalid
    if not listed:
        return 0.0
    if any(release.noise_multiplier == 0 for release in listed):
        return math.inf
    accounting, rdp = _library()
    sampled = any(release.sampling_rate < 1.0 for release in listed)
    accountant = rdp.RdpAccountant(_ORDERS_SAMPLED) if sampled else rdp.RdpAccountant()
    for release in listed:
        accountant.compose(_event(accounting, release), release.count)
    return float(accountant.get_epsilon(delta))


def multiplier_for(epsilon: float, delta: float, rounds: int, sampling_rate: float = 1.0) -> float:
    """The least effective noise multiplier (to 0.1 %) with which so many releases stay within epsilon at this delta.

    Raises ``PrivacyTargetInvalid``; ``PrivacyUnreachable`` when more than ``MAX_MULTIPLIER`` would be needed.
    """
    _delta_check(delta)
    if not (math.isfinite(epsilon) and epsilon > 0) or rounds < 1 or not 0 < sampling_rate <= 1:
        raise PrivacyTargetInvalid
    if epsilon_of([Release(MAX_MULTIPLIER, rounds, sampling_rate)], delta) > epsilon:
        raise PrivacyUnreachable
    low, high = 1e-3, 1.0
    while high < MAX_MULTIPLIER and epsilon_of([Release(high, rounds, sampling_rate)], delta) > epsilon:
        low, high = high, 2.0 * high
    high = min(high, MAX_MULTIPLIER)
    while high - low > _TOLERANCE * high:
        middle = 0.5 * (low + high)
        if epsilon_of([Release(middle, rounds, sampling_rate)], delta) > epsilon:
            low = middle
        else:
            high = middle
    return high


def _event(accounting: Any, release: Release) -> Any:
    gaussian = accounting.GaussianDpEvent(release.noise_multiplier)
    if release.sampling_rate == 1.0:
        return gaussian
    return accounting.PoissonSampledDpEvent(release.sampling_rate, gaussian)


def _library() -> tuple[Any, Any]:
    """dp-accounting takes a second to import, so only those who ask for an epsilon wait for it."""
    import dp_accounting
    from dp_accounting import rdp

    return dp_accounting, rdp


def _delta_check(delta: float) -> None:
    if not 0 < delta < 1:
        raise PrivacyTargetInvalid
