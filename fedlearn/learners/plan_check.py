"""Whether a plan can be followed, told before anything is paid."""

from __future__ import annotations

from typing import Final

from fedlearn.learners import plan as words
from fedlearn.learners.errors import (
    BudgetTooSmall,
    CohortInvalid,
    FamilyUnfit,
    GroupsInvalid,
    PlanStrategyUnknown,
    PlanValueInvalid,
    PrivacyInvalid,
    ScheduleInvalid,
    TooManyParameters,
)
from fedlearn.learners.families import family
from fedlearn.learners.plan import MICRO, TrainingPlan
from fedlearn.learners.templates import template
from fedlearn.protocol.groups import GROUP_MIN
from fedlearn.protocol.strategy import FEDPROX, STRATEGIES

PARAMETERS_MAX: Final = 200_000
ROUNDS_MAX: Final = 500
EPOCHS_MAX: Final = 50
BATCH_MAX: Final = 8192
COHORT_MIN, COHORT_MAX = 3, 2000
DEADLINE_MIN_S, DEADLINE_MAX_S = 10, 7 * 86_400
INTERVAL_MAX_S: Final = 366 * 86_400
CLIP_MAX_MICRO: Final = 10**6 * MICRO
DROPOUT_MAX_PM: Final = 500
HIDDEN_LAYERS_MAX, HIDDEN_WIDTH_MAX = 4, 1024
GROUPS_MIN: Final = 3
EPSILON_MAX_MICRO: Final = 100 * MICRO
CREDITS_MAX: Final = 10**12


def plan_check(plan: TrainingPlan) -> None:
    """Raise unless hubs and enterprise can follow the plan.

    Raises:
        TemplateUnknown, FamilyUnknown, PlanStrategyUnknown
        PlanValueInvalid, FamilyUnfit, TooManyParameters, CohortInvalid, GroupsInvalid, PrivacyInvalid, BudgetTooSmall,
        ScheduleInvalid
    """
    if plan.format != words.FORMAT:
        raise PlanValueInvalid("This form of plan is not known here.")
    _model_check(plan)
    _strategy_check(plan)
    _within("rounds", plan.rounds, 1, ROUNDS_MAX)
    _within("epochs", plan.epochs, 1, EPOCHS_MAX)
    _within("batch size", plan.batch_size, 1, BATCH_MAX)
    _within("deadline in seconds", plan.deadline_s, DEADLINE_MIN_S, DEADLINE_MAX_S)
    _within("clip norm in millionths", plan.clip_micro, 1, CLIP_MAX_MICRO)
    _cohort_check(plan)
    _privacy_check(plan)
    _money_check(plan)
    _within("interval in seconds", plan.interval_s, 0, INTERVAL_MAX_S)
    if plan.interval_s and plan.interval_s < plan.releases * plan.deadline_s:
        raise ScheduleInvalid


def _model_check(plan: TrainingPlan) -> None:
    chosen, task = family(plan.family), template(plan.task)
    if not chosen.fits(task):
        raise FamilyUnfit(f"The family {chosen.name} can't learn {task.name}.")
    if plan.scaling not in words.SCALINGS:
        raise PlanValueInvalid("There is no such scaling.")
    _within("learning rate in millionths", plan.hyper.learning_rate_micro, 1, 10 * MICRO)
    _within("L2 weight in millionths", plan.hyper.l2_micro, 0, 1000 * MICRO)
    if plan.hyper.hidden and not chosen.hidden_allowed:
        raise FamilyUnfit(f"The family {chosen.name} has no hidden layers.")
    _within("number of hidden layers", len(plan.hyper.hidden), 0, HIDDEN_LAYERS_MAX)
    for width in plan.hyper.hidden:
        _within("width of a hidden layer", width, 1, HIDDEN_WIDTH_MAX)
    if max(chosen.shape(plan).length, chosen.update_length(plan)) > PARAMETERS_MAX:
        raise TooManyParameters(f"A model may have {PARAMETERS_MAX:,} parameters.")
    if chosen.one_round and plan.rounds != 1:
        raise PlanValueInvalid(f"The family {chosen.name} is fitted in one round.")


def _strategy_check(plan: TrainingPlan) -> None:
    chosen = plan.strategy
    if chosen.name not in STRATEGIES:
        raise PlanStrategyUnknown
    _within("mu in millionths", chosen.prox_micro, 0, 1000 * MICRO)
    _within("server rate in millionths", chosen.server_rate_micro, 1, 10 * MICRO)
    _within("beta1 in millionths", chosen.beta1_micro, 0, MICRO - 1)
    _within("beta2 in millionths", chosen.beta2_micro, 0, MICRO - 1)
    _within("tau in millionths", chosen.tau_micro, 1, MICRO)
    if chosen.prox_micro and chosen.name != FEDPROX:
        raise PlanValueInvalid("Only FedProx has a mu.")


def _cohort_check(plan: TrainingPlan) -> None:
    if not COHORT_MIN <= plan.cohort <= COHORT_MAX or not COHORT_MIN - 1 <= plan.minimum <= plan.cohort:
        raise CohortInvalid(f"A cohort has {COHORT_MIN} to {COHORT_MAX} homes, and the minimum is at most that.")
    if plan.secure_sum.mode not in words.SECAGG_MODES:
        raise PlanValueInvalid("There is no such mode of secure aggregation.")
    _within("dropouts per mille", plan.secure_sum.dropout_pm, 0, DROPOUT_MAX_PM)
    if plan.group_size == 0:
        return
    if plan.group_size < GROUP_MIN or plan.cohort // plan.group_size < GROUPS_MIN:
        raise GroupsInvalid
    if family(plan.family).one_round:
        raise GroupsInvalid("Sums of a one-round family are not averaged in groups.")


def _privacy_check(plan: TrainingPlan) -> None:
    if plan.privacy is None:
        return
    if not 1 <= plan.privacy.epsilon_micro <= EPSILON_MAX_MICRO:
        raise PrivacyInvalid("Epsilon is above 0 and at most 100.")
    if not 1 <= plan.privacy.delta_micro * plan.cohort <= MICRO:
        raise PrivacyInvalid("Delta is above 0 and at most one part of the number of homes.")


def _money_check(plan: TrainingPlan) -> None:
    for title, value in (
        ("reward", plan.reward_credits),
        ("bonus", plan.bonus_credits),
        ("budget", plan.budget_credits),
    ):
        _within(f"{title} in credits", value, 0, CREDITS_MAX)
    if plan.budget_credits < plan.reward_credits * plan.rounds * plan.cohort + plan.bonus_credits:
        raise BudgetTooSmall


def _within(title: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise PlanValueInvalid(f"The {title} must be from {low:,} to {high:,}.")
