"""A device's standing: a Beta(a, b) belief that its series are good, with decay.

The score is shown to the owner and decides on quarantine. It never weights votes (protocols.md 1): a voter that could
earn weight could first earn it and then lie.
"""

from __future__ import annotations

from chain.core.types import Record

SCALE = 1_000_000
PRIOR_GOOD = 2 * SCALE
PRIOR_BAD = SCALE // 2
DECAY = 700_000
QUARANTINE_BELOW = 500_000
QUARANTINE_EVIDENCE = 2


class Score(Record):
    """``good`` and ``bad`` are a and b of Beta(a, b) in millionths; ``bad_run`` counts rejections in a row."""

    good: int = PRIOR_GOOD
    bad: int = PRIOR_BAD
    bad_run: int = 0


def score_update(score: Score, approved: int, rejected: int) -> Score:
    """The score after one batch in which the device had so many series approved and rejected.

    A batch with any rejected series is one piece of bad evidence, one with approvals alone a good one; a device with
    four sensors must not hide a broken one behind three. Old evidence decays towards the prior, a' = 0.7 a + 0.3 a0,
    so a repaired device recovers within days.
    """
    if approved + rejected == 0:
        return score
    good = (DECAY * score.good + (SCALE - DECAY) * PRIOR_GOOD) // SCALE
    bad = (DECAY * score.bad + (SCALE - DECAY) * PRIOR_BAD) // SCALE
    if rejected:
        return Score(good=good, bad=bad + SCALE, bad_run=score.bad_run + 1)
    return Score(good=good + SCALE, bad=bad, bad_run=0)


def score_mean(score: Score) -> int:
    """The expected share of good series, a / (a + b), in millionths."""
    return SCALE * score.good // (score.good + score.bad)


def should_quarantine(score: Score) -> bool:
    """Whether the device is to be proposed for quarantine: low standing, and rejected in each of the last batches."""
    return score.bad_run >= QUARANTINE_EVIDENCE and score_mean(score) < QUARANTINE_BELOW
