"""What the market has on offer: an index of the ledger's lots, the store's objects, and homes counted by cell."""

from __future__ import annotations

from django.db import models

from marketplace.common.work import LeasedRow


class CatalogCursor(LeasedRow):
    """How far the index has followed the ledger; one row, leased by whoever is following."""

    hearth_db = "market"

    ledger = models.CharField(max_length=64, unique=True)
    height = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "enterprises"

    def __str__(self) -> str:
        return f"{self.ledger} up to {self.height}"


class CatalogLot(models.Model):
    """One lot as the shared ledger has it. Rebuildable: ``manage.py catalog_reindex``. No link to an account."""

    hearth_db = "market"

    lot_id = models.CharField(max_length=64, unique=True)
    object_id = models.CharField(max_length=64, db_index=True)
    publish_tx = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=16, db_index=True)
    schema = models.CharField(max_length=64)
    device_class = models.CharField(max_length=64, db_index=True)
    quantity = models.CharField(max_length=64, db_index=True)
    resolution_s = models.PositiveBigIntegerField()
    cell = models.CharField(max_length=64, db_index=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    price = models.PositiveBigIntegerField()
    licence_kind = models.CharField(max_length=16)
    licence = models.CharField(max_length=64)
    label = models.CharField(max_length=32)
    support = models.CharField(max_length=16)
    voters = models.PositiveIntegerField()
    chunk_count = models.PositiveIntegerField()
    record_count = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    expires_at = models.DateTimeField()
    anchored_height = models.PositiveBigIntegerField()
    open_orders = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)
    disputes = models.PositiveIntegerField(default=0)
    search = models.TextField(help_text="Words that the text search looks at, lower case.")
    indexed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["-anchored_height", "lot_id"]
        indexes = [models.Index(fields=["status", "cell"]), models.Index(fields=["status", "price"])]

    def __str__(self) -> str:
        return f"lot {self.lot_id[:12]}"


class StoredObject(models.Model):
    """A sealed object in the cloud store. It carries no account: whoever holds the deletion secret may delete it."""

    hearth_db = "market"

    class State(models.TextChoices):
        RECEIVING = "receiving", "Arriving in parts"
        STORED = "stored", "Stored"
        DELETING = "deleting", "Being deleted"

    object_id = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVING)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    deletion_digest = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    stored_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"object {self.object_id[:12]}"


class ObjectPart(models.Model):
    """A stretch of an object that arrives in parts, kept until all are there."""

    hearth_db = "market"

    stored_object = models.ForeignKey(StoredObject, on_delete=models.CASCADE, related_name="parts")
    offset = models.PositiveBigIntegerField()
    size_bytes = models.PositiveBigIntegerField()
    name = models.CharField(max_length=200)

    class Meta:
        app_label = "enterprises"
        ordering = ["offset"]
        constraints = [models.UniqueConstraint(fields=["stored_object", "offset"], name="object_part_once")]

    def __str__(self) -> str:
        return f"part at {self.offset}"


class CellHome(models.Model):
    """That an account has a home in a cell: only to count homes, so that no cell shows fewer than k of them."""

    hearth_db = "market"

    cell = models.CharField(max_length=64)
    hub = models.ForeignKey("enterprises.HubAccount", on_delete=models.CASCADE, related_name="cells")
    seen_on = models.DateField(auto_now=True)

    class Meta:
        app_label = "enterprises"
        constraints = [models.UniqueConstraint(fields=["cell", "hub"], name="cell_home_once")]

    def __str__(self) -> str:
        return self.cell
