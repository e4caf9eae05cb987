"""The owner gives and revokes rules of consent, and sets the home's own limits. Both hold at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from households.learning import errors
from households.learning.account import TOPIC, settings_of
from households.learning.questions import needs_of
from households.models import HOME, ConsentEvent, ConsentRule, Household, LearningSettings
from households.privacy.classes import device_class
from households.services.activity import activity_note
from marketplace.common.errors import InputError
from marketplace.common.licences import TRAINING, current

ADDRESS_BYTES = 20
NAME_MAX = 120
LIMIT_MICRO_MAX = 100_000_000
RULE_DAYS_MAX = 3650
PERIODS = {30: "30 days", 91: "3 months", 182: "6 months", 365: "12 months"}


def rule_give(
    *,
    household: Household,
    classes: Iterable[str],
    limit_micro: int,
    expires_at: datetime,
    text_name: str,
    task: str = "",
    enterprise: bytes = b"",
    enterprise_name: str = "",
    noiseless: bool = False,
) -> ConsentRule:
    """The owner lets these classes be learnt from, by one enterprise (20 bytes) or any, for one task or any.

    ``limit_micro`` is the micro-epsilon that may be spent under the rule in all its time; with ``noiseless`` jobs that
    add no noise are allowed too, and nothing is counted for them. ``text_name`` names the text on training licences
    that the owner has read. Raises ``ConsentRuleInvalid``, ``UnknownClass``, ``TextNotRead``.
    """
    now = timezone.now()
    named = sorted(set(classes))
    for name in named:
        device_class(name)
    if text_name != current(TRAINING).name:
        raise errors.TextNotRead
    if not named:
        raise errors.ConsentRuleInvalid("Name at least one kind of device.")
    if task and not needs_of(task):
        raise errors.ConsentRuleInvalid("There is no such purpose.")
    if len(enterprise) not in (0, ADDRESS_BYTES) or len(enterprise_name) > NAME_MAX:
        raise errors.ConsentRuleInvalid("An enterprise is named by its address.")
    if not 1 <= limit_micro <= LIMIT_MICRO_MAX:
        raise errors.ConsentRuleInvalid("A limit is above 0 and at most 100.")
    if not now < expires_at <= now + timedelta(days=RULE_DAYS_MAX):
        raise errors.ConsentRuleInvalid("A rule ends within ten years, and not in the past.")
    with transaction.atomic(using=HOME):
        rule = ConsentRule.objects.using(HOME).create(
            household=household,
            task=task,
            classes=named,
            enterprise=enterprise,
            enterprise_name=enterprise_name.strip(),
            limit_micro=limit_micro,
            noiseless=noiseless,
            expires_at=expires_at,
            text=text_name,
        )
        _note(rule, ConsentEvent.Kind.GIVEN)
    return rule


def rule_revoke(*, household: Household, rule: ConsentRule) -> None:
    """End a rule now, also in the middle of a job: no further round finds it. What was spent stays spent.

    Raises ``ConsentRuleOver``.
    """
    with transaction.atomic(using=HOME):
        mine = ConsentRule.objects.using(HOME).filter(pk=rule.pk, household=household, state=ConsentRule.State.ACTIVE)
        if mine.update(state=ConsentRule.State.REVOKED, revoked_at=timezone.now()) != 1:
            raise errors.ConsentRuleOver
        _note(rule, ConsentEvent.Kind.REVOKED)


def learning_settings_set(
    *, household: Household, enabled: bool | None = None, limit_micro: int | None = None, period_days: int | None = None
) -> LearningSettings:
    """Change the home's own limits, or switch learning off and on. Raises ``InputError``."""
    settings_of(household)
    if limit_micro is not None and not 1 <= limit_micro <= LIMIT_MICRO_MAX:
        raise InputError("The home's limit is above 0 and at most 100")
    if period_days is not None and period_days not in PERIODS:
        raise InputError("The limit holds for 30, 91, 182 or 365 days")
    asked = {"enabled": enabled, "limit_micro": limit_micro, "period_days": period_days}
    changes = {name: value for name, value in asked.items() if value is not None}
    with transaction.atomic(using=HOME):
        rows = LearningSettings.objects.using(HOME).filter(pk=household.pk)
        before = rows.values(*asked).get()
        if any(before[name] != value for name, value in changes.items()):
            rows.update(**changes)
            ConsentEvent.objects.using(HOME).create(
                household=household,
                kind=ConsentEvent.Kind.SETTINGS,
                code="" if rows.values_list("enabled", flat=True).get() else "learning_off",
            )
            activity_note(household=household, kind="learning.settings", topic=TOPIC)
    return settings_of(household)


def rule_get(household: Household, rule_id: uuid.UUID) -> ConsentRule:
    """A rule of this home; raises ``ConsentRuleUnknown``."""
    found = ConsentRule.objects.using(HOME).filter(household=household, pk=rule_id).first()
    if found is None:
        raise errors.ConsentRuleUnknown
    return found


def _note(rule: ConsentRule, kind: ConsentEvent.Kind) -> None:
    ConsentEvent.objects.using(HOME).create(
        household=rule.household,
        kind=kind,
        rule=rule,
        enterprise=rule.enterprise,
        enterprise_name=rule.enterprise_name,
        task=rule.task,
        classes=rule.classes,
        micro_epsilon=rule.limit_micro,
    )
    activity_note(household=rule.household, kind=f"learning.{kind.value}", topic=TOPIC)
