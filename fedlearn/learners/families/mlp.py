"""A small multilayer perceptron: tanh layers, mini-batch gradient descent, backpropagation in numpy."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from fedlearn.learners.families.base import Family, Shape, difference, parameters_check, table_check
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.table import Floats, Template

Layer = tuple[Floats, Floats]


class Mlp(Family):
    """tanh hidden layers; the output is linear for numbers and a logistic function for yes or no."""

    name: ClassVar[str] = "mlp"
    title: ClassVar[str] = "Small neural network"
    hidden_allowed: ClassVar[bool] = True

    def fits(self, task: Template) -> bool:
        """Both kinds of label."""
        return True

    def parameters_new(self, plan: TrainingPlan, rng: np.random.Generator) -> Floats:
        """Uniform weights by Glorot and Bengio 2010, intercepts 0."""
        parts: list[Floats] = []
        for inputs, outputs in self.shape(plan).layers:
            limit = np.sqrt(6.0 / (inputs + outputs))
            parts += [rng.uniform(-limit, limit, inputs * outputs), np.zeros(outputs)]
        return np.concatenate(parts)

    def local_update(
        self, parameters: Floats, x: Floats, y: Floats, plan: TrainingPlan, rng: np.random.Generator
    ) -> Floats:
        """See ``Family``. Batches of ``plan.batch_size`` rows in a new order in each epoch."""
        shape = self.shape(plan)
        parameters_check(parameters, shape)
        table_check(x, y, shape)
        if not len(y):
            return np.zeros_like(parameters)
        now = parameters.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(plan.epochs):
                order = rng.permutation(len(y))
                for first in range(0, len(y), plan.batch_size):
                    rows = order[first : first + plan.batch_size]
                    slope = gradient(now, x[rows], y[rows], shape, plan.l2)
                    pull = plan.learning_rate * plan.prox
                    # FedProx's part as an implicit step, which is stable for any mu.
                    now = (now - plan.learning_rate * slope + pull * parameters) / (1.0 + pull)
        return difference(now, parameters)

    def predict(self, parameters: Floats, x: Floats, shape: Shape) -> Floats:
        """The predicted label, or the chance of a 1 (rows,).

        Raises ``ParametersWrongShape``, ``ParametersNotFinite``, ``TableInvalid``.
        """
        parameters_check(parameters, shape)
        table_check(x, np.zeros(len(x)), shape)
        return _output(_forward(_layers(parameters, shape), x)[-1], shape)


def gradient(parameters: Floats, x: Floats, y: Floats, shape: Shape, l2: float) -> Floats:
    """The slope (length,) of the rows' mean loss plus ``l2 / 2`` times the squared norm of the weights."""
    layers = _layers(parameters, shape)
    values = _forward(layers, x)
    # Half the squared error with a linear output and the log loss with a logistic one have the same slope here.
    error = ((_output(values[-1], shape) - y) / len(y)).reshape(-1, 1)
    parts: list[Floats] = []
    for place in range(len(layers) - 1, -1, -1):
        weights = layers[place][0]
        parts += [error.sum(axis=0), (values[place].T @ error + l2 * weights).ravel()]
        if place:
            error = (error @ weights.T) * (1.0 - values[place] ** 2)
    return np.concatenate(parts[::-1])


def _layers(parameters: Floats, shape: Shape) -> list[Layer]:
    found: list[Layer] = []
    at = 0
    for inputs, outputs in shape.layers:
        weights = parameters[at : at + inputs * outputs].reshape(inputs, outputs)
        at += inputs * outputs
        found.append((weights, parameters[at : at + outputs]))
        at += outputs
    return found


def _forward(layers: list[Layer], x: Floats) -> list[Floats]:
    """The input of each layer, and the output of the last (rows, 1) before the output function."""
    values = [x]
    for weights, intercepts in layers[:-1]:
        values.append(np.tanh(values[-1] @ weights + intercepts))
    weights, intercepts = layers[-1]
    return [*values, values[-1] @ weights + intercepts]


def _output(last: Floats, shape: Shape) -> Floats:
    from scipy.special import expit  # see sgd.py: most processes never train

    out: Floats = expit(last.ravel()) if shape.binary else last.ravel()
    return out
