"""What one home adds to a round's sum: its clipped update and its evaluation, quantised and with its part of the noise.

With a privacy target the evaluation is made once, at the end, and costs one release like a round does; without one it
is made in every round of the model that the round starts from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np

from chain.crypto.prg import Random, Words
from fedlearn.learners.families import Shape, family
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.table import Floats
from fedlearn.protocol.accounting import Release, effective_multiplier, epsilon_of, multiplier_for
from fedlearn.protocol.clip import clip_to_norm
from fedlearn.protocol.errors import LengthWrong, SumOverflows
from fedlearn.protocol.noise import central_variance, discrete_gaussian, hub_variance, noise_add
from fedlearn.protocol.quantise import LEVELS, NOISE_TAIL, Quantiser, dequantise, quantise
from fedlearn.runtime.jobs.evaluation import NORM, slots
from fedlearn.runtime.jobs.terms import FINAL, STATISTICS, TRAIN, Kind

_LEVELS_LEAST = 2**8


@dataclass(frozen=True, slots=True)
class Opened:
    """What an opened sum says: the summed updates (length,) and the summed evaluation (``slots``,), if there is one."""

    update: Floats
    evaluation: Floats


@dataclass(frozen=True)
class Layout:
    """The vector of one cell of a round of a plan: ``homes`` in it, ``minimum`` survivors for whom noise is planned."""

    plan: TrainingPlan
    kind: Kind
    homes: int
    minimum: int

    @cached_property
    def shape(self) -> Shape:
        """The model's shape."""
        return family(self.plan.family).shape(self.plan)

    @cached_property
    def update_length(self) -> int:
        """How many values of an update (or of statistics) the vector has: none in the last round, which evaluates."""
        if self.kind == STATISTICS:
            return 2 * self.shape.inputs
        return family(self.plan.family).update_length(self.plan) if self.kind == TRAIN else 0

    @property
    def evaluation_length(self) -> int:
        """How many values of an evaluation it has."""
        evaluates = self.kind == FINAL or (self.kind == TRAIN and self.plan.privacy is None)
        return slots(self.shape.binary) if evaluates else 0

    @property
    def update_norm(self) -> float:
        """The L2 norm to which updates are clipped; statistics lie in -1..1 and so within the root of their number."""
        return math.sqrt(self.update_length) if self.kind == STATISTICS else self.plan.clip_norm

    @property
    def length(self) -> int:
        """The number of 32-bit words."""
        return self.update_length + self.evaluation_length

    @cached_property
    def multiplier(self) -> float:
        """The noise multiplier of every release of the job; 0 without a privacy target."""
        return noise_multiplier(self.plan)

    @cached_property
    def update_quantiser(self) -> Quantiser:
        """Values of an update lie within the clip norm, statistics in -1..1."""
        limit = 1.0 if self.kind == STATISTICS else self.update_norm
        return self._quantiser(limit, self.update_norm, self.update_length)

    @cached_property
    def evaluation_quantiser(self) -> Quantiser:
        """Values of an evaluation lie in 0..1."""
        return self._quantiser(1.0, NORM, self.evaluation_length)

    @property
    def release(self) -> Release | None:
        """What opening one such sum costs a home in it; None without noise. With noise a vector has one part only."""
        if self.plan.privacy is None:
            return None
        quantiser, norm = (
            (self.update_quantiser, self.update_norm) if self.update_length else (self.evaluation_quantiser, NORM)
        )
        part = math.sqrt(float(self._part_variance(quantiser, norm, self.length)))
        sensitivity = quantiser.sensitivity(norm, self.length)
        return Release(effective_multiplier(part, self.minimum, sensitivity, self.length))

    def words(self, update: Floats, evaluation: Floats, random: Random) -> Words:
        """A home's words for the sum.

        ``update`` (update_length,) is clipped here. ``random(n)`` gives n fresh bytes. Raises ``LengthWrong``,
        ``ValueNotFinite``, ``ValueOutOfRange``.
        """
        if update.shape != (self.update_length,) or evaluation.shape != (self.evaluation_length,):
            raise LengthWrong
        parts = []
        if self.update_length:
            norm, quantiser = self.update_norm, self.update_quantiser
            parts.append(self._noised(clip_to_norm(update, norm), quantiser, norm, random))
        if self.evaluation_length:
            parts.append(self._noised(clip_to_norm(evaluation, NORM), self.evaluation_quantiser, NORM, random))
        return np.concatenate(parts)

    def opened(self, total: Words) -> Opened:
        """What a sum says. Raises ``LengthWrong``."""
        if total.shape != (self.length,):
            raise LengthWrong
        cut = self.update_length
        update = dequantise(total[:cut], self.update_quantiser) if cut else np.zeros(0)
        evaluation = dequantise(total[cut:], self.evaluation_quantiser) if self.evaluation_length else np.zeros(0)
        return Opened(update, evaluation)

    def _noised(self, values: Floats, quantiser: Quantiser, norm: float, random: Random) -> Words:
        words = quantise(values, quantiser, random)
        if self.multiplier == 0.0:
            return words
        variance = self._part_variance(quantiser, norm, len(values))
        return noise_add(words, discrete_gaussian(variance, len(values), random))

    def _part_variance(self, quantiser: Quantiser, norm: float, length: int) -> Fraction:
        return hub_variance(central_variance(self.multiplier, quantiser.sensitivity(norm, length)), self.minimum)

    def _quantiser(self, limit: float, norm: float, length: int) -> Quantiser:
        """The finest steps with which the sum of all homes and their noise fits into 32 bits."""
        levels = LEVELS
        while levels >= _LEVELS_LEAST:
            plain = Quantiser(limit, self.homes, 0.0, levels) if self.homes * levels < 2**31 else None
            if plain is not None:
                whole = self.multiplier * plain.sensitivity(norm, max(length, 1))
                stddev = whole * math.sqrt(self.homes / self.minimum)
                if self.homes * levels + NOISE_TAIL * stddev < 2**31 - 2:
                    return Quantiser(limit, self.homes, stddev, levels)
            levels //= 2
        raise SumOverflows


@lru_cache(maxsize=64)
def noise_multiplier(plan: TrainingPlan) -> float:
    """The noise multiplier with which all releases of a plan, its rounds and its evaluation, stay within its epsilon.

    Raises ``PrivacyTargetInvalid``, ``PrivacyUnreachable``.
    """
    if plan.privacy is None:
        return 0.0
    return multiplier_for(plan.privacy.epsilon, plan.privacy.delta, plan.releases + 1)


def epsilon_spent(releases: list[Release], delta: float) -> float:
    """The epsilon of releases together at this delta."""
    return epsilon_of(releases, delta)
