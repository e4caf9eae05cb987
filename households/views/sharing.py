"""What is shared, how coarse, and for what: one rule for each class of devices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from households.forms import RuleForm
from households.models import Device, Household
from households.privacy.classes import DEVICE_CLASSES, Quantity, to_fixed, to_text
from households.privacy.levels import LEVEL_TEXTS, Level, rule_for
from households.privacy.transforms import desensitise
from households.selectors.devices import devices
from households.selectors.households import rules
from households.selectors.pages_devices import HERE
from households.services.households import consent_present, consent_withdraw
from households.services.rules import Terms, rule_set
from households.views import words
from households.views.access import do, owner_page, refusal_text, show
from marketplace.common.errors import HearthError
from marketplace.common.licences import COPY, TRAINING
from marketplace.common.types import from_ms, to_ms

# What a device might have measured at 07:31:12: the example beside each level.
SAMPLE_AT = datetime(2026, 1, 5, 7, 31, 12, tzinfo=UTC)
SAMPLES = {
    "temperature": "21.37", "humidity": "47.82", "outdoor_temperature": "6.43", "outdoor_humidity": "81.36",
    "illuminance": "327", "sound": "0.83", "co2": "847", "motion": "1", "power": "386.4", "energy_total": "10482.317",
    "energy": "0.386", "solar_power": "1264.8", "solar_yield": "214.6", "battery_charge": "63.4",
}  # fmt: skip
SAVED = {COPY: "is shared from the next batch on", TRAINING: "is offered for learning from the next batch on"}
_NO_SEED = bytes(32)


@dataclass(frozen=True, slots=True)
class Example:
    """One reading before and after a level."""

    quantity: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One level, as a buyer would see its rows."""

    value: str
    title: str
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of one class, with its form."""

    terms: Terms
    title: str
    icon: str
    devices: tuple[Device, ...]
    form: RuleForm
    choices: tuple[Choice, ...]
    level_title: str


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """All rules; those of classes in the home come first."""
    return show(request, "households/sharing.html", _context(home))


@require_POST
@owner_page
def rule(request: HttpRequest, home: Household, device_class: str) -> HttpResponse:
    """Set the rule of a class."""
    if device_class not in DEVICE_CLASSES:
        raise Http404
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            rule_set(household=home, device_class=device_class, **form.cleaned_data)
        except HearthError as error:
            form.add_error(None, refusal_text(error))
        else:
            title = words.class_title(device_class)
            said = SAVED[form.cleaned_data["licence"]] if form.cleaned_data["share"] else "stays at home from now on"
            messages.success(request, f"Saved: {title.lower()} {said}.")
            return redirect(f"{reverse('households:sharing')}#{device_class}")
    return show(request, "households/sharing.html", _context(home, wrong=(device_class, form)), status=422)


@require_POST
@owner_page
def withdraw(request: HttpRequest, home: Household) -> HttpResponse:
    """No longer agree to sharing."""
    do(request, lambda: consent_withdraw(household=home), "Withdrawn. Nothing more is sealed or listed.")
    return redirect("households:sharing")


def examples(device_class: str, level: Level) -> tuple[Example, ...]:
    """One reading of each quantity of a class before and after the level, by the transform that seals lots."""
    return tuple(_example(device_class, quantity, level) for quantity in DEVICE_CLASSES[device_class].quantities)


def bucket_text(start_ms: int, bucket_s: int) -> str:
    """The time that a row stands for: 07:30 to 07:35, or a whole day."""
    start, end = from_ms(start_ms), from_ms(start_ms + bucket_s * 1000)
    if bucket_s >= 86_400:
        return f"{start:%a %d %b}, whole day" if bucket_s == 86_400 else f"{start:%d %b} to {end:%d %b}"
    form = "%H:%M" if bucket_s % 60 == 0 else "%H:%M:%S"
    return f"{start.strftime(form)} to {end.strftime(form)}"


def _context(home: Household, wrong: tuple[str, RuleForm] | None = None) -> dict[str, Any]:
    by_class: dict[str, list[Device]] = {}
    for device in devices(home).filter(status__in=HERE):
        by_class.setdefault(device.device_class, []).append(device)
    found = [_rule(terms, tuple(by_class.get(terms.device_class, ())), wrong) for terms in rules(home)]
    return {
        "home": home,
        "consent": consent_present(home),
        "here": [entry for entry in found if entry.devices],
        "others": [entry for entry in found if not entry.devices],
        "open": wrong[0] if wrong else "",
    }


def _rule(terms: Terms, here: tuple[Device, ...], wrong: tuple[str, RuleForm] | None) -> Rule:
    shown = {
        "share": terms.share, "level": terms.level, "licence": terms.licence, "price": terms.price,
        "expiry_days": terms.expiry_days,
    }  # fmt: skip
    name = terms.device_class
    form = wrong[1] if wrong and wrong[0] == name else RuleForm(initial=shown)
    form.auto_id = f"id_{name}_%s"
    choices = tuple(Choice(level.value, LEVEL_TEXTS[level], examples(name, level)) for level in Level)
    return Rule(
        terms, words.class_title(name), words.class_icon(name), here, form, choices, LEVEL_TEXTS[Level(terms.level)]
    )


def _example(device_class: str, quantity: Quantity, level: Level) -> Example:
    rule = rule_for(device_class, quantity.name, level)
    fixed = to_fixed(quantity, SAMPLES[quantity.name])
    start, value = desensitise([(to_ms(SAMPLE_AT), fixed)], rule, batch_seed=_NO_SEED, series_id=_NO_SEED)[0]
    after = words.value_text(to_text(quantity, value), quantity.unit)
    return Example(
        quantity=words.quantity_title(quantity.name),
        before=f"{SAMPLE_AT:%H:%M:%S} · {words.value_text(SAMPLES[quantity.name], quantity.unit)}",
        after=f"{bucket_text(start, rule.bucket_s)} · {after}",
    )
