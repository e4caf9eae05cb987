"""A home's part in training jobs: what was asked, under which pseudonym it answered, its orders, rounds and rewards."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from households.models.base import HomeModel
from households.models.household import Household
from marketplace.common.work import LeasedRow


class LearningCursor(LeasedRow, HomeModel):
    """How far a home has read: the market's notices, by number, and the shared ledger's events, by height."""

    household = models.OneToOneField(Household, on_delete=models.CASCADE, related_name="reads", primary_key=True)
    notices_after = models.PositiveBigIntegerField(default=0)
    notices_all_at = models.DateTimeField(null=True, blank=True, help_text="When all open notices were read last.")
    shared_after = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"notices to {self.notices_after}, blocks to {self.shared_after}"


class Participation(LeasedRow, HomeModel):
    """One notice and what came of it. ``record`` is the ``HubRecord`` of the job's rounds, sealed under the node's key.

    ``code`` says why the home takes no part, or why it ended; it stays at home. A row is ``closed`` once mailbox,
    dataset and pseudonym are put away.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Answering"
        DECLINED = "declined", "Not taking part"
        ANSWERED = "answered", "Waiting for the enterprise"
        PEERED = "peered", "Waiting for licences"
        LICENSED = "licensed", "Waiting for the first round"
        RUNNING = "running", "Running"
        DONE = "done", "Completed"
        LEFT = "left", "Left"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="participations")
    plan_hash = models.BinaryField(max_length=32)
    plan = models.BinaryField(help_text="The plan's canonical bytes, as consent covers them.")
    task = models.CharField(max_length=64)
    purpose = models.CharField(max_length=500, blank=True)
    enterprise = models.BinaryField(max_length=20)
    enterprise_name = models.CharField(max_length=120, blank=True)
    closes_at = models.DateTimeField()
    pseudonym_index = models.PositiveIntegerField(null=True, blank=True)
    pseudonym = models.BinaryField(max_length=20, default=bytes, help_text="Its address on the ledgers.")
    bundle = models.BinaryField(default=bytes, help_text="Its public keys on the mailbox, as they were sent.")
    register_raw = models.BinaryField(default=bytes)
    leave_raw = models.BinaryField(default=bytes)
    offered = models.JSONField(default=dict, help_text="Prices of the lots that were offered, by hexadecimal id.")
    job = models.BinaryField(max_length=32, default=bytes)
    record = models.BinaryField(default=bytes)
    sequence = models.PositiveIntegerField(default=0, help_text="The newest round that the home was asked to join.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    code = models.CharField(max_length=48, blank=True)
    leaving = models.CharField(max_length=48, blank=True, help_text="Why the home is about to leave, if it is.")
    end_told = models.BooleanField(default=False, help_text="The enterprise has shown the job's end.")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-asked_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "plan_hash"], name="one_participation_in_a_plan"),
            models.UniqueConstraint(fields=["household", "pseudonym_index"], name="pseudonym_used_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "next_try_at"], name="participations_due")]

    def __str__(self) -> str:
        return f"{self.task} for {self.enterprise_name} ({self.state})"


class ParticipationOrder(LeasedRow, HomeModel):
    """A paid training licence on one of the home's lots: first a hint, then verified by the receipt that paid it."""

    class State(models.TextChoices):
        NOTED = "noted", "Being checked"
        AGREED = "agreed", "As agreed"
        ACCEPTED = "accepted", "Accepted"
        DECLINING = "leaving", "Being declined"
        ENDED = "ended", "Ended"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="training_orders")
    participation = models.ForeignKey(
        Participation, null=True, blank=True, on_delete=models.CASCADE, related_name="orders"
    )
    lot = models.ForeignKey("households.Lot", on_delete=models.PROTECT, related_name="training_orders")
    order_id = models.BinaryField(max_length=32, unique=True)
    fund_tx_id = models.BinaryField(max_length=32)
    price = models.PositiveBigIntegerField(default=0)
    rounds = models.PositiveIntegerField(default=0)
    deadline_ms = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NOTED)
    code = models.CharField(max_length=48, blank=True, help_text="Why it was declined, or how it ended.")
    accept_raw = models.BinaryField(default=bytes)
    decline_raw = models.BinaryField(default=bytes)
    reward = models.PositiveBigIntegerField(default=0, help_text="Credits that rounds have brought so far.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"training order {bytes(self.order_id)[:4].hex()} ({self.state})"


class ParticipationRound(HomeModel):
    """One round as the home saw it. ``noise`` is the release's noise multiplier, null where nothing hides an update."""

    class State(models.TextChoices):
        JOINED = "joined", "Joined"
        DECLINED = "declined", "Stayed away"
        SENT = "sent", "Update sent"
        OVER = "over", "Over"

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="rounds")
    sequence = models.PositiveIntegerField()
    step = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=8, blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.JOINED)
    outcome = models.CharField(max_length=48, blank=True, help_text="opened, or the code of why it was given up.")
    noise = models.FloatField(null=True, blank=True)
    micro_epsilon = models.PositiveBigIntegerField(default=0)
    masked = models.BinaryField(max_length=32, default=bytes, help_text="Hash of the masked update, once it was sent.")
    survivors = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-sequence"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["participation", "sequence"], name="one_row_for_a_round")
        ]

    def __str__(self) -> str:
        return f"round {self.sequence} ({self.outcome or self.state})"


class ParticipationClaim(LeasedRow, HomeModel):
    """That an order is in a round (``number`` from 1) or has a share of the bonus (0), verified, and what it paid.

    ``claim`` holds leaf and path; ``tx_id`` is the transaction of the service-model ledger that bears the root.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Being claimed"
        PAID = "paid", "Paid"
        REFUSED = "refused", "Refused"

    order = models.ForeignKey(ParticipationOrder, on_delete=models.CASCADE, related_name="claims")
    number = models.PositiveIntegerField()
    tx_id = models.BinaryField(max_length=32)
    claim = models.BinaryField()
    raw = models.BinaryField(default=bytes)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reward = models.PositiveBigIntegerField(default=0)
    code = models.CharField(max_length=48, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-number", "pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["order", "number"], name="one_claim_for_a_round")]

    def __str__(self) -> str:
        return f"claim on {self.number or 'the bonus'} ({self.state})"


class VersionProof(HomeModel):
    """The proof that the home's update is in a version of a service model: a file that anybody can check offline."""

    participation = models.ForeignKey(Participation, on_delete=models.CASCADE, related_name="proofs")
    version = models.BinaryField(max_length=32)
    document = models.BinaryField(help_text="JSON.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["participation", "version"], name="one_proof_for_a_version")
        ]

    def __str__(self) -> str:
        return f"proof for version {bytes(self.version)[:4].hex()}"
