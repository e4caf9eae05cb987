"""The owner's rules: for each class of devices, share or not, at what level, for what price, how long."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from chain.contracts.devices.rows import SELL, TRAIN, UPLOAD
from households.errors import ConsentMissing
from households.models import HOME, Device, Household, SharingRule
from households.privacy.classes import device_class as class_of
from households.privacy.levels import Level, Rule, level_of, rule_for
from households.services.activity import activity_note
from households.services.households import consent_present
from marketplace.common.errors import InputError
from marketplace.common.licences import COPY, TRAINING, Text, current

PRICE_MAX = 10**12
EXPIRY_DAYS_MAX = 3650
DEFAULT_PRICE = 10
DEFAULT_EXPIRY_DAYS = 90
DEFAULT_LEVEL = Level.COARSE
LICENCES = (COPY, TRAINING)


@dataclass(frozen=True, slots=True)
class Terms:
    """What the owner wants for a class; the defaults share nothing."""

    device_class: str
    share: bool = False
    level: str = DEFAULT_LEVEL.value
    price: int = DEFAULT_PRICE
    licence: str = COPY
    expiry_days: int = DEFAULT_EXPIRY_DAYS

    @property
    def permissions(self) -> tuple[int, ...]:
        """What a device must be permitted on the home's ledger for its readings to become lots under these terms."""
        return (UPLOAD, SELL, TRAIN) if self.licence == TRAINING else (UPLOAD, SELL)

    @property
    def licence_text(self) -> Text:
        """The present text of the licence, whose hash buyers sign."""
        return current(self.licence)


def rule_set(
    *, household: Household, device_class: str, share: bool, level: str, price: int, licence: str, expiry_days: int
) -> SharingRule:
    """Set the rule of a class. It holds from the next batch that is closed; listed lots stay as they are.

    Raises ``UnknownClass``, ``RuleInvalid``, ``InputError``, ``ConsentMissing`` when sharing without the owner's
    consent.
    """
    class_of(device_class)
    level_of(level)
    if licence not in LICENCES:
        raise InputError("A lot is offered to use a copy, or to learn from inside the home")
    if not 1 <= price <= PRICE_MAX:
        raise InputError("A price is at least one credit")
    if not 1 <= expiry_days <= EXPIRY_DAYS_MAX:
        raise InputError(f"An offer lasts 1 to {EXPIRY_DAYS_MAX} days")
    if share and not consent_present(household):
        raise ConsentMissing()
    with transaction.atomic(using=HOME):
        rule, _ = SharingRule.objects.using(HOME).update_or_create(
            household=household,
            device_class=device_class,
            defaults={
                "share": share, "level": level, "price": price, "licence": licence, "expiry_days": expiry_days,
            },
        )  # fmt: skip
        facts = {"class": device_class, "share": share}
        activity_note(household=household, kind="rule.set", topic="uploads", facts=facts)
    return rule


def terms_of(household: Household) -> dict[str, Terms]:
    """The owner's terms for every class of device in the home, and for every class with a rule."""
    classes = set(Device.objects.using(HOME).filter(household=household).values_list("device_class", flat=True))
    found = {name: Terms(name) for name in sorted(classes)}
    for rule in SharingRule.objects.using(HOME).filter(household=household).order_by("device_class"):
        found[rule.device_class] = Terms(
            rule.device_class, rule.share, rule.level, rule.price, rule.licence, rule.expiry_days
        )
    return found


def privacy_rule(terms: Terms, quantity: str, announced: tuple[int, int]) -> Rule:
    """The explicit rule for one quantity under the owner's terms; an announced range (low < high) narrows it."""
    low, high = announced
    narrowed = {"low": low, "high": high} if low < high else {}
    return rule_for(terms.device_class, quantity, terms.level, **narrowed)
