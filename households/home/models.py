"""Raw readings. Only households' uploads and the demo may import this package (architecture.md, Folders).

A signed segment is one row, kept as the device signed it, so that any voter can check it again. ``Series`` is one
quantity of one device; it remembers what sequence comes next, and the newest value for the owner's pages.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from households.models.base import HomeModel
from households.models.device import Device
from households.models.household import Household


class Series(HomeModel):
    """One quantity of one device. ``last_value`` is in the quantity's fixed point."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="series")
    quantity = models.CharField(max_length=64)
    unit = models.CharField(max_length=64)
    low = models.BigIntegerField(default=0, help_text="Announced range; equal to high when none was announced.")
    high = models.BigIntegerField(default=0)
    next_sequence = models.PositiveBigIntegerField(default=1)
    readings = models.PositiveBigIntegerField(default=0)
    last_ms = models.PositiveBigIntegerField(default=0)
    last_value = models.BigIntegerField(null=True, blank=True)

    class Meta(HomeModel.Meta):
        ordering: ClassVar = ["quantity"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["device", "quantity"], name="one_series_for_quantity")]

    def __str__(self) -> str:
        return self.quantity


class StoredSegment(HomeModel):
    """Up to 60 readings, as signed. ``batch_key`` is the number of the batch that they went into; null while they wait.

    It is no foreign key, so that deleting a batch's rows can never delete readings.
    """

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="+")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="segments")
    first_sequence = models.PositiveBigIntegerField()
    readings = models.PositiveSmallIntegerField()
    first_ms = models.PositiveBigIntegerField()
    last_ms = models.PositiveBigIntegerField()
    backfilled = models.BooleanField()
    raw = models.BinaryField()
    received_ms = models.PositiveBigIntegerField()
    batch_key = models.UUIDField(null=True)

    class Meta(HomeModel.Meta):
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "first_sequence"], name="segment_once_in_a_series")
        ]
        indexes: ClassVar = [
            models.Index(fields=["household", "batch_key", "last_ms"], name="segments_by_batch"),
            models.Index(fields=["series", "last_ms"], name="segments_by_time"),
        ]

    def __str__(self) -> str:
        return f"segment {self.first_sequence}"
