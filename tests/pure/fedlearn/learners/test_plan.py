"""A plan: one byte form, one hash, and every refusal with its own code before anybody pays."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedlearn.learners import errors
from fedlearn.learners.families import family
from fedlearn.learners.plan import (
    Hyper,
    Privacy,
    SecureSum,
    micro_of,
    micro_text,
    plan_decode,
    plan_encode,
    plan_hash,
)
from fedlearn.learners.plan_check import PARAMETERS_MAX, plan_check
from fedlearn.protocol.strategy import Strategy
from tests.pure.fedlearn.learners.world import plan_of

PLAN = plan_of("next_hour_load", "linear", privacy=Privacy(8_000_000, 10), cohort=40, group_size=8)


def test_a_plan_comes_back_from_its_bytes_and_its_hash_is_pinned():
    plan_check(PLAN)
    assert plan_decode(plan_encode(PLAN)) == PLAN
    assert plan_hash(PLAN).hex() == "c5aae71fe8aa4bc3e9be15e9a1569430adace12e83a507d954fac45158f22571"


def test_any_change_of_a_plan_changes_its_hash():
    hashes = {plan_hash(PLAN)}
    for field in msgspec.structs.fields(PLAN):
        value = getattr(PLAN, field.name)
        if isinstance(value, int):
            hashes.add(plan_hash(msgspec.structs.replace(PLAN, **{field.name: value + 1})))
        if isinstance(value, str):
            hashes.add(plan_hash(msgspec.structs.replace(PLAN, **{field.name: value + "x"})))
    numbers = [field for field in msgspec.structs.fields(PLAN) if isinstance(getattr(PLAN, field.name), int | str)]
    assert len(hashes) == 1 + len(numbers)


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_cut_bytes_are_no_plan(cut):
    with pytest.raises(errors.PlanMalformed):
        plan_decode(plan_encode(PLAN)[:cut])


def test_bytes_with_a_longer_integer_form_are_no_plan():
    data = plan_encode(PLAN)
    place = data.rindex(bytes([PLAN.format]))
    with pytest.raises(errors.PlanMalformed):
        plan_decode(data[:place] + b"\xcc" + data[place:])


ADAM = Strategy("fedadam")
REFUSED = [
    ({"format": 2}, errors.PlanValueInvalid),
    ({"task": "weather"}, errors.TemplateUnknown),
    ({"family": "forest"}, errors.FamilyUnknown),
    ({"family": "logistic"}, errors.FamilyUnfit),
    ({"task": "occupancy"}, errors.FamilyUnfit),
    ({"hyper": Hyper(1000, 0, (8,))}, errors.FamilyUnfit),
    ({"hyper": Hyper(0)}, errors.PlanValueInvalid),
    ({"family": "mlp", "hyper": Hyper(1000, 0, (1024, 1024))}, errors.TooManyParameters),
    ({"family": "mlp", "hyper": Hyper(1000, 0, (0,))}, errors.PlanValueInvalid),
    ({"family": "ridge", "group_size": 0}, errors.PlanValueInvalid),
    ({"family": "ridge", "rounds": 1}, errors.GroupsInvalid),
    ({"strategy": Strategy("fedsgd")}, errors.PlanStrategyUnknown),
    ({"strategy": Strategy("fedavg", prox_micro=1)}, errors.PlanValueInvalid),
    ({"strategy": msgspec.structs.replace(ADAM, beta2_micro=1_000_000)}, errors.PlanValueInvalid),
    ({"strategy": msgspec.structs.replace(ADAM, tau_micro=0)}, errors.PlanValueInvalid),
    ({"scaling": "own"}, errors.PlanValueInvalid),
    ({"rounds": 501}, errors.PlanValueInvalid),
    ({"rounds": 0}, errors.PlanValueInvalid),
    ({"epochs": 0}, errors.PlanValueInvalid),
    ({"batch_size": 0}, errors.PlanValueInvalid),
    ({"deadline_s": 1}, errors.PlanValueInvalid),
    ({"clip_micro": 0}, errors.PlanValueInvalid),
    ({"cohort": 2, "minimum": 2}, errors.CohortInvalid),
    ({"minimum": 41}, errors.CohortInvalid),
    ({"secure_sum": SecureSum("trusting")}, errors.PlanValueInvalid),
    ({"secure_sum": SecureSum(dropout_pm=501)}, errors.PlanValueInvalid),
    ({"group_size": 7}, errors.GroupsInvalid),
    ({"group_size": 14}, errors.GroupsInvalid),
    ({"privacy": Privacy(0, 10)}, errors.PrivacyInvalid),
    ({"privacy": Privacy(8_000_000, 0)}, errors.PrivacyInvalid),
    ({"privacy": Privacy(8_000_000, 25_001)}, errors.PrivacyInvalid),
    ({"reward_credits": 1, "budget_credits": 15 * 40 - 1}, errors.BudgetTooSmall),
    ({"bonus_credits": 1}, errors.BudgetTooSmall),
    ({"interval_s": 60 * 15 - 1}, errors.ScheduleInvalid),
]


@pytest.mark.parametrize(("change", "refusal"), REFUSED)
def test_a_plan_that_cant_work_is_refused_with_its_own_code(change, refusal):
    with pytest.raises(refusal) as caught:
        plan_check(msgspec.structs.replace(PLAN, **change))
    assert type(caught.value) is refusal


def test_all_codes_of_refusals_are_different():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and kind.__module__ == errors.__name__]
    assert len({kind.code for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(
    "change",
    [
        {"reward_credits": 1, "bonus_credits": 5, "budget_credits": 15 * 40 + 5},
        {"interval_s": 60 * 15},
        {"strategy": Strategy("fedprox", prox_micro=100)},
        {"strategy": ADAM, "family": "mlp", "hyper": Hyper(1000, 0, (64, 32))},
        {"family": "ridge", "rounds": 1, "group_size": 0},
        {"task": "comfort", "family": "logistic", "scaling": "statistics"},
    ],
)
def test_a_plan_at_the_limits_is_taken(change):
    plan_check(msgspec.structs.replace(PLAN, **change))


def test_the_largest_mlp_that_is_taken_has_at_most_the_parameters_of_the_limit():
    plan = plan_of("next_hour_load", "mlp", hyper=Hyper(1000, 0, (430, 430)))
    plan_check(plan)
    assert PARAMETERS_MAX - 10_000 < family("mlp").shape(plan).length <= PARAMETERS_MAX


def test_the_statistics_round_is_counted_as_a_release():
    assert PLAN.releases == PLAN.rounds
    assert msgspec.structs.replace(PLAN, scaling="statistics").releases == PLAN.rounds + 1


@given(st.integers(0, 2**62))
def test_millionths_are_parsed_exactly(micro):
    assert micro_of(micro_text(micro)) == micro


@pytest.mark.parametrize("text", ["", "x", "-1", "0.0000001", "NaN", "inf", "1e30"])
def test_what_is_no_number_of_millionths_is_refused(text):
    with pytest.raises(errors.PlanValueInvalid):
        micro_of(text)
