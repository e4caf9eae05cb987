"""Finding values that were measured before: a series that repeats its own past, reading by reading.

A sensor's last digits are noise, so the order of its changes never comes again. A device that plays back old values, at
whatever later time and shifted by whatever constant, repeats that order. With d(i) the change from reading i to the
next:

1. Every change becomes +1 or -1 by a fixed hash of its size, and 0 where nothing changed. One FFT correlates the batch
   with the past for all lags at once: equal stretches add up to the number of their changes, unequal ones cancel.
2. At the best few lags the two are aligned as in the search for related proteins (Smith and Waterman 1981; Karlin and
   Altschul 1990): a change that is equal in both scores -log2 p, with p its share among past changes, a place where
   only one changed or they differ costs ``MISMATCH_BITS``, and the best-scoring stretch counts. By chance a stretch
   of b bits is found with a probability of about (pairs of places) x 2^-b: 10^-11 for a week of readings and 60 bits.
3. A stretch that repeats fewer than ``copy_kinds`` different (size, readings since the last change) says nothing: a
   lamp on a timer repeats itself honestly.

On the real room's seven days the highest honest stretch has 34 bits; played-back days have hundreds.
"""

from __future__ import annotations

import numpy as np

from households.consensus.config import CheckConfig
from households.consensus.series import Floats, Ints

COPIED = "copied_readings"
MISMATCH_BITS = 6.0
_LAGS = 6
_MIX = np.uint64(0x9E3779B97F4A7C15)


def check_copied(values: Ints, past: Ints, config: CheckConfig) -> str | None:
    """``COPIED`` if a stretch of ``values`` (readings,) repeats an earlier one of itself or one of ``past``
    (readings,)."""
    changes = np.diff(values)
    if copied(changes, np.diff(past), config):
        return COPIED
    return COPIED if copied(changes, changes, config, min_lag=config.copy_min_lag) else None


def copied(changes: Ints, past: Ints, config: CheckConfig, min_lag: int = 0) -> bool:
    """Whether a stretch of changes repeats the past's. ``min_lag`` > 0 searches a series in itself, at that shift or
    more."""
    if min(np.count_nonzero(changes), np.count_nonzero(past)) < config.copy_kinds:
        return False
    sizes, counts = np.unique(past, return_counts=True)
    bits = -np.log2(counts / len(past))
    return any(_stretch_copied(changes, past, lag, sizes, bits, config) for lag in _best_lags(changes, past, min_lag))


def _best_lags(changes: Ints, past: Ints, min_lag: int) -> list[int]:
    """The lags (readings) at which most changes agree; a lag is the place in ``changes`` where the past begins."""
    size = 1 << (len(changes) + len(past)).bit_length()
    spectrum = np.fft.rfft(_signs(changes), size) * np.conj(np.fft.rfft(_signs(past), size))
    score = np.fft.irfft(spectrum, size)
    lags = np.arange(size)
    lags = np.where(lags >= len(changes), lags - size, lags)
    if min_lag:
        score = np.where(lags >= min_lag, score, -np.inf)
    return [int(lags[place]) for place in np.argsort(score)[-_LAGS:] if score[place] > 0]


def _stretch_copied(changes: Ints, past: Ints, lag: int, sizes: Ints, bits: Floats, config: CheckConfig) -> bool:
    """Score the alignment at one lag and look at its best stretch."""
    here = changes[max(0, lag) : max(0, len(past) + lag)]
    there = past[max(0, -lag) : max(0, -lag) + len(here)]
    places = np.flatnonzero((here != 0) | (there != 0))
    if len(places) == 0:
        return False
    equal = here[places] == there[places]
    value = bits[np.minimum(np.searchsorted(sizes, here[places]), len(sizes) - 1)]
    total = np.concatenate(([0.0], np.cumsum(np.where(equal, value, -MISMATCH_BITS))))
    gain = total - np.minimum.accumulate(total)
    end = int(np.argmax(gain))
    if gain[end] < config.copy_bits:
        return False
    begin = int(np.flatnonzero(gain[:end] == 0)[-1])
    stretch = slice(begin, end)
    gaps = np.diff(places, prepend=-1)[stretch][equal[stretch]]
    kinds = set(zip(here[places][stretch][equal[stretch]].tolist(), gaps.tolist(), strict=True))
    return len(kinds) >= config.copy_kinds


def _signs(changes: Ints) -> Ints:
    """+1 or -1 by a fixed hash of each change, 0 where there is none."""
    mixed = changes.astype(np.uint64) * _MIX
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MIX
    signs = np.where((mixed >> np.uint64(40)) & np.uint64(1), 1, -1)
    return np.where(changes == 0, 0, signs).astype(np.int64)
