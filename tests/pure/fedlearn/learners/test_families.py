"""One test class for every family, and what each alone promises."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.crypto.prg import SeededRandom
from fedlearn.learners.errors import (
    FamilyUnknown,
    ParametersNotFinite,
    ParametersWrongShape,
    SumsSingular,
    TableInvalid,
    TrainingDiverged,
)
from fedlearn.learners.families import FAMILIES, family
from fedlearn.learners.families.base import Shape
from fedlearn.learners.families.mlp import gradient
from fedlearn.learners.families.ridge import ROWS_UNIT, solve, sums_of, unpack
from fedlearn.learners.plan import Hyper, TrainingPlan
from fedlearn.learners.templates import template
from fedlearn.protocol.quantise import Quantiser, dequantise, quantise
from fedlearn.protocol.strategy import Strategy
from tests.pure.fedlearn.learners.world import plan_of


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def sample(plan: TrainingPlan, rows: int = 200, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Rows whose label depends on the features, with noise."""
    dice, task = rng(seed), template(plan.task)
    x = dice.normal(size=(rows, len(task.features)))
    truth = x @ np.linspace(-1, 1, x.shape[1]) + 0.5
    if task.binary:
        return x, (truth + dice.logistic(size=rows) > 0).astype(np.float64)
    return x, truth + dice.normal(0, 0.1, rows)


class FamilyContract:
    """What holds for every family."""

    plan: TrainingPlan

    def after(self, plan: TrainingPlan, x: np.ndarray, y: np.ndarray, rounds: int = 10) -> np.ndarray:
        chosen = family(plan.family)
        parameters = chosen.parameters_new(plan, rng())
        for number in range(rounds):
            update = chosen.local_update(parameters, x, y, plan, rng(number))
            parameters = chosen.solve(update, plan) if chosen.one_round else parameters + update
        return parameters

    def test_learning_lowers_the_loss_on_rows_it_never_saw(self):
        x, y = sample(self.plan)
        unseen = sample(self.plan, seed=4)
        chosen, shape = family(self.plan.family), family(self.plan.family).shape(self.plan)
        start = chosen.parameters_new(self.plan, rng())
        learnt = self.after(self.plan, x, y)
        assert chosen.loss(learnt, *unseen, shape) < 0.8 * chosen.loss(start, *unseen, shape)

    def test_the_same_generator_gives_the_same_update_and_nothing_handed_in_is_changed(self):
        x, y = sample(self.plan)
        chosen = family(self.plan.family)
        parameters = chosen.parameters_new(self.plan, rng())
        kept = parameters.copy(), x.copy(), y.copy()
        first = chosen.local_update(parameters, x, y, self.plan, rng(7))
        second = chosen.local_update(parameters, x, y, self.plan, rng(7))
        assert (first == second).all()
        assert all((now == then).all() for now, then in zip((parameters, x, y), kept, strict=True))

    def test_an_update_has_the_length_that_the_plan_says(self):
        x, y = sample(self.plan)
        chosen = family(self.plan.family)
        parameters = chosen.parameters_new(self.plan, rng())
        assert len(parameters) == chosen.shape(self.plan).length
        for rows in (200, 1, 0):
            update = chosen.local_update(parameters, x[:rows], y[:rows], self.plan, rng())
            assert update.shape == (chosen.update_length(self.plan),)
            assert rows or not update.any()

    def test_predictions_are_one_for_each_row(self):
        x, y = sample(self.plan)
        chosen, shape = family(self.plan.family), family(self.plan.family).shape(self.plan)
        predicted = chosen.predict(self.after(self.plan, x, y), x, shape)
        assert predicted.shape == y.shape
        assert not shape.binary or ((predicted > 0) & (predicted < 1)).all()

    @pytest.mark.parametrize("change", ["nan", "short", "flat"])
    def test_rows_that_are_no_table_are_refused(self, change):
        x, y = sample(self.plan)
        chosen = family(self.plan.family)
        parameters = chosen.parameters_new(self.plan, rng())
        if change == "nan":
            x[3, 2] = np.nan
        bad = {"nan": (x, y), "short": (x, y[:-1]), "flat": (x[:, :-1], y)}[change]
        with pytest.raises(TableInvalid):
            chosen.local_update(parameters, *bad, self.plan, rng())

    def test_parameters_that_are_none_predict_nothing(self):
        x, _ = sample(self.plan)
        chosen, shape = family(self.plan.family), family(self.plan.family).shape(self.plan)
        with pytest.raises(ParametersWrongShape):
            chosen.predict(np.zeros(shape.length + 1), x, shape)
        with pytest.raises(ParametersNotFinite):
            chosen.predict(np.full(shape.length, np.inf), x, shape)


