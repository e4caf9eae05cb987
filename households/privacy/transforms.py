"""Desensitising: from a series as measured to the rows that may leave, the same bytes at hub and voters.

Only integers are used. Order of the steps: clip to the class's range, gather into time buckets, round to the rule's
step, add noise in steps, clip again. A counter leaves as what it rose since the start of the batch, since its absolute
value would name the meter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise

from chain.crypto.kdf import hkdf
from chain.exchange.rows import Row
from households.privacy.classes import Kind, Quantity
from households.privacy.levels import Rule, rule_check
from households.privacy.noise import SeededBits, discrete_laplace
from marketplace.common.errors import InputError

Reading = tuple[int, int]
TIME_FIELD = "t_ms"
VALUE_FIELD = "value"


class ReadingInvalid(InputError):
    """A reading lacks its time or value, or one of them is no integer."""

    code = "reading_invalid"
    title = "A reading has a whole time and a whole value"


def readings_of(records: Iterable[Mapping[str, object]]) -> list[Reading]:
    """Time and value of each record, and nothing else of it: the allow-list at the door. Raises ``ReadingInvalid``."""
    return [(_whole(record.get(TIME_FIELD)), _whole(record.get(VALUE_FIELD))) for record in records]


def desensitise(readings: Iterable[Reading], rule: Rule, *, batch_seed: bytes, series_id: bytes) -> list[Row]:
    """The rows that may leave: ``(bucket start in ms, value in fixed point)``, times rising, one a bucket with data.

    ``readings`` are ``(t_ms, value)`` in any order; of two with one time the lower value counts. ``batch_seed``
    (32 bytes) and ``series_id`` fix the noise; without noise they change nothing. Raises ``RuleInvalid``.
    """
    rule_check(rule)
    quantity = rule.measured
    series = _clipped(_sorted_once(readings), rule)
    if quantity.kind is Kind.COUNTER:
        series = _rises(series)
    bucket_ms = rule.bucket_s * 1000
    gathered = [
        (start, _gathered(quantity, [value for _, value in group]))
        for start, group in groupby(series, key=lambda reading: reading[0] // bucket_ms * bucket_ms)
    ]
    key = hkdf(batch_seed, b"hearth/noise" + series_id)
    return [(start, _finished(start, value, rule, key)) for start, value in gathered]


def _sorted_once(readings: Iterable[Reading]) -> list[Reading]:
    ordered = sorted(readings)
    return [reading for i, reading in enumerate(ordered) if i == 0 or ordered[i - 1][0] != reading[0]]


def _clipped(readings: Sequence[Reading], rule: Rule) -> list[Reading]:
    return [(t_ms, min(max(value, rule.low), rule.high)) for t_ms, value in readings]


def _rises(readings: Sequence[Reading]) -> list[Reading]:
    """What a counter rose since its first reading; a fall is a reset, after which it counts from its new value."""
    total = 0
    rises = [(t_ms, 0) for t_ms, _ in readings[:1]]
    for (_, before), (t_ms, value) in pairwise(readings):
        total += value - before if value >= before else 0
        rises.append((t_ms, total))
    return rises


def _gathered(quantity: Quantity, values: Sequence[int]) -> int:
    if quantity.kind is Kind.AMOUNT:
        return sum(values)
    if quantity.kind is Kind.STATE:
        return max(values)
    if quantity.kind is Kind.COUNTER:
        return values[-1]
    return divided(sum(values), len(values))


def _finished(start_ms: int, value: int, rule: Rule, key: bytes) -> int:
    steps = divided(value, rule.step)
    if rule.noise_steps:
        steps += discrete_laplace(rule.noise_steps, SeededBits(key, start_ms.to_bytes(8, "big", signed=True)))
    low, high = limits(rule)
    return min(max(steps * rule.step, low), high)


def limits(rule: Rule) -> tuple[int, int]:
    """The lowest and highest value that a row can have: a sum may be as high as its readings together."""
    quantity = rule.measured
    if quantity.kind is Kind.AMOUNT:
        return min(0, rule.low), rule.high * max(1, -(-rule.bucket_s // quantity.step_s))
    if quantity.kind is Kind.COUNTER:
        return 0, rule.high
    return rule.low, rule.high


def divided(value: int, divisor: int) -> int:
    """value / divisor rounded to the nearest whole number, halves away from zero; ``divisor`` is positive."""
    magnitude = (2 * abs(value) + divisor) // (2 * divisor)
    return -magnitude if value < 0 else magnitude


def _whole(value: object) -> int:
    if type(value) is not int or not -(2**62) <= value <= 2**62:
        raise ReadingInvalid
    return value
