"""Whether the owner's rules allow what is asked, and the history of what was asked and answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from households.learning import questions as why
from households.learning.account import TOPIC, home_used_micro, rule_used_micro, settings_of
from households.learning.lots import Present, quantities_present
from households.learning.questions import Answer, Question, needs_of
from households.models import HOME, ConsentEvent, ConsentRule, Household
from households.services.activity import live_notify
from marketplace.common.licences import TRAINING, current


def consent_decide(*, household: Household, question: Question, now: datetime | None = None) -> Answer:
    """Yes or no, with the reason, and a line in the owner's history if it is not what was answered before.

    Ask it for a notice, and again before every round of a job: a rule may be revoked at any time.
    """
    answer = decision(household, question, now or timezone.now())
    _note(household, question, answer)
    return answer


def decision(household: Household, question: Question, now: datetime) -> Answer:
    """The answer alone. A no names the last thing that was missing: the rule that comes nearest is the one to mend."""
    own = settings_of(household)
    if not needs_of(question.task):
        return Answer(None, why.TASK_UNKNOWN)
    if not own.enabled:
        return Answer(None, why.LEARNING_OFF)
    if Household.objects.using(HOME).values_list("state", flat=True).get(pk=household.pk) != Household.State.ACTIVE:
        return Answer(None, why.HOME_NOT_RUNNING)
    rules = list(ConsentRule.objects.using(HOME).filter(household=household, state=ConsentRule.State.ACTIVE))
    for code, fits in _conditions(question, now):
        rules = [rule for rule in rules if fits(rule)]
        if not rules:
            return Answer(None, code)
    if home_used_micro(household, now, besides=_besides(question)) + (question.micro_epsilon or 0) > own.limit_micro:
        return Answer(None, why.HOME_EPSILON)
    present = quantities_present(household, offered=not question.before_a_round)
    rules = [rule for rule in rules if _met(question, set(rule.classes), present)]
    if not rules:
        return Answer(None, why.NO_DATA)
    rule = max(rules, key=_nearest)
    return Answer(rule, classes=_readable(question, set(rule.classes), present))


def _conditions(question: Question, now: datetime) -> list[tuple[str, Callable[[ConsentRule], bool]]]:
    text, cost, besides = current(TRAINING).name, question.micro_epsilon, _besides(question)

    def lasts(rule: ConsentRule) -> bool:
        return cost is None or rule_used_micro(rule, besides=besides) + cost <= rule.limit_micro

    return [
        (why.NO_RULE, lambda rule: rule.task in ("", question.task)),
        (why.ENTERPRISE_NOT_COVERED, lambda rule: bytes(rule.enterprise) in (b"", question.enterprise)),
        (why.CLASS_NOT_COVERED, lambda rule: _met(question, set(rule.classes), None)),
        (why.RULE_EXPIRED, lambda rule: rule.expires_at > now),
        (why.TEXT_CHANGED, lambda rule: rule.text == text),
        (why.EPSILON_UNBOUNDED, lambda rule: cost is not None or rule.noiseless),
        (why.RULE_EPSILON, lasts),
    ]


def _met(question: Question, allowed: set[str], present: Present | None) -> bool:
    """Whether each need can be met by an allowed class, of which the home has that quantity if ``present`` is given."""
    needed = [need.sources for need in needs_of(question.task) if not need.optional]
    return bool(needed) and all(
        any(source[0] in allowed and (present is None or source in present) for source in sources) for sources in needed
    )


def _readable(question: Question, allowed: set[str], present: Present) -> frozenset[str]:
    sources = {source for need in needs_of(question.task) for source in need.sources}
    return frozenset(name for name, _ in sources & present if name in allowed)


def _nearest(rule: ConsentRule) -> tuple[bool, bool, int, datetime, str]:
    """Of several rules that allow it, the one that says most about it counts; the same one each time."""
    return bool(rule.enterprise), bool(rule.task), -len(rule.classes), rule.given_at, str(rule.pk)


def _besides(question: Question) -> tuple[bytes, int] | None:
    """A round that has its epsilon set aside already is not counted twice."""
    return None if question.round is None else (question.job, question.round)


def _note(household: Household, question: Question, answer: Answer) -> None:
    kind = ConsentEvent.Kind.ROUND if question.before_a_round else ConsentEvent.Kind.ASKED
    with transaction.atomic(using=HOME):
        events = ConsentEvent.objects.using(HOME).filter(
            household=household, kind=kind, notice=question.notice, job=question.job, enterprise=question.enterprise
        )
        last = events.order_by("-pk").values_list("allowed", "code", "task").first()
        if last == (answer.allowed, answer.code, question.task):
            return
        ConsentEvent.objects.using(HOME).create(
            household=household,
            kind=kind,
            rule=answer.rule,
            notice=question.notice,
            job=question.job,
            round=question.round,
            enterprise=question.enterprise,
            enterprise_name=question.enterprise_name[: ConsentEvent._meta.get_field("enterprise_name").max_length],
            task=question.task,
            classes=question.classes,
            micro_epsilon=question.micro_epsilon,
            allowed=answer.allowed,
            code=answer.code,
        )
        live_notify(household=household, topic=TOPIC)
