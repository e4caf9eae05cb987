"""Linear and logistic models by scikit-learn's stochastic gradient descent, from given parameters onwards.

FedProx (Li et al. 2020) adds mu/2 times the squared distance from the round's first parameters. scikit-learn has no
such term, so after each batch of b rows its implicit step follows: w becomes (w + b eta mu w0) / (1 + b eta mu), which
is stable for any mu.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fedlearn.learners.errors import TrainingDiverged
from fedlearn.learners.families.base import Family, Shape, difference, parameters_check, table_check
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.table import Floats, Template


class _Sgd(Family):
    """Coefficients, then the intercept."""

    def local_update(
        self, parameters: Floats, x: Floats, y: Floats, plan: TrainingPlan, rng: np.random.Generator
    ) -> Floats:
        """See ``Family``. Rows come in a new order in each epoch; a home with one class only is no special case."""
        shape = self.shape(plan)
        parameters_check(parameters, shape)
        table_check(x, y, shape)
        if not len(y):
            return np.zeros_like(parameters)
        model = self._model(parameters, plan)
        try:
            for _ in range(plan.epochs):
                order = rng.permutation(len(y))
                self._epoch(model, x[order], y[order], parameters, plan)
        except ValueError as fault:
            # The table is checked above, so all that scikit-learn can object to is an overflow.
            raise TrainingDiverged from fault
        return difference(np.append(model.coef_.ravel(), model.intercept_), parameters)

    def _epoch(self, model: Any, x: Floats, y: Floats, start: Floats, plan: TrainingPlan) -> None:
        step = plan.batch_size if plan.prox else len(y)
        for first in range(0, len(y), step):
            rows = slice(first, first + step)
            model.partial_fit(x[rows], y[rows])
            if plan.prox:
                pull = len(y[rows]) * plan.learning_rate * plan.prox
                model.coef_ += (start[:-1].reshape(model.coef_.shape) - model.coef_) * (pull / (1.0 + pull))
                model.intercept_ += (start[-1:] - model.intercept_) * (pull / (1.0 + pull))

    def _model(self, parameters: Floats, plan: TrainingPlan) -> Any:
        raise NotImplementedError


def _settings(plan: TrainingPlan) -> dict[str, Any]:
    return {"alpha": plan.l2, "learning_rate": "constant", "eta0": plan.learning_rate, "shuffle": False}


class Linear(_Sgd):
    """Linear regression by squared error."""

    name: ClassVar[str] = "linear"
    title: ClassVar[str] = "Linear model (SGD)"

    def fits(self, task: Template) -> bool:
        """Numbers."""
        return not task.binary

    def predict(self, parameters: Floats, x: Floats, shape: Shape) -> Floats:
        """The predicted label (rows,). Raises ``ParametersWrongShape``, ``ParametersNotFinite``."""
        return linear_values(parameters, x, shape)

    def _model(self, parameters: Floats, plan: TrainingPlan) -> Any:
        # Here, because scikit-learn takes a second to import and most processes never train.
        from sklearn.linear_model import SGDRegressor

        model = SGDRegressor(loss="squared_error", **_settings(plan))
        model.coef_, model.intercept_, model.t_ = parameters[:-1].copy(), parameters[-1:].copy(), 1.0
        return model


class Logistic(_Sgd):
    """Logistic regression."""

    name: ClassVar[str] = "logistic"
    title: ClassVar[str] = "Logistic model (SGD)"

    def fits(self, task: Template) -> bool:
        """Yes or no."""
        return task.binary

    def predict(self, parameters: Floats, x: Floats, shape: Shape) -> Floats:
        """The chance of a 1 (rows,). Raises ``ParametersWrongShape``, ``ParametersNotFinite``."""
        from scipy.special import expit

        chance: Floats = expit(linear_values(parameters, x, shape))
        return chance

    def _model(self, parameters: Floats, plan: TrainingPlan) -> Any:
        # Here, because scikit-learn takes a second to import and most processes never train.
        from sklearn.linear_model import SGDClassifier

        model = SGDClassifier(loss="log_loss", **_settings(plan))
        # Both classes are known beforehand, whatever the home has seen.
        model.classes_ = np.array([0.0, 1.0])
        model.coef_, model.intercept_ = parameters[:-1].reshape(1, -1).copy(), parameters[-1:].copy()
        model.t_ = 1.0
        return model


def linear_values(parameters: Floats, x: Floats, shape: Shape) -> Floats:
    """x times the coefficients, plus the intercept (rows,)."""
    parameters_check(parameters, shape)
    table_check(x, np.zeros(len(x)), shape)
    values: Floats = x @ parameters[:-1] + parameters[-1]
    return values