class StepsContract(FamilyContract):
    """What holds for the families that learn in steps."""

    def test_fedprox_keeps_the_update_short_the_more_so_the_larger_mu(self):
        x, y = sample(self.plan)
        norms = []
        for mu in (0, 1_000_000, 100_000_000):
            plan = msgspec.structs.replace(self.plan, epochs=5, strategy=Strategy("fedprox", prox_micro=mu))
            norms.append(np.linalg.norm(self.after(plan, x, y, 1) - family(plan.family).parameters_new(plan, rng())))
        assert norms[0] > norms[1] > norms[2] > 0

    def test_fedprox_with_mu_of_nothing_is_fedavg(self):
        x, y = sample(self.plan)
        plan = msgspec.structs.replace(self.plan, strategy=Strategy("fedprox"))
        assert (self.after(plan, x, y) == self.after(self.plan, x, y)).all()


class DivergesContract:
    """What holds for numbers; a yes-or-no task's slope is bounded, so its steps are."""

    plan: TrainingPlan

    def test_a_step_that_is_far_too_large_is_told_and_not_sent(self):
        plan = msgspec.structs.replace(
            self.plan, epochs=50, hyper=msgspec.structs.replace(self.plan.hyper, learning_rate_micro=10**7)
        )
        x, y = sample(plan)
        chosen = family(plan.family)
        with pytest.raises(TrainingDiverged):
            chosen.local_update(chosen.parameters_new(plan, rng()), 8 * x, 1e3 * y, plan, rng())


class OneClassContract:
    """What holds for yes-or-no tasks."""

    plan: TrainingPlan

    @pytest.mark.parametrize("only", [0.0, 1.0])
    def test_a_home_with_one_class_learns_that_class(self, only):
        x, _ = sample(self.plan)
        chosen, shape = family(self.plan.family), family(self.plan.family).shape(self.plan)
        parameters = chosen.parameters_new(self.plan, rng())
        before = chosen.predict(parameters, x, shape).mean()
        update = chosen.local_update(parameters, x, np.full(len(x), only), self.plan, rng())
        after = chosen.predict(parameters + update, x, shape).mean()
        assert abs(after - only) < abs(before - only)

    def test_labels_other_than_yes_and_no_are_refused(self):
        x, y = sample(self.plan)
        chosen = family(self.plan.family)
        with pytest.raises(TableInvalid):
            chosen.local_update(chosen.parameters_new(self.plan, rng()), x, y * 0.5, self.plan, rng())


class TestLinear(StepsContract, DivergesContract):
    plan = plan_of("next_hour_load", "linear", hyper=Hyper(10_000, 100))

    def test_the_steps_are_those_of_stochastic_gradient_descent(self):
        x, y = sample(self.plan, rows=50)
        start = rng(9).normal(size=x.shape[1] + 1)
        weights, intercept, eta = start[:-1].copy(), start[-1], self.plan.learning_rate
        for row in rng(7).permutation(len(y)):
            slope = x[row] @ weights + intercept - y[row]
            weights = weights * (1 - eta * self.plan.l2) - eta * slope * x[row]
            intercept -= eta * slope
        update = family("linear").local_update(start, x, y, self.plan, rng(7))
        assert start + update == pytest.approx(np.append(weights, intercept), abs=1e-9)


class TestLogistic(StepsContract, OneClassContract):
    plan = plan_of("occupancy", "logistic", hyper=Hyper(10_000, 100))


class TestMlp(StepsContract, DivergesContract):
    plan = plan_of("next_hour_load", "mlp", hyper=Hyper(50_000, 0, (8,)))


class TestMlpBinary(StepsContract, OneClassContract):
    plan = plan_of("comfort", "mlp", hyper=Hyper(100_000, 0, (8, 4)))


