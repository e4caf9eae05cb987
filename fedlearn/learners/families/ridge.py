"""Ridge regression, exact in one round: the sums of X'X, X'y and y'y over all homes determine the model.

A home sends the upper triangle of A'A for A = (X, 1, y), row by row, in thousands of rows. It can be masked and added
up like any update. Clipping it to a norm gives the home's rows a lower weight and changes nothing else.
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from fedlearn.learners.errors import ParametersNotFinite, ParametersWrongShape, SumsSingular
from fedlearn.learners.families.base import Family, Shape, table_check
from fedlearn.learners.families.sgd import linear_values
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.table import Floats, Template

ROWS_UNIT: Final = 1000.0


class Ridge(Family):
    """Squared error plus ``l2 / 2`` times the squared norm of the coefficients; the intercept is free."""

    name: ClassVar[str] = "ridge"
    title: ClassVar[str] = "Ridge regression (one round)"
    one_round: ClassVar[bool] = True

    def fits(self, task: Template) -> bool:
        """Numbers."""
        return not task.binary

    def update_length(self, plan: TrainingPlan) -> int:
        """The upper triangle of a square of features, intercept and label."""
        width = self.shape(plan).inputs + 2
        return width * (width + 1) // 2

    def local_update(
        self, parameters: Floats, x: Floats, y: Floats, plan: TrainingPlan, rng: np.random.Generator
    ) -> Floats:
        """The home's sums; they depend neither on the parameters nor on chance."""
        table_check(x, y, self.shape(plan))
        return sums_of(x, y)

    def predict(self, parameters: Floats, x: Floats, shape: Shape) -> Floats:
        """The predicted label (rows,). Raises ``ParametersWrongShape``, ``ParametersNotFinite``."""
        return linear_values(parameters, x, shape)

    def solve(self, total: Floats, plan: TrainingPlan) -> Floats:
        """Coefficients and intercept of the summed updates (``update_length``,).

        Raises ``ParametersWrongShape``, ``ParametersNotFinite``, ``SumsSingular``.
        """
        return solve(total, self.shape(plan).inputs, plan.l2)


def sums_of(x: Floats, y: Floats) -> Floats:
    """The upper triangle of A'A / 1000 for A = (x, 1, y)."""
    full = np.column_stack((x, np.ones(len(y)), y))
    return (full.T @ full / ROWS_UNIT)[np.triu_indices(full.shape[1])]


def unpack(total: Floats, inputs: int) -> Floats:
    """The symmetric matrix (inputs + 2, inputs + 2) of a packed upper triangle."""
    width = inputs + 2
    if total.ndim != 1 or len(total) != width * (width + 1) // 2:
        raise ParametersWrongShape
    if not np.isfinite(total).all():
        raise ParametersNotFinite
    square = np.zeros((width, width))
    square[np.triu_indices(width)] = total
    return square + np.triu(square, 1).T


def solve(total: Floats, inputs: int, l2: float) -> Floats:
    """The coefficients and the intercept that minimise mean squared error / 2 + l2 / 2 |w|^2 over all summed rows.

    Noise may have made the matrix indefinite. Then its negative eigenvalues are set to 0 first, which is the nearest
    matrix that sums of squares can make.
    """
    square = unpack(total, inputs)
    rows = square[inputs, inputs]
    if rows <= 0:
        raise SumsSingular
    left, right = square[:-1, :-1], square[:-1, -1]
    penalty = np.diag([*np.full(inputs, l2 * rows), 0.0])
    values = np.linalg.eigvalsh(left + penalty)
    if values[0] <= 0:
        spectrum, vectors = np.linalg.eigh(left)
        left = (vectors * np.maximum(spectrum, 0.0)) @ vectors.T
        values = np.linalg.eigvalsh(left + penalty)
    if values[0] <= 1e-12 * values[-1]:
        raise SumsSingular
    return np.asarray(np.linalg.solve(left + penalty, right), dtype=np.float64)
