"""Learning at home as its owner sees it: rules with what they used, the account of epsilon, the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from chain.wallets.address import address_text
from households.learning.account import COUNTED, home_used_micro, settings_of
from households.learning.questions import MICRO
from households.models import HOME, ConsentEvent, ConsentRule, EpsilonEntry, Household, LearningSettings

# The bars of the account's chart, by the days of the period: how many, and how many days each stands for.
BARS = {30: (10, 3), 91: (13, 7), 182: (26, 7), 365: (12, 0)}
FILTERS = ("all", "asked", "refused", "own")


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule, what was spent or set aside under it, and its state as a word of ``marketplace.common.words``."""

    rule: ConsentRule
    used_micro: int
    state: str

    @property
    def in_force(self) -> bool:
        return self.state in ("in_force", "used_up")


@dataclass(frozen=True, slots=True)
class Bar:
    """What was spent or set aside from ``start`` on until the next bar's."""

    start: datetime
    micro: int


@dataclass(frozen=True, slots=True)
class Account:
    """The home's epsilon in its period, in millionths. ``used`` counts what is set aside; ``left`` is not below 0."""

    settings: LearningSettings
    used: int
    reserved: int
    rounds: int
    bars: tuple[Bar, ...]

    @property
    def left(self) -> int:
        return max(0, self.settings.limit_micro - self.used)


def rule_views(household: Household, now: datetime) -> list[RuleView]:
    """All rules, those in force first, then newest first."""
    used = Sum("epsilon__micro_epsilon", filter=Q(epsilon__state__in=COUNTED))
    rules = ConsentRule.objects.using(HOME).filter(household=household).annotate(used=used).order_by("-given_at")
    found = [RuleView(rule, rule.used or 0, _state(rule, rule.used or 0, now)) for rule in rules]
    return sorted(found, key=lambda view: not view.in_force)


def rule_view(rule: ConsentRule, now: datetime) -> RuleView:
    """One rule."""
    return next(view for view in rule_views(rule.household, now) if view.rule.pk == rule.pk)


def account_of(household: Household, now: datetime) -> Account:
    """The home's account up to ``now``."""
    own = settings_of(household)
    since = now - timedelta(days=own.period_days)
    rows = EpsilonEntry.objects.using(HOME).filter(household=household, state__in=COUNTED, reserved_at__gt=since)
    waiting = rows.filter(state=EpsilonEntry.State.RESERVED).order_by().aggregate(total=Sum("micro_epsilon"))["total"]
    spent = list(rows.values_list("reserved_at", "micro_epsilon"))
    starts = _starts(own.period_days, now)
    return Account(
        settings=own,
        used=home_used_micro(household, now),
        reserved=waiting or 0,
        rounds=len(spent),
        bars=tuple(
            Bar(start, sum(micro for at, micro in spent if start <= at < end))
            for start, end in zip(starts, [*starts[1:], now + timedelta(days=1)], strict=True)
        ),
    )


def epsilon_entries(household: Household) -> QuerySet[EpsilonEntry]:
    """Every round that was ever counted, newest first."""
    return EpsilonEntry.objects.using(HOME).filter(household=household).select_related("rule")


def history(household: Household, show: str = "all") -> QuerySet[ConsentEvent]:
    """What was asked and answered, and what the owner changed, newest first; ``show`` is one of ``FILTERS``."""
    rows = ConsentEvent.objects.using(HOME).filter(household=household).select_related("rule")
    asked = (ConsentEvent.Kind.ASKED, ConsentEvent.Kind.ROUND)
    if show == "asked":
        return rows.filter(kind__in=asked)
    if show == "refused":
        return rows.filter(kind__in=asked, allowed=False)
    return rows.exclude(kind__in=asked) if show == "own" else rows


def enterprises_known(household: Household) -> list[tuple[str, str]]:
    """(address text, name) of the enterprises that have asked or are named in a rule, by name."""
    events = ConsentEvent.objects.using(HOME).filter(household=household).exclude(enterprise=b"").order_by("pk")
    found = {
        address_text(bytes(address)): name for address, name in events.values_list("enterprise", "enterprise_name")
    }
    return sorted(found.items(), key=lambda item: (item[1], item[0]))


def epsilon_text(micro: int | None) -> str:
    """Millionths of epsilon as a short decimal, rounded up: 1,234,567 is 1.24."""
    if micro is None:
        return "no bound"
    hundredths = -(-micro // (MICRO // 100))
    whole, part = divmod(hundredths, 100)
    return f"{whole}.{part:02}".rstrip("0").rstrip(".")


def _state(rule: ConsentRule, used: int, now: datetime) -> str:
    if rule.state == ConsentRule.State.REVOKED:
        return "rule_revoked"
    if rule.expires_at <= now:
        return "expired"
    return "used_up" if used >= rule.limit_micro else "in_force"


def _starts(period_days: int, now: datetime) -> Sequence[datetime]:
    """Where the chart's bars begin: at months in a year, else every few days, the last one today."""
    count, days = BARS[period_days]
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    if days:
        return [today - timedelta(days=days * number + days - 1) for number in reversed(range(count))]
    months = [today.year * 12 + today.month - 1 - number for number in reversed(range(count))]
    return [today.replace(year=month // 12, month=month % 12 + 1, day=1) for month in months]
