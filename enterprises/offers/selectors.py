"""Offers and orders as the enterprise's members see them."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from enterprises.checkout.models import Enterprise
from enterprises.offers.models import OfferSheet, ServiceOrder, VersionOffer
from enterprises.offers.orders import OPEN


def sheets(enterprise: Enterprise) -> QuerySet[OfferSheet]:
    """The enterprise's versions, newest first, with ``offered`` counted."""
    offered = Count("offers", filter=Q(offers__withdrawn_at__isnull=True), distinct=True)
    return OfferSheet.objects.filter(enterprise=enterprise).annotate(offered=offered).order_by("-created_at", "-pk")


def offers(sheet: OfferSheet) -> QuerySet[VersionOffer]:
    """What is offered with a version at this moment."""
    return VersionOffer.objects.filter(sheet=sheet, withdrawn_at__isnull=True)


def orders(enterprise: Enterprise, *, only_open: bool = False) -> QuerySet[ServiceOrder]:
    """Homes' orders, newest first."""
    rows = ServiceOrder.objects.filter(enterprise=enterprise).select_related("offer__sheet")
    return rows.filter(state__in=OPEN) if only_open else rows
