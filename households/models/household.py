"""The home itself, its wallet, what its owner agreed to, and the owner's log."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from households.models.base import HomeModel


class Household(HomeModel):
    """The people and the place. ``id`` is the only thing of it that other databases may hold."""

    class State(models.TextChoices):
        NEW = "new", "Words not confirmed"
        ACTIVE = "active", "Active"
        HALTED = "halted", "Halted"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_id = models.BigIntegerField(unique=True, help_text="The owner's number in accounts.")
    name = models.CharField(max_length=60, help_text="Only the owner sees it.")
    cell = models.CharField(max_length=64, help_text="The coarse area under which lots are listed.")
    ledger = models.CharField(max_length=64, unique=True, help_text="Id of the home's device ledger.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    halted_code = models.CharField(max_length=48, blank=True)
    auto_accept = models.BooleanField(default=False, help_text="Devices with a pairing code join without a click.")
    interval_ms = models.PositiveIntegerField(default=60_000, help_text="How often devices measure.")
    upload_ms = models.PositiveIntegerField(default=60_000, help_text="How often devices send what they measured.")
    market_after_height = models.PositiveBigIntegerField(default=0, help_text="Market events up to here were handled.")
    quorum_lost_at = models.DateTimeField(null=True, blank=True, help_text="Since when no proposal found its quorum.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"home {str(self.pk)[:8]}"


class HomeWallet(HomeModel):
    """Keys of a home: the master's under the owner's passphrase, the operational branch under the node's key."""

    household = models.OneToOneField(Household, on_delete=models.CASCADE, related_name="wallet", primary_key=True)
    keystore = models.TextField(help_text="scrypt and AES-256-GCM under the owner's passphrase.")
    operational = models.BinaryField(help_text="The operational branch, sealed under the node's key.")
    market_token = models.BinaryField(default=bytes, help_text="The hub's token of the market, sealed likewise.")
    authority_key = models.BinaryField(max_length=33)
    authority_der = models.BinaryField()
    hub_key = models.BinaryField(max_length=33)
    master_address = models.BinaryField(max_length=20)
    recovery_key = models.BinaryField(max_length=33)
    words_confirmed_at = models.DateTimeField(null=True, blank=True)
    master_balance = models.PositiveBigIntegerField(default=0)
    balance_checked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"wallet of {self.household_id}"


class Consent(HomeModel):
    """That the owner agreed to a released text, once for each text."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="consents")
    text = models.CharField(max_length=40, help_text="For instance consent-1.")
    digest = models.CharField(max_length=64)
    given_at = models.DateTimeField(default=timezone.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "text"], name="consent_once_for_each_text")
        ]

    def __str__(self) -> str:
        return self.text


class SharingRule(HomeModel):
    """What the owner wants for one class of devices. Classes without a row are not shared."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="rules")
    device_class = models.CharField(max_length=32)
    share = models.BooleanField(default=False)
    level = models.CharField(max_length=16)
    price = models.PositiveBigIntegerField(default=10, help_text="Credits for one lot.")
    licence = models.CharField(max_length=16, default="copy")
    expiry_days = models.PositiveIntegerField(default=90)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "device_class"], name="one_rule_for_each_class")
        ]

    def __str__(self) -> str:
        return f"{self.device_class}: {'share' if self.share else 'keep'}"


class TunedLimit(HomeModel):
    """One limit of the checks that the owner has moved away from its default; it holds from the next batch on."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="limits")
    name = models.CharField(max_length=64, help_text="As households.consensus.limits names it.")
    value = models.BigIntegerField(help_text="In the limit's fixed point.")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "name"], name="each_limit_once_in_a_home")
        ]

    def __str__(self) -> str:
        return self.name


class Activity(HomeModel):
    """One line of the owner's log. ``kind`` is a stable code; ``facts`` holds ids and counts, never a reading."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="activities")
    kind = models.CharField(max_length=48)
    device = models.ForeignKey("households.Device", null=True, blank=True, on_delete=models.SET_NULL)
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-created_at", "-pk"]
        indexes: ClassVar = [models.Index(fields=["household", "-created_at"], name="activity_newest")]

    def __str__(self) -> str:
        return self.kind