class TestRidge(FamilyContract):
    plan = plan_of("next_hour_load", "ridge", hyper=Hyper(1, 1_000), rounds=1)

    def test_the_summed_homes_give_the_closed_form_of_all_rows(self):
        homes = [sample(self.plan, rows, rows) for rows in (30, 200, 57)]
        total = np.sum([sums_of(x, y) for x, y in homes], axis=0)
        x, y = (np.concatenate(part) for part in zip(*homes, strict=True))
        full = np.column_stack((x, np.ones(len(y))))
        penalty = np.diag([self.plan.l2 * len(y)] * x.shape[1] + [0.0])
        closed = np.linalg.solve(full.T @ full + penalty, full.T @ y)
        assert family("ridge").solve(total, self.plan) == pytest.approx(closed, abs=1e-8)

    def test_a_quantised_sum_is_close_to_it(self):
        homes = [sample(self.plan, 200, seed) for seed in range(4)]
        exact = np.sum([sums_of(x, y) for x, y in homes], axis=0)
        quantiser = Quantiser(4.0, len(homes))
        words = [quantise(sums_of(x, y), quantiser, SeededRandom(bytes([n]) * 32)) for n, (x, y) in enumerate(homes)]
        total = dequantise(np.sum(words, axis=0, dtype=np.uint32), quantiser)
        chosen = family("ridge")
        assert chosen.solve(total, self.plan) == pytest.approx(chosen.solve(exact, self.plan), abs=1e-3)

    def test_the_packed_triangle_is_the_square_it_came_from(self):
        x, y = sample(self.plan, 20)
        full = np.column_stack((x, np.ones(20), y))
        assert unpack(sums_of(x, y), x.shape[1]) * ROWS_UNIT == pytest.approx(full.T @ full)

    def test_scaling_a_home_s_sums_down_is_giving_its_rows_less_weight(self):
        (x1, y1), (x2, y2) = sample(self.plan, 80, 1), sample(self.plan, 80, 2)
        half = solve(sums_of(x1, y1) + 0.5 * sums_of(x2, y2), x1.shape[1], 0.0)
        weights = np.sqrt(np.repeat([1.0, 0.5], 80))
        full = np.column_stack((np.concatenate((x1, x2)), np.ones(160))) * weights[:, None]
        direct = np.linalg.lstsq(full, np.concatenate((y1, y2)) * weights, rcond=None)[0]
        assert half == pytest.approx(direct, abs=1e-8)

    def test_noise_that_makes_the_sums_indefinite_still_gives_a_model_where_there_is_a_penalty(self):
        x, y = sample(self.plan, 200)
        noisy = sums_of(x, y) + rng().normal(0, 0.2, len(sums_of(x, y)))
        assert np.linalg.eigvalsh(unpack(noisy, x.shape[1])[:-1, :-1])[0] < 0
        assert np.isfinite(solve(noisy, x.shape[1], 0.5)).all()

    def test_sums_without_rows_or_of_another_width_are_refused(self):
        inputs = family("ridge").shape(self.plan).inputs
        length = family("ridge").update_length(self.plan)
        with pytest.raises(SumsSingular):
            solve(np.zeros(length), inputs, 0.0)
        with pytest.raises(SumsSingular):
            solve(sums_of(*sample(self.plan, 3)), inputs, 0.0)
        with pytest.raises(ParametersWrongShape):
            solve(np.zeros(length - 1), inputs, 0.0)
        with pytest.raises(ParametersNotFinite):
            solve(np.full(length, np.nan), inputs, 0.0)


@given(st.booleans(), st.lists(st.integers(1, 5), max_size=3), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_the_mlp_s_gradient_is_that_of_finite_differences(binary, hidden, seed):
    dice = rng(seed)
    shape = Shape("mlp", 4, tuple(hidden), binary)
    x, parameters = dice.normal(size=(6, 4)), dice.normal(size=shape.length)
    y = (dice.random(6) < 0.5).astype(float) if binary else dice.normal(size=6)
    l2, step = 0.03, 1e-5
    weights = np.concatenate(
        [np.append(np.ones(inputs * outputs), np.zeros(outputs)) for inputs, outputs in shape.layers]
    )

    def objective(at: np.ndarray) -> float:
        return family("mlp").loss(at, x, y, shape) + 0.5 * l2 * float((weights * at**2).sum())

    slope = gradient(parameters, x, y, shape, l2)
    for place in range(shape.length):
        move = np.zeros(shape.length)
        move[place] = step
        measured = (objective(parameters + move) - objective(parameters - move)) / (2 * step)
        assert slope[place] == pytest.approx(measured, rel=1e-4, abs=1e-6)


def test_there_are_four_families_and_no_other():
    assert set(FAMILIES) == {"linear", "logistic", "mlp", "ridge"}
    with pytest.raises(FamilyUnknown):
        family("forest")
