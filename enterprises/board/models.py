"""What the market keeps of training: pseudonyms, notices, answers to them, and what lies in mailboxes."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from enterprises.partners.models import HubAccount, Organisation

Owner = HubAccount | Organisation


class Pseudonym(models.Model):
    """An account of the ledgers under which a hub or an organisation takes part in training; its key proved itself.

    The row links a hub's account to a pseudonym, because only its owner may read its mailbox. It goes when the owner
    leaves, or when the hub was not heard of for long.
    """

    hearth_db = "market"

    address = models.CharField(max_length=40, unique=True, help_text="20 bytes, hexadecimal.")
    public_key = models.CharField(max_length=66, unique=True)
    hub = models.ForeignKey(HubAccount, null=True, blank=True, on_delete=models.CASCADE, related_name="pseudonyms")
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.CASCADE, related_name="pseudonyms"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    seen_on = models.DateField(auto_now_add=True, db_index=True)
    mail_at = models.DateTimeField(null=True, blank=True, help_text="Written first by whoever fills the mailbox.")

    class Meta:
        app_label = "enterprises"
        ordering = ["address"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hub__isnull=True) ^ Q(organisation__isnull=True), name="pseudonym_has_one_owner"
            )
        ]

    def __str__(self) -> str:
        return f"pseudonym {self.address[:12]}"


class TrainingNotice(models.Model):
    """An organisation looks for homes for a plan. ``plan_hash`` is what the ledgers know it by."""

    hearth_db = "market"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    plan_hash = models.CharField(max_length=64, unique=True)
    plan = models.BinaryField()
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="notices")
    template = models.CharField(max_length=64, db_index=True)
    purpose = models.CharField(max_length=500)
    device_classes = models.JSONField()
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    closes_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"notice {self.plan_hash[:12]}"


class NoticeAnswer(models.Model):
    """A hub takes part, under a pseudonym that answers nothing else. The organisation is not told which hub it is."""

    hearth_db = "market"

    notice = models.ForeignKey(TrainingNotice, on_delete=models.CASCADE, related_name="answers")
    pseudonym = models.OneToOneField(Pseudonym, on_delete=models.CASCADE, related_name="answer")
    hub = models.ForeignKey(HubAccount, on_delete=models.CASCADE, related_name="answers")
    bundle = models.BinaryField(help_text="The pseudonym's public keys, as its library writes them.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["notice", "hub"], name="notice_answer_once")]

    def __str__(self) -> str:
        return f"answer {self.pk}"


class MailObject(models.Model):
    """One try to leave an object in a mailbox; of those with one key at most one is STORED, and only that is shown.

    ``name`` is 16 digits for a letter, and the kind itself for the others, of which a pair has one each. ``file`` is
    random, so the names in the cloud store tell nothing. Addresses are no foreign keys: rows outlive a pseudonym that
    leaves until their bytes are gone.
    """

    hearth_db = "market"

    class Kind(models.TextChoices):
        LETTER = "mail", "Letter"
        REQUEST = "request", "Request to be a peer"
        BUNDLE = "bundle", "Public keys for a peer"

    class State(models.TextChoices):
        ARRIVING = "arriving", "Being written"
        STORED = "stored", "Stored"
        DELETING = "deleting", "Being deleted"

    recipient = models.CharField(max_length=40)
    sender = models.CharField(max_length=40)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    name = models.CharField(max_length=16)
    file = models.CharField(max_length=64, unique=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.ARRIVING)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["sender", "name"]
        indexes = [
            models.Index(fields=["recipient", "sender", "name"], name="mail_by_key"),
            models.Index(fields=["id"], condition=Q(state="deleting"), name="mail_deleting"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "sender", "name"], condition=Q(state="stored"), name="mail_stored_once"
            )
        ]

    def __str__(self) -> str:
        return f"mail to {self.recipient[:12]}"
