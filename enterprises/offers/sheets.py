"""The offers of a version: edited here, shown on the market's shelf, ordered by their hash."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from enterprises.checkout.models import Enterprise
from enterprises.offers.errors import OfferKindUnfit, OffersTooMany, OfferThere, OfferUnknown, SheetUnknown
from enterprises.offers.models import OfferSheet, VersionOffer
from enterprises.offers.port import Shelf
from enterprises.offers.shelf import OFFERS_MAX, PRICE_MAX
from fedlearn.learners.recommend.offers import COMFORT, SETBACK, TARIFF, offer_hash, offer_of
from marketplace.common.errors import InputError
from marketplace.common.events import enterprise_group, publish
from marketplace.common.work import advance

KINDS = {"next_hour_load": TARIFF, "occupancy": SETBACK, "comfort": COMFORT}
Rule = OfferSheet.Rule


def sheet_get(enterprise: Enterprise, version: str) -> OfferSheet:
    """The sheet of one of the enterprise's own versions; raises ``SheetUnknown``."""
    row = OfferSheet.objects.filter(enterprise=enterprise, version=version).first()
    if row is None:
        raise SheetUnknown
    return row


def offer_get(sheet: OfferSheet, public_id: uuid.UUID) -> VersionOffer:
    """An offer of the sheet; raises ``OfferUnknown``."""
    row = VersionOffer.objects.filter(sheet=sheet, public_id=public_id).first()
    if row is None:
        raise OfferUnknown
    return row


def offer_add(*, sheet: OfferSheet, title: str, currency: str, terms: dict[str, Any], price: int) -> VersionOffer:
    """Offer something with the version; a form that was withdrawn before is offered again.

    Args:
        terms: as ``fedlearn.learners.recommend.offers`` declares them, with their ``form``.
        price: credits of an order; 0 needs no escrow.

    Raises:
        OfferInvalid and its kinds, OfferKindUnfit, OfferThere, OffersTooMany
    """
    if not 0 <= price <= PRICE_MAX:
        raise InputError(f"The price of an order is 0 to {PRICE_MAX} credits.")
    raw = {"id": _slug(title), "title": title, "currency": currency, "terms": terms}
    offer = offer_of(raw)
    if sheet.task in KINDS and offer.kind != KINDS[sheet.task]:
        raise OfferKindUnfit
    if sheet.offers.filter(withdrawn_at__isnull=True).count() >= OFFERS_MAX:
        raise OffersTooMany(f"A version has at most {OFFERS_MAX} offers.")
    digest = offer_hash(offer).hex()
    with transaction.atomic(using="enterprise"):
        old = VersionOffer.objects.filter(sheet=sheet, digest=digest)
        if old.filter(withdrawn_at__isnull=False).update(withdrawn_at=None, price=price) == 1:
            row = old.get()
        else:
            row = _offer_new(sheet, digest, dict(msgspec.to_builtins(offer)), price)
        _changed(sheet)
    return row


def offer_withdraw(*, sheet: OfferSheet, offer: VersionOffer) -> None:
    """Offer it no more; orders that were placed go on. Raises ``OfferUnknown`` if it is withdrawn."""
    with transaction.atomic(using="enterprise"):
        rows = VersionOffer.objects.filter(pk=offer.pk, sheet=sheet, withdrawn_at__isnull=True)
        if rows.update(withdrawn_at=timezone.now()) != 1:
            raise OfferUnknown
        _changed(sheet)


def rule_set(*, sheet: OfferSheet, rule: str) -> None:
    """How orders of this version are answered; raises ``InputError`` for an unknown rule."""
    if rule not in Rule.values:
        raise InputError("There is no such rule.")
    with transaction.atomic(using="enterprise"):
        OfferSheet.objects.filter(pk=sheet.pk).update(rule=rule)
        _tell(sheet)


def sheet_send(sheet: OfferSheet, shelf: Shelf) -> None:
    """Show the market what is offered now; a change meanwhile leaves the sheet to be sent again."""
    seen = sheet.changes
    rows = sheet.offers.filter(withdrawn_at__isnull=True)
    shelf.offers_put(sheet.version, [{"offer": row.body, "price": row.price} for row in rows])
    OfferSheet.objects.filter(pk=sheet.pk, changes=seen).update(sent=True)
    advance(sheet, using="enterprise")
    _tell(sheet)


def _offer_new(sheet: OfferSheet, digest: str, body: dict[str, Any], price: int) -> VersionOffer:
    try:
        with transaction.atomic(using="enterprise"):
            return VersionOffer.objects.create(sheet=sheet, digest=digest, body=body, price=price)
    except IntegrityError:
        raise OfferThere from None


def _changed(sheet: OfferSheet) -> None:
    OfferSheet.objects.filter(pk=sheet.pk).update(sent=False, changes=F("changes") + 1, next_try_at=timezone.now())
    _tell(sheet)


def _tell(sheet: OfferSheet) -> None:
    publish(enterprise_group(sheet.enterprise_id), "offers.changed", {"version": sheet.version}, using="enterprise")


def _slug(title: str) -> str:
    words = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in title.lower())
    return "-".join(part for part in words.split("-") if part)[:64] or "offer"
