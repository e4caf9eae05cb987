"""Devices as the pages see them. The device ledger is the truth; these rows follow it and add names and counters."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from households.consensus.score import PRIOR_BAD, PRIOR_GOOD
from households.models.base import HomeModel
from households.models.household import Household


class Device(HomeModel):
    """An enrolled device. ``name`` is the owner's and never leaves; ``account`` is its micro-wallet's address."""

    class Status(models.TextChoices):
        JOINING = "joining", "Joining"
        ACTIVE = "active", "Active"
        QUARANTINED = "quarantined", "In quarantine"
        LEFT = "left", "Left"
        REVOKED = "revoked", "Revoked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="devices")
    device_id = models.BinaryField(max_length=20, help_text="Address of the first identity key.")
    identity_key = models.BinaryField(max_length=33)
    name = models.CharField(max_length=60)
    device_class = models.CharField(max_length=32)
    model = models.CharField(max_length=64, blank=True)
    area = models.CharField(max_length=64, blank=True)
    failure_domain = models.CharField(max_length=64)
    voter = models.BooleanField(default=True)
    permissions = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.JOINING)
    certificate = models.BinaryField()
    fingerprint = models.BinaryField(max_length=32)
    certificate_until = models.DateTimeField()
    account_index = models.PositiveIntegerField()
    account = models.BinaryField(max_length=20)
    next_child = models.PositiveIntegerField(default=0, help_text="The next payee child that was never used.")
    score_good = models.PositiveBigIntegerField(default=PRIOR_GOOD, help_text="a of Beta(a, b), in millionths.")
    score_bad = models.PositiveBigIntegerField(default=PRIOR_BAD, help_text="b of Beta(a, b), in millionths.")
    score_bad_run = models.PositiveIntegerField(default=0, help_text="Batches in a row with a rejected series.")
    quarantine_code = models.CharField(max_length=48, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    connected = models.CharField(max_length=64, blank=True, help_text="The connection that serves it now.")
    joined_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["account_index"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "device_id"], name="device_id_once_in_a_home"),
            models.UniqueConstraint(fields=["household", "identity_key"], name="identity_key_once_in_a_home"),
            models.UniqueConstraint(fields=["household", "account_index"], name="account_once_in_a_home"),
        ]

    def __str__(self) -> str:
        return f"device {bytes(self.device_id)[:4].hex()}"


class Candidate(HomeModel):
    """A device that proved a key and waits in the owner's inbox. ``facts`` is what it announced, encoded."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="candidates")
    public_key = models.BinaryField(max_length=33)
    facts = models.BinaryField()
    device_class = models.CharField(max_length=32)
    model = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    replaces = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE, related_name="successors")
    seen_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "public_key"], name="candidate_key_once_in_a_home")
        ]

    def __str__(self) -> str:
        return f"candidate {bytes(self.public_key)[:4].hex()}"


class PairingCode(HomeModel):
    """A code that the owner gives to new devices. Only its hash is kept; it ends by time and by uses."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="pairing_codes")
    digest = models.CharField(max_length=64, unique=True)
    uses_left = models.PositiveIntegerField(default=1)
    replaces = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"pairing code {self.pk}"


class RefusalCount(HomeModel):
    """How many readings were refused or rejected, by device and code."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="refusals")
    device = models.ForeignKey(Device, null=True, on_delete=models.CASCADE, related_name="refusals")
    code = models.CharField(max_length=48)
    readings = models.PositiveBigIntegerField(default=0)
    times = models.PositiveBigIntegerField(default=0)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["household", "device", "code"], name="refusals_by_device", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.readings}"
