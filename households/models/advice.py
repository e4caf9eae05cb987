"""Services at home: what was asked for, the models that came, what they found here, and what the owner ordered."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from households.models.base import HomeModel
from households.models.household import Household
from marketplace.common.work import LeasedRow


def title_of(service_name: str) -> str:
    """A service's name for people: ``tariff-advice`` is "Tariff advice"."""
    return service_name.replace("-", " ").replace("_", " ").replace(".", " ").capitalize()


class LocalModel(HomeModel):
    """A version of an enterprise's model in the home database: bytes that are those that the ledger names."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="local_models")
    version = models.BinaryField(max_length=32)
    row = models.BinaryField(help_text="The ledger's row of the version, as it was checked.")
    file = models.BinaryField()
    card = models.BinaryField(help_text="JSON.")
    fetched_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-fetched_at"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["household", "version"], name="one_local_model")]

    def __str__(self) -> str:
        return f"model {bytes(self.version)[:4].hex()}"


class Inquiry(LeasedRow, HomeModel):
    """The owner asked for a service. It has an account of its own on the ledgers, which nothing else ever uses.

    ``present`` is the home's tariff now in the form of an offer; ``profile`` and ``refused`` are what the result says
    besides the ranked offers. Nothing of that leaves.
    """

    class State(models.TextChoices):
        ASKING = "asking", "Asking the ledger"
        FINDING = "finding", "Looking for models"
        WORKING = "working", "Running the models"
        RANKING = "ranking", "Comparing the offers"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="inquiries")
    account_index = models.PositiveIntegerField()
    account = models.BinaryField(max_length=20)
    service = models.BinaryField(max_length=32)
    service_name = models.CharField(max_length=48)
    task = models.CharField(max_length=64)
    present = models.JSONField(null=True, blank=True)
    heating_year_micro = models.PositiveBigIntegerField(null=True, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKING)
    code = models.CharField(max_length=64, blank=True, help_text="Why there is no result.")
    judge = models.BinaryField(
        max_length=32, default=bytes, help_text="The version whose prediction judged the offers."
    )
    hours = models.PositiveIntegerField(default=0, help_text="Hours of own readings that were predicted.")
    profile = models.JSONField(default=dict)
    refused = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "account_index"], name="advice_account_used_once")
        ]

    def __str__(self) -> str:
        return f"{self.service_name} ({self.state})"

    @property
    def title(self) -> str:
        """The service's name for people."""
        return title_of(self.service_name)


class ModelRun(HomeModel):
    """One related model in an inquiry: fetched, checked, run here. ``error`` and ``usual`` are root mean squares."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        FETCHED = "fetched", "Downloaded and checked"
        DONE = "done", "Run"
        FAILED = "failed", "Left out"

    inquiry = models.ForeignKey(Inquiry, on_delete=models.CASCADE, related_name="runs")
    version = models.BinaryField(max_length=32)
    row = models.BinaryField(help_text="The ledger's row of the version, as the market told it.")
    enterprise = models.BinaryField(max_length=20)
    enterprise_name = models.CharField(max_length=120, blank=True)
    offers = models.JSONField(default=list, help_text="As the market showed them: {offer, price} each.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    code = models.CharField(max_length=64, blank=True)
    rows = models.PositiveIntegerField(default=0)
    error = models.FloatField(null=True, blank=True)
    usual = models.FloatField(null=True, blank=True, help_text="The error of a guess without a model.")
    forecast = models.JSONField(default=dict, help_text="Hours and what was predicted for them.")

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["inquiry", "version"], name="one_run_of_a_model")]

    def __str__(self) -> str:
        return f"run of {bytes(self.version)[:4].hex()} ({self.state})"


class RankedOffer(HomeModel):
    """One offer with its figures for this home; ``place`` 1 is the best."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    inquiry = models.ForeignKey(Inquiry, on_delete=models.CASCADE, related_name="ranked")
    run = models.ForeignKey(ModelRun, on_delete=models.CASCADE, related_name="ranked")
    place = models.PositiveIntegerField()
    offer = models.JSONField()
    digest = models.BinaryField(max_length=32)
    price = models.PositiveBigIntegerField(default=0, help_text="Credits of an order.")
    cost_year_micro = models.BigIntegerField()
    saving_year_micro = models.BigIntegerField(null=True, blank=True)
    reasons = models.JSONField(default=list)
    months = models.JSONField(default=list)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["place"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["inquiry", "place"], name="one_offer_for_a_place")]

    def __str__(self) -> str:
        return f"{self.place}. {self.offer.get('title', '')}"


class AdviceOrder(LeasedRow, HomeModel):
    """The owner ordered an offer. Only what stands on the ledger leaves: version, hash of the offer, price, deadline.

    ``money`` says where the price is; ``outcome`` how an order ends whose money is still on its way back.
    """

    class State(models.TextChoices):
        FUNDING = "funding", "Paying into escrow"
        ORDERING = "ordering", "Placing the order"
        PLACED = "placed", "Waiting for the enterprise"
        CONFIRMED = "confirmed", "Confirmed"
        COMPLETING = "completing", "Being completed"
        REFUNDING = "refunding", "Money on its way back"
        COMPLETED = "completed", "Completed"
        DECLINED = "declined", "Declined"
        EXPIRED = "expired", "Not answered in time"
        FAILED = "failed", "Not placed"

    class Money(models.TextChoices):
        NONE = "none", "No money"
        ESCROW = "escrow", "In escrow"
        PAID = "paid", "Paid to the enterprise"
        BACK = "back", "Back on the order's account"
        RETURNED = "returned", "Back in the master wallet"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="advice_orders")
    ranked = models.OneToOneField(RankedOffer, on_delete=models.PROTECT, related_name="order")
    order_id = models.BinaryField(max_length=32, unique=True)
    nonce = models.BinaryField(max_length=32)
    price = models.PositiveBigIntegerField(default=0)
    deadline_ms = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.FUNDING)
    money = models.CharField(max_length=8, choices=Money.choices, default=Money.NONE)
    outcome = models.CharField(max_length=10, blank=True)
    code = models.CharField(max_length=64, blank=True, help_text="Why it was declined, or not placed.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    placed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"order {bytes(self.order_id)[:4].hex()} ({self.state})"


class AdviceCall(HomeModel):
    """A signed call of an inquiry's account on one of the ledgers, written down before it is sent."""

    inquiry = models.ForeignKey(Inquiry, on_delete=models.CASCADE, related_name="calls")
    name = models.CharField(max_length=24)
    raw = models.BinaryField(default=bytes)
    tx_id = models.BinaryField(max_length=32, default=bytes, help_text="Once it is final.")

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["inquiry", "name"], name="one_advice_call")]

    def __str__(self) -> str:
        return self.name
