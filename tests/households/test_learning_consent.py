"""The owner's rules decide, and only they do: each reason for a no, revocation at once, and what the history keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from fedlearn.learners.templates import TEMPLATES
from households.learning.account import epsilon_reserve, epsilon_spend
from households.learning.consent import consent_decide
from households.learning.errors import ConsentRuleInvalid, ConsentRuleOver, ConsentRuleUnknown, TextNotRead
from households.learning.questions import needs_of
from households.learning.rules import learning_settings_set, rule_get, rule_revoke
from households.models import ConsentEvent, ConsentRule, Household, Lot
from households.privacy.classes import UnknownClass
from tests.households.learning import ENTERPRISE, JOB, OTHER, consent, day_listed, home_for_training, question
from tests.households.market import MemoryMarket
from tests.households.world import home_new

pytestmark = pytest.mark.django_db(databases="__all__")


@pytest.fixture
def home(market: MemoryMarket) -> Household:
    home, devices = home_for_training()
    day_listed(home, devices)
    return home


def rules_update(**fields: object) -> Callable[[Household], object]:
    return lambda home: ConsentRule.objects.using("home").filter(household=home).update(**fields)


def spend(micro: int) -> Callable[[Household], object]:
    def act(home: Household) -> None:
        rule = ConsentRule.objects.using("home").get(household=home)
        epsilon_reserve(
            household=home, rule=rule, job=JOB, round=0, classes=["climate"], micro_epsilon=micro, delta_pico=1
        )
        epsilon_spend(household=home, job=JOB, round=0)

    return act


TABLE: dict[str, tuple[Callable[[Household], object], dict[str, object], str]] = {
    "all is well": (lambda home: None, {}, ""),
    "no rule": (lambda home: ConsentRule.objects.using("home").all().delete(), {}, "no_rule"),
    "another purpose": (rules_update(task="occupancy"), {}, "no_rule"),
    "this purpose": (rules_update(task="comfort"), {}, ""),
    "no such purpose": (lambda home: None, {"task": "names-of-people"}, "task_unknown"),
    "another enterprise": (rules_update(enterprise=OTHER), {}, "enterprise_not_covered"),
    "this enterprise": (rules_update(enterprise=ENTERPRISE), {}, ""),
    "a class is missing": (rules_update(classes=["mains"]), {}, "class_not_covered"),
    "the purpose needs other classes": (lambda home: None, {"task": "occupancy"}, "class_not_covered"),
    "expired": (rules_update(expires_at=timezone.now() - timedelta(seconds=1)), {}, "rule_expired"),
    "another text was read": (rules_update(text="training-0"), {}, "text_changed"),
    "no noise": (lambda home: None, {"micro_epsilon": None}, "epsilon_unbounded"),
    "no noise, which this rule allows": (rules_update(noiseless=True), {"micro_epsilon": None}, ""),
    "noise all the same": (rules_update(noiseless=True), {"micro_epsilon": 2_000_001}, "rule_epsilon_exceeded"),
    "just within the rule": (lambda home: None, {"micro_epsilon": 2_000_000}, ""),
    "over the rule's limit": (lambda home: None, {"micro_epsilon": 2_000_001}, "rule_epsilon_exceeded"),
    "over what is left of the rule": (spend(1_000_001), {}, "rule_epsilon_exceeded"),
    "what is left is enough": (spend(1_000_000), {}, ""),
    "over the home's limit": (
        lambda home: learning_settings_set(household=home, limit_micro=999_999), {}, "home_epsilon_exceeded",
    ),
    "switched off": (lambda home: learning_settings_set(household=home, enabled=False), {}, "learning_off"),
    "halted": (
        lambda home: Household.objects.using("home").filter(pk=home.pk).update(state="halted"), {}, "home_not_running",
    ),
    "no lots": (lambda home: Lot.objects.using("home").update(state=Lot.State.GONE), {}, "no_suitable_data"),
    "one quantity is missing": (
        lambda home: Lot.objects.using("home").filter(quantity="humidity").update(state=Lot.State.GONE),
        {},
        "no_suitable_data",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_the_answer_names_what_was_missing(name: str, home: Household) -> None:
    act, changes, code = TABLE[name]
    consent(home)
    act(home)
    answer = consent_decide(household=home, question=question(**changes))
    assert (answer.allowed, answer.code) == (not code, code)
    event = ConsentEvent.objects.using("home").filter(kind="asked").get()
    assert (event.allowed, event.code, bytes(event.enterprise)) == (not code, code, ENTERPRISE)
    if answer.allowed:
        assert answer.classes == {"climate"} and answer.rule == ConsentRule.objects.using("home").get()


def test_the_nearest_rule_is_named_and_the_one_that_says_most_is_used(home: Household) -> None:
    consent(home, classes=["mains"], enterprise=OTHER, enterprise_name="Other Ltd")
    assert consent_decide(household=home, question=question()).code == "enterprise_not_covered"
    consent(home, task="comfort", enterprise=ENTERPRISE, enterprise_name="Acme Analytics")
    narrow = ConsentRule.objects.using("home").get(task="comfort")
    consent(home, classes=["climate", "multi"])
    assert consent_decide(household=home, question=question()).rule == narrow


def test_a_rule_that_is_revoked_in_the_middle_of_a_job_stops_the_next_round(home: Household) -> None:
    rule = consent(home)
    of_round = {"job": JOB, "micro_epsilon": 10}
    assert consent_decide(household=home, question=question(**of_round, round=0)).allowed
    rule_revoke(household=home, rule=rule)
    answer = consent_decide(household=home, question=question(**of_round, round=1))
    assert (answer.allowed, answer.code, answer.classes) == (False, "no_rule", frozenset())
    with pytest.raises(ConsentRuleOver):
        rule_revoke(household=home, rule=rule)


def test_a_round_goes_on_with_lots_that_left_the_market_after_they_were_licensed(home: Household) -> None:
    consent(home)
    Lot.objects.using("home").update(state=Lot.State.GONE)
    assert consent_decide(household=home, question=question()).code == "no_suitable_data"
    assert consent_decide(household=home, question=question(job=JOB, round=3)).allowed


def test_a_round_whose_epsilon_is_set_aside_is_not_counted_twice(home: Household) -> None:
    rule = consent(home)
    epsilon_reserve(
        household=home, rule=rule, job=JOB, round=4, classes=["climate"], micro_epsilon=2_000_000, delta_pico=1
    )
    assert consent_decide(household=home, question=question(job=JOB, round=4, micro_epsilon=2_000_000)).allowed
    assert consent_decide(household=home, question=question(job=JOB, round=5, micro_epsilon=1)).code == (
        "rule_epsilon_exceeded"
    )


def test_the_same_answer_is_written_once_and_a_new_one_again(home: Household) -> None:
    rule = consent(home)
    for number in range(3):
        consent_decide(household=home, question=question(job=JOB, round=number, micro_epsilon=1))
    rule_revoke(household=home, rule=rule)
    for number in range(3, 6):
        consent_decide(household=home, question=question(job=JOB, round=number, micro_epsilon=1))
    events = ConsentEvent.objects.using("home").filter(kind="round").order_by("pk")
    assert list(events.values_list("round", "allowed", "code")) == [(0, True, ""), (3, False, "no_rule")]
    kinds = ConsentEvent.objects.using("home").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["given", "round", "revoked", "round"]


def test_rules_that_can_not_be_kept_are_refused(market: MemoryMarket) -> None:
    home, neighbour = home_new(), home_new()
    for error, changes in (
        (ConsentRuleInvalid, {"classes": []}),
        (UnknownClass, {"classes": ["toaster"]}),
        (ConsentRuleInvalid, {"task": "names-of-people"}),
        (ConsentRuleInvalid, {"enterprise": b"short"}),
        (ConsentRuleInvalid, {"limit_micro": 0}),
        (ConsentRuleInvalid, {"expires_at": timezone.now()}),
        (ConsentRuleInvalid, {"expires_at": timezone.now() + timedelta(days=4000)}),
        (TextNotRead, {"text_name": "training-0"}),
    ):
        with pytest.raises(error):
            consent(home, **changes)
    rule = consent(home)
    with pytest.raises(ConsentRuleUnknown):
        rule_get(neighbour, rule.pk)
    with pytest.raises(ConsentRuleOver):
        rule_revoke(household=neighbour, rule=rule)
    assert ConsentRule.objects.using("home").get().state == "active"


def test_switching_learning_off_keeps_the_rules_and_is_written_down(home: Household) -> None:
    consent(home)
    learning_settings_set(household=home, enabled=False)
    learning_settings_set(household=home, enabled=False)
    learning_settings_set(household=home, enabled=True)
    assert consent_decide(household=home, question=question()).allowed
    written = ConsentEvent.objects.using("home").filter(kind="settings").order_by("pk")
    assert list(written.values_list("code", flat=True)) == ["learning_off", ""]


def test_every_task_template_needs_a_class_that_devices_have() -> None:
    assert all(needs_of(name) for name in TEMPLATES) and needs_of("names-of-people") == ()
