"""The market's shelf of model files and offers, and what an enterprise keeps of its offers and of homes' orders."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from enterprises.checkout.models import Enterprise
from enterprises.partners.models import Organisation
from marketplace.common.work import LeasedRow


class ModelObject(models.Model):
    """An object of the cloud store that an organisation put there; ``named`` once a version on the ledger names it."""

    hearth_db = "market"

    object_id = models.CharField(max_length=64, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="model_objects")
    named = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"model object {self.object_id[:12]}"


class ModelListing(models.Model):
    """What an organisation offers with a version of its model: ``offers`` is a list of ``{offer, price}``."""

    hearth_db = "market"

    version = models.CharField(max_length=64, unique=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="listings")
    offers = models.JSONField()
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"offers of {self.version[:12]}"


class OfferSheet(LeasedRow):
    """The offers of one version of the enterprise's. ``sent`` is false while the market does not have them yet."""

    hearth_db = "enterprise"

    class Rule(models.TextChoices):
        AUTOMATIC = "automatic", "Confirm by itself"
        BY_HAND = "by_hand", "Ask me"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="offer_sheets")
    version = models.CharField(max_length=64)
    service = models.CharField(max_length=64, help_text="The service's id, hexadecimal.")
    service_name = models.CharField(max_length=48)
    task = models.CharField(max_length=64, blank=True)
    rule = models.CharField(max_length=9, choices=Rule.choices, default=Rule.BY_HAND)
    sent = models.BooleanField(default=True)
    changes = models.PositiveIntegerField(default=0, help_text="Rises with each change, so that none is overlooked.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        app_label = "enterprises"
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["enterprise", "version"], name="one_sheet_for_a_version")]

    def __str__(self) -> str:
        return f"offers of {self.version[:12]}"


class VersionOffer(models.Model):
    """One offer of a sheet, in its declared form. Homes order it by ``digest``; it stays when it is withdrawn."""

    hearth_db = "enterprise"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    sheet = models.ForeignKey(OfferSheet, on_delete=models.CASCADE, related_name="offers")
    digest = models.CharField(max_length=64)
    body = models.JSONField(help_text="The offer as fedlearn.learners.recommend.offers declares it.")
    price = models.PositiveBigIntegerField(default=0, help_text="Credits of an order; 0 needs no escrow.")
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        app_label = "enterprises"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["sheet", "digest"], name="one_offer_of_a_kind")]

    def __str__(self) -> str:
        return str(self.body.get("title", ""))


class ServiceOrder(LeasedRow):
    """A home's order, first heard of by an event and then read from the ledger. ``reason`` is the code of a decline.

    ``account`` is all that is known of the home: an address that it uses for this one request.
    """

    hearth_db = "enterprise"

    class State(models.TextChoices):
        PLACED = "placed", "Waiting for your answer"
        CONFIRMING = "confirming", "Being confirmed"
        DECLINING = "declining", "Being declined"
        CONFIRMED = "confirmed", "Confirmed"
        COMPLETING = "completing", "Being completed"
        COMPLETED = "completed", "Completed"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "Not answered in time"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="service_orders")
    offer = models.ForeignKey(VersionOffer, null=True, on_delete=models.PROTECT, related_name="orders")
    order_id = models.CharField(max_length=64, unique=True)
    version = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    account = models.CharField(max_length=40)
    price = models.PositiveBigIntegerField()
    placed_ms = models.PositiveBigIntegerField()
    deadline_ms = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLACED, db_index=True)
    reason = models.CharField(max_length=48, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["-placed_ms", "-pk"]

    def __str__(self) -> str:
        return f"service order {self.order_id[:12]} ({self.state})"


class ServiceCall(models.Model):
    """A call that answers an order; it is sent through the wallet's own queue of transactions."""

    hearth_db = "enterprise"

    order = models.ForeignKey(ServiceOrder, on_delete=models.CASCADE, related_name="calls")
    transaction = models.OneToOneField(
        "enterprises.BuyerTransaction", on_delete=models.CASCADE, related_name="service_call"
    )
    call = models.CharField(max_length=64)

    class Meta:
        app_label = "enterprises"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["order", "call"], name="service_call_once")]

    def __str__(self) -> str:
        return self.call


class OrdersCursor(LeasedRow):
    """How far this node has read the service-model ledger for orders."""

    hearth_db = "enterprise"

    ledger = models.CharField(max_length=64, unique=True)
    height = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "enterprises"

    def __str__(self) -> str:
        return f"orders up to {self.height}"
