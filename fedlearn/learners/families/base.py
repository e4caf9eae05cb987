"""What all model families have in common: parameters are one flat vector, and a shape that says how to read it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import ClassVar, Final

import numpy as np

from chain.core.types import Name, Record, Uint
from fedlearn.learners.errors import ParametersNotFinite, ParametersWrongShape, TableInvalid, TrainingDiverged
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.table import Floats, Template
from fedlearn.learners.templates import template

DIVERGED: Final = 1e9
"""Features are scaled to about 1, so no model that learns has a weight like this; clipped, it would be a full vote."""


class Shape(Record):
    """How a flat parameter vector is to be read: family, number of features, hidden widths, and kind of output.

    Layer by layer it holds the weights (inputs, outputs) in rows and then the intercepts.
    """

    family: Name
    inputs: Uint
    hidden: tuple[Uint, ...] = ()
    binary: bool = False

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of each layer."""
        return tuple(pairwise((self.inputs, *self.hidden, 1)))

    @property
    def length(self) -> int:
        """The number of parameters."""
        return sum((inputs + 1) * outputs for inputs, outputs in self.layers)


class Family(ABC):
    """A model family. Deterministic: chance comes from the generator that is handed in.

    ``one_round`` families send sums instead of a difference of parameters, and ``solve`` makes the model of them.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    one_round: ClassVar[bool] = False
    hidden_allowed: ClassVar[bool] = False

    @abstractmethod
    def fits(self, task: Template) -> bool:
        """Whether the family can learn the template's kind of label."""

    def shape(self, plan: TrainingPlan) -> Shape:
        """The shape of the plan's model. Raises ``TemplateUnknown``."""
        task = template(plan.task)
        hidden = plan.hyper.hidden if self.hidden_allowed else ()
        return Shape(self.name, len(task.features), hidden, task.binary)

    def update_length(self, plan: TrainingPlan) -> int:
        """The number of values that a home sends in a round."""
        return self.shape(plan).length

    def parameters_new(self, plan: TrainingPlan, rng: np.random.Generator) -> Floats:
        """The parameters that a job without a predecessor starts from: zeros, where nothing else is said."""
        return np.zeros(self.shape(plan).length)

    @abstractmethod
    def local_update(
        self, parameters: Floats, x: Floats, y: Floats, plan: TrainingPlan, rng: np.random.Generator
    ) -> Floats:
        """What a home adds to the round's sum, not yet clipped.

        ``parameters`` (length,), ``x`` (rows, features), ``y`` (rows,). Without rows it is zeros. Raises
        ``ParametersWrongShape``, ``ParametersNotFinite``, ``TableInvalid``, ``TrainingDiverged``.
        """

    @abstractmethod
    def predict(self, parameters: Floats, x: Floats, shape: Shape) -> Floats:
        """The predicted values (rows,), for binary tasks the chance of a 1."""

    def loss(self, parameters: Floats, x: Floats, y: Floats, shape: Shape) -> float:
        """Half the mean squared error, or the mean log loss, without the L2 part; NaN for no rows."""
        return float(np.mean(self.losses(parameters, x, y, shape))) if len(y) else float("nan")

    def losses(self, parameters: Floats, x: Floats, y: Floats, shape: Shape) -> Floats:
        """Each row's loss (rows,)."""
        predicted = self.predict(parameters, x, shape)
        if not shape.binary:
            half: Floats = 0.5 * (predicted - y) ** 2
            return half
        chance = np.clip(predicted, 1e-12, 1.0 - 1e-12)
        return -(y * np.log(chance) + (1.0 - y) * np.log1p(-chance))

    def solve(self, total: Floats, plan: TrainingPlan) -> Floats:
        """The parameters that the summed updates of a one-round family determine."""
        raise NotImplementedError


def parameters_check(parameters: Floats, shape: Shape) -> None:
    """Raises ``ParametersWrongShape`` or ``ParametersNotFinite``."""
    if parameters.ndim != 1 or len(parameters) != shape.length:
        raise ParametersWrongShape
    if not np.isfinite(parameters).all():
        raise ParametersNotFinite


def table_check(x: Floats, y: Floats, shape: Shape) -> None:
    """Raises ``TableInvalid`` unless x is (rows, features) and y (rows,), all finite, labels of binary tasks 0 or 1."""
    if x.ndim != 2 or y.ndim != 1 or x.shape != (len(y), shape.inputs):
        raise TableInvalid
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise TableInvalid
    if shape.binary and not np.isin(y, (0.0, 1.0)).all():
        raise TableInvalid


def difference(after: Floats, before: Floats) -> Floats:
    """What training changed; raises ``TrainingDiverged`` if any value went beyond ``DIVERGED``."""
    delta: Floats = after - before
    if not np.isfinite(delta).all() or (np.abs(delta) > DIVERGED).any():
        raise TrainingDiverged
    return delta
