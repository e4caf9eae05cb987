"""Where ledgers are kept: genesis, blocks and checkpoints as bytes, and the read index that is built behind them.

All stand on the aliases ``ledger`` (shared and model ledgers) and ``home`` (device ledgers), several ledgers in a
table, and are always used with an explicit alias. Blocks are written by ``stores.sql`` with a raw cursor and never
changed.
"""

from __future__ import annotations

from django.db import models


class OnLedgerDatabases(models.Model):
    """Migrated on every database that keeps ledgers; see ``marketplace.dbrouter``."""

    hearth_dbs = ("ledger", "home")

    class Meta:
        abstract = True


class LedgerGenesis(OnLedgerDatabases):
    """A ledger's first record, and the hash that names it."""

    ledger_id = models.CharField(max_length=64, primary_key=True)
    data = models.BinaryField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "chain_genesis"

    def __str__(self) -> str:
        return self.ledger_id


class LedgerBlock(OnLedgerDatabases):
    """One block in its canonical bytes. Nothing is stored beside them that could contradict them."""

    pk = models.CompositePrimaryKey("ledger_id", "height")
    ledger_id = models.CharField(max_length=64)
    height = models.PositiveBigIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "chain_block"

    def __str__(self) -> str:
        return f"{self.ledger_id} {self.height}"


class LedgerCheckpoint(OnLedgerDatabases):
    """A part of the state after a block. Part 0 is the head and is written last, so a checkpoint without it is none."""

    pk = models.CompositePrimaryKey("ledger_id", "height", "part")
    ledger_id = models.CharField(max_length=64)
    height = models.PositiveBigIntegerField()
    part = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        db_table = "chain_checkpoint"

    def __str__(self) -> str:
        return f"{self.ledger_id} {self.height}/{self.part}"


class IndexHead(OnLedgerDatabases):
    """Up to which height a ledger is indexed."""

    ledger_id = models.CharField(max_length=64, primary_key=True)
    height = models.PositiveBigIntegerField()

    class Meta:
        db_table = "chain_index_head"

    def __str__(self) -> str:
        return f"{self.ledger_id} {self.height}"


class TxIndex(OnLedgerDatabases):
    """Where a transaction stands, who sent it, what it called, and its receipt's code (empty: it went through)."""

    pk = models.CompositePrimaryKey("ledger_id", "tx_id")
    ledger_id = models.CharField(max_length=64)
    tx_id = models.BinaryField(max_length=32)
    height = models.PositiveBigIntegerField()
    position = models.PositiveIntegerField()
    sender = models.BinaryField(max_length=20)
    call = models.CharField(max_length=64)
    code = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "chain_tx_index"
        indexes = [models.Index(fields=["ledger_id", "sender", "height", "position"], name="chain_tx_sender")]

    def __str__(self) -> str:
        return f"{self.ledger_id} {self.height}/{self.position} {self.call}"


class EventIndex(OnLedgerDatabases):
    """One event for each subject that it touches (an id or an address); an event without subjects has one, empty."""

    pk = models.CompositePrimaryKey("ledger_id", "height", "position", "number", "subject")
    ledger_id = models.CharField(max_length=64)
    height = models.PositiveBigIntegerField()
    position = models.PositiveIntegerField(help_text="place of the transaction in the block")
    number = models.PositiveIntegerField(help_text="place of the event in the transaction's receipt")
    subject = models.BinaryField(max_length=64)
    kind = models.CharField(max_length=64)
    tx_id = models.BinaryField(max_length=32)

    class Meta:
        db_table = "chain_event_index"
        indexes = [
            models.Index(fields=["ledger_id", "subject", "height"], name="chain_event_subject"),
            models.Index(fields=["ledger_id", "kind", "height"], name="chain_event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.ledger_id} {self.height}/{self.position}/{self.number} {self.kind}"
