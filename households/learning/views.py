"""The consent centre: rules, the account of epsilon, limits, and the history of what was asked and answered."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chain.wallets.address import address_text
from households.learning import selectors, words
from households.learning.forms import GiveForm, LimitForm, micro_of
from households.learning.lots import Stock, classes_present, stock_of
from households.learning.questions import MICRO
from households.learning.rules import PERIODS, learning_settings_set, rule_get, rule_give, rule_revoke
from households.learning.selectors import RuleView, epsilon_text
from households.models import Household
from households.privacy.classes import DEVICE_CLASSES
from households.services.rules import terms_of
from households.views.access import do, owner_page, part_asked, refusal_text, show
from households.views.texts import paragraphs
from households.views.words import class_icon, class_title
from marketplace.common.errors import HearthError
from marketplace.common.licences import TRAINING, current

PARTS = ("rules", "account", "history")
LINES_A_PAGE = 10
RULES_OVER_SHOWN = 6
FILTER_TITLES = {"all": "All", "asked": "Asked", "refused": "Refused", "own": "Yours"}


@dataclass(frozen=True, slots=True)
class Card:
    """A rule in words."""

    view: RuleView
    task: str
    classes: tuple[tuple[str, str], ...]
    who: str
    address: str
    used: str
    limit: str


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """All of it, or the one part that changed."""
    part = part_asked(request, PARTS)
    whole = not request.headers.get("HX-Request")
    context: dict[str, Any] = {"home": home}
    if whole or part == "rules":
        context |= _rules(home)
    if whole or part == "account":
        context |= _account(home)
    if whole or part == "history":
        context |= _history(request, home)
    if whole:
        limit = context["account"].settings
        shown = {"limit": Decimal(limit.limit_micro) / MICRO, "period": limit.period_days}
        context |= {"limits": LimitForm(initial=shown), "stock": _stock(home)}
    return show(request, "households/learning/page.html", context, part=part)


@require_http_methods(["GET", "POST"])
@owner_page
def give(request: HttpRequest, home: Household) -> HttpResponse:
    """What learning at home means, the licence, and the form of a new rule."""
    form = _give_form(request, home)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and _given(home, form):
            messages.success(request, "Consent given. You may revoke it here at any time.")
            return redirect("households:learning")
    needs = [(title, said, words.task_needs(name)) for name, (title, said) in words.TASKS.items()]
    context = {"form": form, "licence_points": paragraphs(current(TRAINING).body), "needs": needs}
    return show(request, "households/learning/give.html", context, status=status)


@require_http_methods(["GET", "POST"])
@owner_page
def revoke(request: HttpRequest, home: Household, rule_id: uuid.UUID) -> HttpResponse:
    """Ask once more, then end a rule at once."""
    rule = rule_get(home, rule_id)
    if request.method == "GET":
        card = _card(selectors.rule_view(rule, timezone.now()))
        return show(request, "households/learning/revoke.html", {"card": card, "asked": True})
    do(request, lambda: rule_revoke(household=home, rule=rule), "Revoked. No further round is learnt under it.")
    return redirect("households:learning")


@require_POST
@owner_page
def switch(request: HttpRequest, home: Household) -> HttpResponse:
    """Learning on or off; the rules stay as they are."""
    on = request.POST.get("on") == "1"
    said = "Learning is on again: your rules hold." if on else "Learning is off: whoever asks is told no."
    do(request, lambda: learning_settings_set(household=home, enabled=on), said)
    return redirect("households:learning")


@require_POST
@owner_page
def limit(request: HttpRequest, home: Household) -> HttpResponse:
    """The home's own limit of epsilon."""
    form = LimitForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        micro, days = micro_of(data["limit"]), data["period"]
        do(request, lambda: learning_settings_set(household=home, limit_micro=micro, period_days=days), "Saved.")
        return redirect("households:learning")
    context = {"home": home, "limits": form, "stock": _stock(home)}
    context |= _rules(home) | _account(home) | _history(request, home)
    return show(request, "households/learning/page.html", context, status=422)


def _given(home: Household, form: GiveForm) -> bool:
    data = form.cleaned_data
    address, name = form.enterprise()
    try:
        rule_give(
            household=home,
            task=data["task"],
            classes=data["classes"],
            enterprise=address,
            enterprise_name=name,
            limit_micro=micro_of(data["limit"]),
            noiseless=data["noiseless"],
            expires_at=timezone.now() + timedelta(days=data["days"]),
            text_name=data["text"],
        )
    except HearthError as error:
        form.add_error(None, refusal_text(error))
        return False
    return True


def _give_form(request: HttpRequest, home: Household) -> GiveForm:
    """Classes of the home come first, those on offer for learning are ticked; a link may name task and enterprise."""
    own = list(terms_of(home))
    names = [*own, *(name for name in sorted(DEVICE_CLASSES) if name not in own)]
    asked = {"task": request.GET.get("task", ""), "who": request.GET.get("enterprise", "")}
    initial = {"classes": sorted(classes_present(home)), "text": current(TRAINING).name, **asked}
    return GiveForm(
        [(name, class_title(name)) for name in names],
        selectors.enterprises_known(home),
        request.POST or None,
        initial=initial,
    )


def _rules(home: Household) -> dict[str, Any]:
    views = selectors.rule_views(home, timezone.now())
    return {
        "rules": [_card(view) for view in views if view.in_force],
        "over": [_card(view) for view in views if not view.in_force][:RULES_OVER_SHOWN],
        "given": len(views),
        "enabled": selectors.settings_of(home).enabled,
    }


def _card(view: RuleView) -> Card:
    rule = view.rule
    return Card(
        view=view,
        task=words.task_title(rule.task),
        classes=tuple((class_title(name), class_icon(name)) for name in rule.classes),
        who=rule.enterprise_name or ("" if rule.enterprise else words.ANY_ENTERPRISE),
        address=address_text(bytes(rule.enterprise)) if rule.enterprise else "",
        used=epsilon_text(view.used_micro),
        limit=epsilon_text(rule.limit_micro),
    )


def _account(home: Household) -> dict[str, Any]:
    account = selectors.account_of(home, timezone.now())
    form = "%b %Y" if account.settings.period_days == max(PERIODS) else "%-d %b"
    values = [bar.micro / MICRO for bar in account.bars]
    bars = {
        "categories": [f"{bar.start:{form}}" for bar in account.bars],
        "series": [{"name": "Epsilon", "values": values}],
    }
    return {
        "account": account,
        "used": epsilon_text(account.used),
        "limit": epsilon_text(account.settings.limit_micro),
        "left": epsilon_text(account.left),
        "reserved": epsilon_text(account.reserved) if account.reserved else "",
        "period": PERIODS.get(account.settings.period_days, f"{account.settings.period_days} days"),
        "bars": bars,
    }


def _history(request: HttpRequest, home: Household) -> dict[str, Any]:
    asked = request.GET.get("show", "")
    chosen = asked if asked in selectors.FILTERS else selectors.FILTERS[0]
    found = Paginator(selectors.history(home, chosen), LINES_A_PAGE).get_page(request.GET.get("page"))
    return {
        "page": found,
        "lines": [words.line_of(event) for event in found],
        "chosen": chosen,
        "filters": list(FILTER_TITLES.items()),
    }


def _stock(home: Household) -> list[tuple[Stock, str, str]]:
    return [(entry, class_title(entry.device_class), class_icon(entry.device_class)) for entry in stock_of(home)]
