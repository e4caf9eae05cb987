"""Rows of the way from readings to money: schedule, batch, lot, order, sweep. Each has a state and a lease.

The readings' own models are imported here, so that Django finds them; nobody else needs to.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from households.home import models as _readings  # noqa: F401  registers the models of raw readings
from households.models.base import HomeModel
from households.models.device import Device
from households.models.household import Household
from marketplace.common.work import LeasedRow


class UploadSchedule(HomeModel):
    """How often a home closes a batch. Beat holds a periodic task that knows only the household's id."""

    household = models.OneToOneField(Household, on_delete=models.CASCADE, related_name="schedule", primary_key=True)
    text = models.CharField(max_length=64, default="daily 03:00", help_text="As households.uploads.schedule reads it.")
    zone = models.CharField(max_length=64, default="UTC")
    enabled = models.BooleanField(default=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.text


class Batch(LeasedRow, HomeModel):
    """Readings up to a cut, on their way through the devices' vote. ``batch_id`` names it on the device ledger.

    A batch with a ``source`` has no readings of its own: it seals some lots of the source once more, under other
    payees, and ``seals`` counts how often that was tried.
    """

    class State(models.TextChoices):
        CLOSED = "closed", "Closed"
        PREPARED = "prepared", "Ready for the vote"
        PROPOSED = "proposed", "Devices are voting"
        CERTIFIED = "certified", "Certified"
        DONE = "done", "Done"
        EMPTY = "empty", "Nothing to share"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="batches")
    number = models.PositiveIntegerField()
    source = models.ForeignKey("self", null=True, blank=True, on_delete=models.CASCADE, related_name="sealed_again")
    seals = models.PositiveSmallIntegerField(default=0)
    batch_id = models.BinaryField(max_length=32)
    from_ms = models.PositiveBigIntegerField()
    cut_ms = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLOSED)
    round = models.PositiveIntegerField(default=0)
    terms = models.BinaryField(default=bytes, help_text="The terms that voters check, encoded.")
    roots = models.BinaryField(default=bytes, help_text="The lots that the hub proposes, encoded.")
    certificate = models.BinaryField(default=bytes, help_text="The quorum certificate, encoded.")
    height = models.PositiveBigIntegerField(default=0)
    label = models.CharField(max_length=24, blank=True)
    voters = models.PositiveIntegerField(default=0)
    segments = models.PositiveIntegerField(default=0)
    readings = models.PositiveIntegerField(default=0)
    series_count = models.PositiveIntegerField(default=0)
    series_rejected = models.PositiveIntegerField(default=0)
    readings_rejected = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["household", "number"], name="batch_number_once"),
            models.UniqueConstraint(fields=["household", "batch_id"], name="batch_id_once"),
        ]

    def __str__(self) -> str:
        return f"batch {self.number} ({self.state})"

    @property
    def readings_key(self) -> uuid.UUID:
        """The key of the batch that its readings went into: its own, or its source's."""
        return self.source_id or self.pk


