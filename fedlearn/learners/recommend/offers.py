"""What an enterprise may offer, and how: JSON of a declared form, money in millionths of the currency.

An offer names its ``terms`` by ``form``: ``flat``, ``two_rate`` and ``hourly`` are tariffs for energy, ``setback``
saves heating while nobody is in, ``comfort`` avoids uncomfortable hours.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chain.crypto.hashing import sha256
from fedlearn.learners.errors import (
    OfferHoursInvalid,
    OfferInvalid,
    OfferKindUnknown,
    OfferMalformed,
    OfferPriceInvalid,
)

PRICE_MAX: Final = 10_000_000
"""Ten of the currency for a kilowatt-hour."""
PRICE_MIN: Final = -1_000_000
"""Hourly prices may be negative."""
STANDING_MAX: Final = 100_000_000
YEARLY_MAX: Final = 100_000_000_000
DAY_HOURS, WEEK_HOURS = 24, 168
OFFER_BYTES_MAX: Final = 16_384
TARIFF, SETBACK, COMFORT = "tariff", "setback", "comfort"


class _Terms(msgspec.Struct, frozen=True, tag_field="form", forbid_unknown_fields=True):
    pass


class Flat(_Terms, frozen=True, tag="flat"):
    """One price at all hours."""

    price_micro_per_kwh: int
    standing_micro_per_day: int = 0


class TwoRate(_Terms, frozen=True, tag="two_rate"):
    """A low price in some hours of the home's day (0 .. 23), a high one in the others."""

    low_micro_per_kwh: int
    high_micro_per_kwh: int
    low_hours: tuple[int, ...]
    standing_micro_per_day: int = 0


class Hourly(_Terms, frozen=True, tag="hourly"):
    """A price for each hour of the day (24), or of the week from Monday 0 h on (168), on the home's clock."""

    micro_per_kwh: tuple[int, ...]
    standing_micro_per_day: int = 0


class Setback(_Terms, frozen=True, tag="setback"):
    """Heating goes down by some degrees while nobody is in for at least ``min_absence_h`` hours.

    Each degree saves ``saving_pm_per_degree`` per mille of what heating costs in those hours.
    """

    degrees: int
    saving_pm_per_degree: int
    min_absence_h: int
    price_micro_per_year: int


class Comfort(_Terms, frozen=True, tag="comfort"):
    """A measure that avoids ``avoided_pm`` per mille of the uncomfortable hours."""

    avoided_pm: int
    price_micro_per_year: int


Terms = Flat | TwoRate | Hourly | Setback | Comfort
_FORMS: Final = {"flat", "two_rate", "hourly", "setback", "comfort"}


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An offer. ``currency`` is an ISO 4217 code; amounts are in its millionths."""

    id: str
    title: str
    currency: str
    terms: Terms

    @property
    def kind(self) -> str:
        """What its score needs: a predicted load (tariff), occupancy (setback) or comfort."""
        if isinstance(self.terms, Setback):
            return SETBACK
        return COMFORT if isinstance(self.terms, Comfort) else TARIFF


def offer_parse(data: bytes) -> Offer:
    """An offer from its JSON.

    Raises:
        OfferMalformed, OfferKindUnknown, OfferPriceInvalid, OfferHoursInvalid
    """
    if len(data) > OFFER_BYTES_MAX:
        raise OfferMalformed
    try:
        raw: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise OfferMalformed from fault
    return offer_of(raw)


def offer_of(raw: Any) -> Offer:
    """An offer from decoded JSON; raises as ``offer_parse`` does."""
    if isinstance(raw, dict) and isinstance(raw.get("terms"), dict) and "form" in raw["terms"]:
        form = raw["terms"]["form"]
        if not isinstance(form, str) or form not in _FORMS:
            raise OfferKindUnknown
    try:
        offer = msgspec.convert(raw, Offer)
    except (msgspec.ValidationError, RecursionError) as fault:
        raise OfferMalformed from fault
    offer_check(offer)
    return offer


def offer_check(offer: Offer) -> None:
    """Raises ``OfferMalformed``, ``OfferPriceInvalid`` or ``OfferHoursInvalid``."""
    letters = len(offer.currency) == 3 and offer.currency.isascii() and offer.currency.isalpha()
    if not letters or offer.currency != offer.currency.upper():
        raise OfferMalformed("The currency is three capital letters.")
    if not (0 < len(offer.id) <= 64 and 0 < len(offer.title) <= 200):
        raise OfferMalformed("Id and title must be there and not too long.")
    terms = offer.terms
    if isinstance(terms, Setback):
        _setback_check(terms)
    elif isinstance(terms, Comfort):
        _within(terms.price_micro_per_year, 0, YEARLY_MAX)
        if not 1 <= terms.avoided_pm <= 1000:
            raise OfferInvalid("From 1 to 1000 per mille of uncomfortable hours can be avoided.")
    else:
        _tariff_check(terms)


def offer_hash(offer: Offer) -> bytes:
    """SHA-256 of the offer's JSON with sorted keys, 32 bytes: what an order names it by."""
    return sha256(msgspec.json.encode(offer, order="sorted"))


def _tariff_check(terms: Flat | TwoRate | Hourly) -> None:
    _within(terms.standing_micro_per_day, 0, STANDING_MAX)
    if isinstance(terms, Flat):
        _within(terms.price_micro_per_kwh, 0, PRICE_MAX)
    elif isinstance(terms, Hourly):
        if len(terms.micro_per_kwh) not in (DAY_HOURS, WEEK_HOURS):
            raise OfferHoursInvalid("Hourly prices are 24 or 168.")
        for price in terms.micro_per_kwh:
            _within(price, PRICE_MIN, PRICE_MAX)
    else:
        _within(terms.high_micro_per_kwh, 0, PRICE_MAX)
        _within(terms.low_micro_per_kwh, 0, terms.high_micro_per_kwh)
        hours = terms.low_hours
        if not 1 <= len(hours) < DAY_HOURS or len(set(hours)) != len(hours):
            raise OfferHoursInvalid
        if not all(0 <= hour < DAY_HOURS for hour in hours):
            raise OfferHoursInvalid


def _setback_check(terms: Setback) -> None:
    _within(terms.price_micro_per_year, 0, YEARLY_MAX)
    if not 1 <= terms.degrees <= 10 or not 1 <= terms.saving_pm_per_degree <= 100:
        raise OfferInvalid("A setback is 1 to 10 degrees, each saving 1 to 100 per mille.")
    if not 1 <= terms.min_absence_h <= DAY_HOURS:
        raise OfferHoursInvalid("The shortest absence is 1 to 24 hours.")


def _within(price: int, low: int, high: int) -> None:
    if not low <= price <= high:
        raise OfferPriceInvalid
