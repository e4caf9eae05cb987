"""From the fields of the form or the API to a plan; what is wrong is said field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from enterprises.training.errors import PlanFieldsInvalid
from fedlearn.learners import errors as plan_errors
from fedlearn.learners.families import FAMILIES, family
from fedlearn.learners.plan import Hyper, Privacy, SecureSum, TrainingPlan, micro_of
from fedlearn.learners.plan_check import plan_check
from fedlearn.learners.table import Floats
from fedlearn.learners.templates import TEMPLATES, template
from fedlearn.protocol.plan import HONEST
from fedlearn.protocol.strategy import FEDADAM, FEDPROX, Strategy
from marketplace.common.errors import HearthError

DEFAULTS: Final[dict[str, Any]] = {
    "family": "linear",
    "learning_rate": "0.05",
    "l2": "0.0001",
    "hidden": (),
    "strategy": "fedavg",
    "mu": "0.01",
    "rounds": 10,
    "epochs": 2,
    "batch_size": 32,
    "cohort": 20,
    "minimum": 4,
    "deadline_s": 120,
    "clip": "2",
    "epsilon": "4",
    "delta": "0.00001",
    "group_size": 0,
    "dropout_percent": 30,
    "mode": HONEST,
    "reward": 10,
    "bonus": 0,
    "budget": 2000,
    "interval_s": 0,
}
_FIELDS: Final[dict[type[HearthError], str]] = {
    plan_errors.TemplateUnknown: "task",
    plan_errors.FamilyUnknown: "family",
    plan_errors.FamilyUnfit: "family",
    plan_errors.TooManyParameters: "hidden",
    plan_errors.PlanStrategyUnknown: "strategy",
    plan_errors.CohortInvalid: "minimum",
    plan_errors.GroupsInvalid: "group_size",
    plan_errors.PrivacyInvalid: "epsilon",
    plan_errors.BudgetTooSmall: "budget",
    plan_errors.ScheduleInvalid: "interval_s",
}
_TITLES: Final = {
    "rounds": "rounds",
    "fitted in one round": "rounds",
    "epochs": "epochs",
    "batch size": "batch_size",
    "deadline": "deadline_s",
    "clip norm": "clip",
    "learning rate": "learning_rate",
    "L2 weight": "l2",
    "hidden": "hidden",
    "mu": "mu",
    "dropouts": "dropout_percent",
    "reward": "reward",
    "bonus": "bonus",
    "budget": "budget",
}
NON_FIELD: Final = "non_field_errors"


def plan_make(fields: Mapping[str, Any], seed: int) -> TrainingPlan:
    """The plan that the fields say; numbers with a fraction come as text, and an epsilon of None means no noise.

    Raises ``PlanFieldsInvalid``.
    """
    told = {**DEFAULTS, **{name: value for name, value in fields.items() if value not in (None, "")}}
    noisy = fields.get("epsilon", told["epsilon"]) not in (None, "")
    wrong: dict[str, list[str]] = {}

    def micro(name: str) -> int:
        try:
            return micro_of(str(told[name]))
        except plan_errors.PlanValueInvalid as fault:
            wrong[name] = [fault.detail]
            return 1

    plan = TrainingPlan(
        task=str(told.get("task", "")),
        family=str(told["family"]),
        hyper=Hyper(micro("learning_rate"), micro("l2"), tuple(int(width) for width in told["hidden"])),
        strategy=_strategy(str(told["strategy"]), micro("mu")),
        rounds=int(told["rounds"]),
        epochs=int(told["epochs"]),
        batch_size=int(told["batch_size"]),
        cohort=int(told["cohort"]),
        minimum=int(told["minimum"]),
        deadline_s=int(told["deadline_s"]),
        clip_micro=micro("clip"),
        seed=seed,
        interval_s=int(told["interval_s"]),
        privacy=Privacy(micro("epsilon"), micro("delta")) if noisy else None,
        secure_sum=SecureSum(str(told["mode"]), int(told["dropout_percent"]) * 10),
        group_size=int(told["group_size"]),
        reward_credits=int(told["reward"]),
        bonus_credits=int(told["bonus"]),
        budget_credits=int(told["budget"]),
    )
    if wrong:
        raise PlanFieldsInvalid(wrong)
    return _checked(plan)


def _checked(plan: TrainingPlan) -> TrainingPlan:
    try:
        plan_check(plan)
    except HearthError as fault:
        raise PlanFieldsInvalid({_field_of(fault): [fault.detail]}) from fault
    return plan


def parameters_first(plan: TrainingPlan) -> Floats:
    """The parameters that a job starts from: they follow from the plan, so their hash stands on the ledger."""
    return family(plan.family).parameters_new(plan, np.random.default_rng(plan.seed))


def needed_classes(task: str) -> list[str]:
    """The device classes that a task can't do without, or of which it needs one, sorted. Raises ``TemplateUnknown``."""
    needs = template(task).needs
    return sorted({name for need in needs if not need.optional for name, _ in need.sources})


def helpful_classes(task: str) -> list[str]:
    """The device classes that it can use besides, sorted."""
    found = {name for need in template(task).needs for name, _ in need.sources}
    return sorted(found - set(needed_classes(task)))


def families_of(task: str) -> list[str]:
    """The families that can learn a task."""
    return [name for name, entry in FAMILIES.items() if entry.fits(TEMPLATES[task])]


def _strategy(name: str, mu: int) -> Strategy:
    if name == FEDPROX:
        return Strategy(name, prox_micro=mu)
    return Strategy(name, server_rate_micro=30_000) if name == FEDADAM else Strategy(name)


def _field_of(fault: HearthError) -> str:
    found = _FIELDS.get(type(fault))
    if found is None:
        found = next((name for title, name in _TITLES.items() if title in fault.detail), NON_FIELD)
    return found