class Lot(LeasedRow, HomeModel):
    """One series of one batch, sealed for sale under a payee that no other lot ever uses.

    ``publish_raw`` and ``preview_raw`` are signed transactions, kept before they are sent so that the same bytes go out
    again after a crash. ``balance`` is what the payee's address held when it was last asked.
    """

    class State(models.TextChoices):
        PLANNED = "planned", "Waiting for the vote"
        CERTIFIED = "certified", "Approved"
        UPLOADED = "uploaded", "Stored"
        ANCHORED = "anchored", "On the ledger"
        LISTED = "listed", "On offer"
        LEAVING = "leaving", "Being taken down"
        GONE = "gone", "Taken down"
        REJECTED = "rejected", "Rejected by the devices"
        DEAD = "dead", "Preview failed"
        FAILED = "failed", "Failed"
        RESEALED = "resealed", "Sealed again"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="lots")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="lots")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="lots")
    quantity = models.CharField(max_length=64)
    series_id = models.BinaryField(max_length=32)
    child_index = models.PositiveIntegerField()
    payee_key = models.BinaryField(max_length=33)
    payee = models.BinaryField(max_length=20)
    lot_id = models.BinaryField(max_length=32, unique=True)
    object_id = models.BinaryField(max_length=32)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    price = models.PositiveBigIntegerField()
    licence = models.BinaryField(max_length=32)
    expires_ms = models.PositiveBigIntegerField()
    support = models.CharField(max_length=16, blank=True)
    reject_code = models.CharField(max_length=64, blank=True)
    record_count = models.PositiveIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    chunks = models.BinaryField(default=bytes, help_text="The rows that leave, in chunks; empty once they are stored.")
    comparable = models.BinaryField(default=bytes, help_text="Keys of the voters that could compare, 33 bytes each.")
    digest = models.BinaryField(default=bytes, help_text="What the shared ledger is told, encoded.")
    next_nonce = models.PositiveBigIntegerField(default=0, help_text="The payee's next nonce, as far as we know.")
    publish_raw = models.BinaryField(default=bytes)
    preview_raw = models.BinaryField(default=bytes)
    change_raw = models.BinaryField(default=bytes)
    anchored_height = models.PositiveBigIntegerField(default=0)
    earned = models.PositiveBigIntegerField(default=0)
    balance = models.PositiveBigIntegerField(default=0)
    balance_checked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    listed_at = models.DateTimeField(null=True, blank=True)
    object_removed_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-created_at", "quantity"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["device", "child_index"], name="payee_child_once"),
            models.UniqueConstraint(fields=["batch", "series_id"], name="series_once_in_a_batch"),
        ]
        indexes: ClassVar = [models.Index(fields=["household", "state"], name="lots_by_state")]

    def __str__(self) -> str:
        return f"lot {bytes(self.lot_id)[:4].hex()} ({self.state})"


class HubOrder(LeasedRow, HomeModel):
    """A paid order on one of the home's lots, first a hint of the market's, then verified by its funding receipt.
    ``answer`` is e and its nonce, sealed and stored before the commitment."""

    class State(models.TextChoices):
        FUNDED = "funded", "Paid into escrow"
        COMMITTED = "committed", "Answer committed"
        DELIVERED = "delivered", "Key delivered"
        SETTLED = "settled", "Settled"
        REFUNDED = "refunded", "Refunded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="orders")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="orders")
    order_id = models.BinaryField(max_length=32, unique=True)
    buyer_key = models.BinaryField(max_length=33, default=bytes)
    buyer = models.BinaryField(max_length=20, default=bytes)
    price = models.PositiveBigIntegerField(default=0)
    reward = models.PositiveBigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FUNDED)
    fund_tx_id = models.BinaryField(max_length=32)
    point = models.BinaryField(max_length=33, default=bytes, help_text="R, once the funding receipt was verified.")
    sealed_r = models.BinaryField(default=bytes, help_text="r under the lot's HPKE key, from the same receipt.")
    refusal = models.CharField(max_length=32, blank=True, help_text="Why the hub declined.")
    outcome = models.CharField(max_length=32, blank=True)
    answer = models.BinaryField(default=bytes)
    reject_raw = models.BinaryField(default=bytes)
    commit_raw = models.BinaryField(default=bytes)
    deliver_raw = models.BinaryField(default=bytes)
    settle_raw = models.BinaryField(default=bytes)
    deadline_ms = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"order {bytes(self.order_id)[:4].hex()} ({self.state})"


class Sweep(LeasedRow, HomeModel):
    """One move of one payee's balance to the master wallet, at its own moment."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        EMPTY = "empty", "Nothing to move"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="sweeps")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="sweeps")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    amount = models.PositiveBigIntegerField(default=0)
    raw = models.BinaryField(default=bytes)
    tx_id = models.BinaryField(max_length=32, default=bytes)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["lot"], condition=models.Q(state="waiting"), name="one_waiting_sweep_for_a_lot"
            )
        ]

    def __str__(self) -> str:
        return f"sweep of {self.amount} ({self.state})"
