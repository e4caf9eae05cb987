"""Who takes part in the market: hubs without a name, organisations with one, tokens, and credits given."""

from __future__ import annotations

import uuid

from django.db import models


class HubAccount(models.Model):
    """A hub as the market knows it: a public key that proved itself. No name, no address, and no link to its lots."""

    hearth_db = "market"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    public_key = models.CharField(max_length=66, unique=True, help_text="Compressed secp256k1 key, hexadecimal.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"hub {str(self.public_id)[:8]}"


class Organisation(models.Model):
    """An enterprise as the market knows it. The shared ledger decides what its wallet may do; this row follows it."""

    hearth_db = "market"

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting for an operator"
        ACCREDITED = "accredited", "Accredited"
        SUSPENDED = "suspended", "Suspended"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    contact = models.EmailField()
    address = models.CharField(max_length=40, unique=True, help_text="Wallet address, 20 bytes, hexadecimal.")
    public_key = models.CharField(max_length=66, unique=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING)
    accredited_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class MarketToken(models.Model):
    """A bearer token of a hub or an organisation; only its SHA-256 is kept."""

    hearth_db = "market"

    class Kind(models.TextChoices):
        HUB = "hub", "Hub"
        ORGANISATION = "organisation", "Organisation"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    digest = models.CharField(max_length=64, unique=True)
    hub = models.ForeignKey(HubAccount, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens")
    organisation = models.ForeignKey(
        Organisation, null=True, blank=True, on_delete=models.CASCADE, related_name="tokens"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "enterprises"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="hub", hub__isnull=False, organisation__isnull=True)
                | models.Q(kind="organisation", hub__isnull=True, organisation__isnull=False),
                name="market_token_has_one_bearer",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} token {self.pk}"


class CreditGrant(models.Model):
    """Credits that an operator gives to an organisation, once for each key, however often the button is pressed."""

    hearth_db = "market"

    class State(models.TextChoices):
        NEW = "new", "Not sent"
        SENDING = "sending", "Sent, answer not seen"
        DONE = "done", "On the ledger"
        REFUSED = "refused", "Refused by the ledger"

    key = models.CharField(max_length=64, unique=True, help_text="Chosen by who asks; the same key grants once.")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="grants")
    amount = models.PositiveBigIntegerField()
    operator_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    after_height = models.PositiveBigIntegerField(default=0, help_text="The ledger's height before it was sent.")
    tx_id = models.CharField(max_length=64, blank=True)
    refusal = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.amount} credits to {self.organisation_id}"
