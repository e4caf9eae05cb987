"""Learning at home: what the owner lets enterprises learn, what was asked and answered, and the account of epsilon.

Epsilon is counted in millionths and delta in millionths of a millionth, so that every amount is a whole number.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from households.models.base import HomeModel
from households.models.household import Household

HOME_LIMIT_MICRO = 4_000_000
PERIOD_DAYS = 365


class LearningSettings(HomeModel):
    """The home's own limits. ``enabled`` off refuses everything and keeps the rules.

    Every change of the epsilon account first writes this row (``counted_at``), so two of them never read one sum.
    """

    household = models.OneToOneField(Household, on_delete=models.CASCADE, related_name="learning", primary_key=True)
    enabled = models.BooleanField(default=True)
    limit_micro = models.PositiveBigIntegerField(default=HOME_LIMIT_MICRO, help_text="Micro-epsilon in a period.")
    period_days = models.PositiveIntegerField(default=PERIOD_DAYS)
    counted_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"learning {'on' if self.enabled else 'off'}"


class ConsentRule(HomeModel):
    """What the owner lets be learnt. ``task`` and ``enterprise`` may be empty: any. It ends by time or by the owner."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        REVOKED = "revoked", "Revoked"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="consent_rules")
    task = models.CharField(max_length=64, blank=True, help_text="A task template's name, or empty for any.")
    classes = models.JSONField(help_text="The device classes that may be learnt from, sorted.")
    enterprise = models.BinaryField(max_length=20, default=bytes, help_text="Its address, or empty for any.")
    enterprise_name = models.CharField(max_length=120, blank=True)
    limit_micro = models.PositiveBigIntegerField(help_text="Micro-epsilon that may be spent under this rule in all.")
    noiseless = models.BooleanField(
        default=False, help_text="Jobs that add no noise are allowed too: masks alone hide."
    )
    expires_at = models.DateTimeField()
    text = models.CharField(max_length=40, help_text="The text that the owner read, for instance training-1.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ACTIVE)
    given_at = models.DateTimeField(default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True, help_text="When epsilon was last set aside under it.")

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-given_at"]
        indexes: ClassVar = [models.Index(fields=["household", "state"], name="consent_rules_by_state")]

    def __str__(self) -> str:
        return f"consent for {self.task or 'any task'} ({self.state})"


class ConsentEvent(HomeModel):
    """One line of the history: a question and its answer, or a change by the owner. It holds no reading."""

    class Kind(models.TextChoices):
        ASKED = "asked", "Asked to take part"
        ROUND = "round", "Asked before a round"
        GIVEN = "given", "Rule given"
        REVOKED = "revoked", "Rule revoked"
        SETTINGS = "settings", "Limits changed"

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="consent_events")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    rule = models.ForeignKey(ConsentRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    notice = models.BinaryField(max_length=32, default=bytes, help_text="Id of the notice that asked, if one did.")
    job = models.BinaryField(max_length=32, default=bytes)
    round = models.PositiveIntegerField(null=True, blank=True)
    enterprise = models.BinaryField(max_length=20, default=bytes)
    enterprise_name = models.CharField(max_length=120, blank=True)
    task = models.CharField(max_length=64, blank=True)
    classes = models.JSONField(default=list)
    micro_epsilon = models.PositiveBigIntegerField(null=True, blank=True, help_text="Null: without any limit.")
    allowed = models.BooleanField(null=True, blank=True, help_text="Null where nothing was asked.")
    code = models.CharField(max_length=48, blank=True, help_text="Why not.")
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-at", "-pk"]
        indexes: ClassVar = [
            models.Index(fields=["household", "-at"], name="consent_events_newest"),
            models.Index(fields=["household", "notice", "job"], name="consent_events_of_a_job"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {'yes' if self.allowed else self.code or 'done'}"


class EpsilonEntry(HomeModel):
    """What one round of one job costs this home: set aside before the round, spent once the update has left."""

    class State(models.TextChoices):
        RESERVED = "reserved", "Set aside"
        SPENT = "spent", "Spent"
        RELEASED = "released", "Given back"

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="epsilon")
    rule = models.ForeignKey(ConsentRule, on_delete=models.RESTRICT, related_name="epsilon")
    job = models.BinaryField(max_length=32)
    round = models.PositiveIntegerField()
    classes = models.JSONField(help_text="The device classes of the round, sorted.")
    micro_epsilon = models.PositiveBigIntegerField()
    delta_pico = models.PositiveBigIntegerField(help_text="Delta in millionths of a millionth.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RESERVED)
    reserved_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-reserved_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "job", "round"], name="epsilon_once_for_a_round")
        ]
        indexes: ClassVar = [models.Index(fields=["household", "reserved_at"], name="epsilon_newest")]

    def __str__(self) -> str:
        return f"{self.micro_epsilon} for round {self.round} ({self.state})"
