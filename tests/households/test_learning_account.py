"""The account of epsilon: nobody ever gets more than the limits, whoever asks at once, and each round counts once."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import close_old_connections, connections
from django.utils import timezone

from households.learning import errors
from households.learning.account import (
    epsilon_release,
    epsilon_reserve,
    epsilon_spend,
    home_used_micro,
    rule_used_micro,
    settings_of,
)
from households.learning.questions import delta_pico, micro_epsilon, round_cost
from households.learning.rules import learning_settings_set, rule_revoke
from households.models import ConsentRule, EpsilonEntry, Household
from tests.households.learning import JOB, consent
from tests.households.market import MemoryMarket
from tests.households.world import home_new

MICRO = 1_000_000


@pytest.fixture
def home(db: None, market: MemoryMarket) -> Household:
    return home_new()


def reserve(home: Household, rule: ConsentRule, number: int, micro: int, **changes: object) -> EpsilonEntry:
    fields = {
        "household": home, "rule": rule, "job": JOB, "round": number, "classes": ["climate"], "micro_epsilon": micro,
        "delta_pico": 10,
    }  # fmt: skip
    return epsilon_reserve(**{**fields, **changes})  # type: ignore[arg-type]


def test_what_is_set_aside_counts_until_it_is_given_back(home: Household) -> None:
    rule = consent(home, limit_micro=2 * MICRO)
    reserve(home, rule, 0, MICRO)
    reserve(home, rule, 1, MICRO)
    with pytest.raises(errors.RuleLimitReached):
        reserve(home, rule, 2, 1)
    epsilon_release(household=home, job=JOB, round=1)
    assert reserve(home, rule, 2, MICRO).state == "reserved"
    assert rule_used_micro(rule) == 2 * MICRO == home_used_micro(home, timezone.now())


def test_asking_again_for_a_round_changes_nothing_and_another_amount_is_refused(home: Household) -> None:
    rule = consent(home, limit_micro=MICRO)
    first = reserve(home, rule, 0, MICRO)
    assert reserve(home, rule, 0, MICRO).pk == first.pk
    with pytest.raises(errors.EpsilonDiffers):
        reserve(home, rule, 0, 1)
    epsilon_spend(household=home, job=JOB, round=0)
    epsilon_spend(household=home, job=JOB, round=0)
    assert reserve(home, rule, 0, MICRO).state == "spent"
    assert EpsilonEntry.objects.using("home").count() == 1


def test_what_has_left_can_not_be_given_back_and_the_other_way_round(home: Household) -> None:
    rule = consent(home)
    reserve(home, rule, 0, 5)
    reserve(home, rule, 1, 5)
    epsilon_spend(household=home, job=JOB, round=0)
    epsilon_release(household=home, job=JOB, round=1)
    epsilon_release(household=home, job=JOB, round=1)
    with pytest.raises(errors.EpsilonSpent):
        epsilon_release(household=home, job=JOB, round=0)
    with pytest.raises(errors.EpsilonGivenBack):
        epsilon_spend(household=home, job=JOB, round=1)
    with pytest.raises(errors.EpsilonEntryUnknown):
        epsilon_spend(household=home, job=JOB, round=2)
    assert reserve(home, rule, 1, 5).state == "reserved", "a round that is tried again"
    epsilon_spend(household=home, job=JOB, round=1)
    assert home_used_micro(home, timezone.now()) == 10


def test_the_homes_limit_holds_over_all_rules_and_only_for_its_period(home: Household) -> None:
    learning_settings_set(household=home, limit_micro=MICRO, period_days=30)
    one, two = consent(home), consent(home)
    now = timezone.now()
    reserve(home, one, 0, MICRO, now=now - timedelta(days=29))
    with pytest.raises(errors.HomeLimitReached):
        reserve(home, two, 1, 1, now=now)
    assert reserve(home, two, 1, MICRO, now=now + timedelta(days=2)).state == "reserved"
    assert rule_used_micro(one) == MICRO, "a rule's own limit has no period"


def test_nothing_is_set_aside_under_a_rule_that_is_over_or_when_learning_is_off(home: Household) -> None:
    rule = consent(home)
    with pytest.raises(errors.RuleNotInForce):
        reserve(home, rule, 0, 1, now=rule.expires_at)
    rule_revoke(household=home, rule=rule)
    with pytest.raises(errors.RuleNotInForce):
        reserve(home, rule, 0, 1)
    with pytest.raises(errors.RuleNotInForce):
        reserve(home, consent(home_new()), 0, 1)
    learning_settings_set(household=home, enabled=False)
    with pytest.raises(errors.LearningOff):
        reserve(home, consent(home), 0, 1)
    assert not EpsilonEntry.objects.using("home").exists()


@pytest.fixture
def real_home(transactional_db: None, market: MemoryMarket) -> Iterator[Household]:
    """A home whose rows other threads see."""
    yield home_new()


@pytest.mark.django_db(transaction=True, databases="__all__")
def test_rounds_that_race_never_take_more_than_the_limit_together(real_home: Household) -> None:
    rule = consent(real_home, limit_micro=10 * MICRO)
    learning_settings_set(household=real_home, limit_micro=3 * MICRO)
    start = threading.Barrier(8)
    outcomes: list[str] = []

    def ask(number: int) -> None:
        start.wait()
        try:
            for again in range(2):
                reserve(real_home, rule, 2 * number + again, MICRO)
                outcomes.append("yes")
        except errors.HomeLimitReached as error:
            outcomes.append(error.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    close_old_connections()
    assert outcomes.count("yes") == 3 and set(outcomes) == {"yes", "home_epsilon_exceeded"}
    assert home_used_micro(real_home, timezone.now()) == 3 * MICRO


def test_amounts_are_rounded_up_and_the_rounds_of_a_job_add_up_to_the_job() -> None:
    assert micro_epsilon(0.0000001) == 1 and micro_epsilon(0.5) == 500_000
    assert delta_pico(1e-5) == 10_000_000
    after = [0.0, 0.7310001, 0.9990003, 1.2345678]
    costs = [round_cost(before, one) for before, one in pairwise(after)]
    assert sum(costs) == micro_epsilon(after[-1])
    for wrong in (math.inf, math.nan, -1.0):
        with pytest.raises(errors.EpsilonUnbounded):
            micro_epsilon(wrong)
    with pytest.raises(errors.EpsilonUnbounded):
        delta_pico(1.5)


def test_a_home_begins_with_a_limit_of_four_a_year(home: Household) -> None:
    found = settings_of(home)
    assert (found.enabled, found.limit_micro, found.period_days) == (True, 4 * MICRO, 365)
