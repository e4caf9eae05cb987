"""What waits for a block of the device ledger: changes of members, proposals, and the votes on them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from households.models.base import HomeModel
from households.models.device import Device
from households.models.household import Household


class MembershipChange(HomeModel):
    """One call to the device ledger that the owner wants. One stands in a block; the oldest goes first.

    ``fresh_certificate`` is what the device gets when a ``join`` or ``rotate`` is final.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        PROPOSED = "proposed", "Being voted on"
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="changes")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE, related_name="changes")
    call = models.CharField(max_length=32)
    args = models.BinaryField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    fresh_certificate = models.BinaryField(default=bytes)
    code = models.CharField(max_length=48, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.call} ({self.state})"


class BlockProposal(HomeModel):
    """A proposal that the hub signed, once for a height and round. It stays as it is until final or void."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        FINAL = "final", "Final"
        VOID = "void", "Void"

    class Kind(models.TextChoices):
        BATCH = "batch", "Batch"
        MEMBERSHIP = "membership", "Membership"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="proposals")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    height = models.PositiveBigIntegerField()
    round = models.PositiveIntegerField(default=0)
    block_hash = models.BinaryField(max_length=32)
    signed = models.BinaryField(help_text="The SignedProposal, as sent to the voters.")
    batch_id = models.BinaryField(max_length=32, default=bytes)
    change = models.ForeignKey(MembershipChange, null=True, on_delete=models.CASCADE, related_name="proposals")
    judges = models.BinaryField(default=bytes, help_text="Keys of those who vote on it, 33 bytes each.")
    voters = models.PositiveIntegerField(default=0)
    needed = models.PositiveIntegerField(default=0)
    held = models.BooleanField(default=False, help_text="Two voters disagree; the owner has to decide.")
    quorum_at = models.DateTimeField(null=True, blank=True)
    void_signature = models.BinaryField(default=bytes)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "height", "round"], name="one_proposal_for_a_round"),
            models.UniqueConstraint(
                fields=["household"], condition=models.Q(state="open"), name="one_open_proposal_in_a_home"
            ),
        ]

    def __str__(self) -> str:
        return f"proposal {self.height}.{self.round} ({self.state})"


class DeviceVote(HomeModel):
    """A device's vote on a proposal, as it arrived and after its signature was verified."""

    proposal = models.ForeignKey(BlockProposal, on_delete=models.CASCADE, related_name="votes")
    voter = models.BinaryField(max_length=33)
    raw = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["proposal", "voter"], name="one_vote_for_a_proposal")]

    def __str__(self) -> str:
        return f"vote {bytes(self.voter)[:4].hex()}"


class FaultEvidence(HomeModel):
    """Two signed statements of one signer that contradict each other."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="faults")
    device = models.ForeignKey(Device, null=True, blank=True, on_delete=models.CASCADE)
    kind = models.CharField(max_length=32)
    digest = models.CharField(max_length=64)
    raw = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [models.UniqueConstraint(fields=["household", "digest"], name="evidence_once")]

    def __str__(self) -> str:
        return self.kind
