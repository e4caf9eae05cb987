"""What an enterprise's node keeps: its members, its wallet, its orders and how far each purchase has come."""

from __future__ import annotations

import uuid

from django.db import models

from marketplace.common.work import LeasedRow


class Enterprise(LeasedRow):
    """An enterprise on its own node. ``market_token`` is sealed: it lets its bearer read the market's store."""

    hearth_db = "enterprise"

    class Registration(models.TextChoices):
        NEW = "new", "Not registered with the market yet"
        PENDING = "pending", "Waiting for the market's operator"
        ACCREDITED = "accredited", "Accredited"
        SUSPENDED = "suspended", "Suspended"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120)
    contact = models.EmailField()
    registration = models.CharField(max_length=12, choices=Registration.choices, default=Registration.NEW)
    market_token = models.BinaryField(default=bytes, help_text="Sealed under the node's key.")
    refusal = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A user of the accounts app who acts for an enterprise; a user belongs to one enterprise at most."""

    hearth_db = "enterprise"

    class Role(models.TextChoices):
        ADMIN = "admin", "Administrator"
        BUYER = "buyer", "Buyer"

    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="members")
    user_id = models.BigIntegerField(unique=True)
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.BUYER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"

    def __str__(self) -> str:
        return f"{self.role} {self.user_id}"


class Wallet(LeasedRow):
    """The enterprise's key, sealed under the node's key, and the lease of whoever sends its transactions."""

    hearth_db = "enterprise"

    enterprise = models.OneToOneField(Enterprise, on_delete=models.CASCADE, related_name="wallet")
    address = models.CharField(max_length=40, unique=True)
    public_key = models.CharField(max_length=66)
    sealed_secret = models.BinaryField()
    next_nonce = models.PositiveBigIntegerField(null=True, blank=True, help_text="Null: ask the ledger.")
    models_nonce = models.PositiveBigIntegerField(null=True, blank=True, help_text="On the service-model ledger.")
    balance = models.PositiveBigIntegerField(default=0, help_text="As last read from the ledger.")
    balance_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "enterprises"

    def __str__(self) -> str:
        return self.address


class BasketLine(models.Model):
    """A lot that somebody of the enterprise put into the basket, at the price it had then."""

    hearth_db = "enterprise"

    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="basket")
    lot_id = models.CharField(max_length=64)
    price = models.PositiveBigIntegerField()
    licence = models.CharField(max_length=64)
    facts = models.JSONField(default=dict, help_text="What the catalog says of the lot, to show it.")
    added_by = models.BigIntegerField()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["added_at", "id"]
        constraints = [models.UniqueConstraint(fields=["enterprise", "lot_id"], name="basket_line_once")]

    def __str__(self) -> str:
        return f"{self.lot_id[:12]} for {self.price}"


class Order(models.Model):
    """One confirmation of a basket; each line of it is a purchase with an exchange of its own."""

    hearth_db = "enterprise"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="orders")
    total = models.PositiveBigIntegerField()
    confirmed_by = models.BigIntegerField()
    confirmed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["-confirmed_at"]

    def __str__(self) -> str:
        return str(self.public_id)


class Purchase(LeasedRow):
    """One lot being bought. ``state`` only moves by conditional updates under a lease (see ``checkout.purchases``)."""

    hearth_db = "enterprise"

    class State(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        CHECKED = "checked", "Object and licence checked"
        FUNDING = "funding", "Payment on its way into escrow"
        FUNDED = "funded", "In escrow"
        COMMITTED = "committed", "The home has committed to deliver"
        DELIVERED = "delivered", "Key delivered"
        OPENED = "opened", "Opened and checked"
        ACCEPTING = "accepting", "Accepting"
        COMPLAINING = "complaining", "Complaint on its way"
        EXPIRING = "expiring", "Asking for the money back"
        SETTLED = "settled", "Settled"
        REFUNDED = "refunded", "Refunded"
        FAILED = "failed", "Not bought, nothing paid"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="purchases")
    lot_id = models.CharField(max_length=64)
    price = models.PositiveBigIntegerField()
    licence = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State.choices, default=State.CONFIRMED, db_index=True)
    reason = models.CharField(max_length=64, blank=True, help_text="Code of why it failed or was refunded.")

    digest = models.BinaryField(default=bytes, help_text="The lot's publish arguments from its verified receipt.")
    payee_key = models.CharField(max_length=66, blank=True)
    sealed_r = models.BinaryField(default=bytes, help_text="The buyer's scalar r, sealed under the node's key.")
    point = models.CharField(max_length=66, blank=True)
    ledger_order = models.CharField(max_length=64, null=True, unique=True)
    # What verified receipts say; written by whoever reads the ledger, read by whoever holds the lease.
    ledger_state = models.CharField(max_length=12, blank=True)
    e = models.BinaryField(default=bytes)
    deadline_ms = models.PositiveBigIntegerField(default=0, help_text="Of the present state, in block time.")

    label = models.CharField(max_length=32, blank=True)
    row_count = models.PositiveBigIntegerField(default=0)
    columns = models.JSONField(default=list)

    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["order", "lot_id"], name="purchase_once_an_order")]

    def __str__(self) -> str:
        return f"{self.lot_id[:12]} {self.state}"


class PurchaseStep(models.Model):
    """When a purchase entered a state, and the transaction whose verified receipt says so."""

    hearth_db = "enterprise"

    purchase = models.ForeignKey(Purchase, on_delete=models.CASCADE, related_name="steps")
    state = models.CharField(max_length=12, choices=Purchase.State.choices)
    tx_id = models.CharField(max_length=64, blank=True)
    height = models.PositiveBigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["purchase", "state"], name="purchase_step_once")]

    def __str__(self) -> str:
        return self.state


class BuyerTransaction(models.Model):
    """A call that a wallet is to make on a ledger, once; it gets its nonce and signature when its turn comes.

    It is for a purchase, or for a training job, which may make one call several times under different ``key``.
    """

    hearth_db = "enterprise"

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting for its turn"
        SIGNED = "signed", "Signed; perhaps sent"
        FINAL = "final", "On the ledger"
        DROPPED = "dropped", "Given up"

    class Ledger(models.TextChoices):
        SHARED = "shared", "Shared ledger"
        MODELS = "service_models", "Service-model ledger"

    wallet = models.ForeignKey(Wallet, on_delete=models.CASCADE, related_name="transactions")
    purchase = models.ForeignKey(Purchase, on_delete=models.CASCADE, null=True, related_name="transactions")
    job = models.ForeignKey("enterprises.TrainingJob", on_delete=models.CASCADE, null=True, related_name="transactions")
    ledger = models.CharField(max_length=16, choices=Ledger.choices, default=Ledger.SHARED)
    call = models.CharField(max_length=64)
    key = models.CharField(max_length=64, blank=True)
    args = models.BinaryField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED, db_index=True)
    nonce = models.PositiveBigIntegerField(null=True, blank=True)
    raw = models.BinaryField(default=bytes)
    tx_id = models.CharField(max_length=64, blank=True, db_index=True)
    code = models.CharField(max_length=64, blank=True, help_text="Empty when the call went through.")
    height = models.PositiveBigIntegerField(null=True, blank=True)
    block_time_ms = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["purchase", "call"], name="buyer_call_once"),
            models.UniqueConstraint(fields=["job", "call", "key"], name="job_call_once"),
        ]

    def __str__(self) -> str:
        return f"{self.call} {self.state}"


class BuyerCursor(LeasedRow):
    """How far this node has followed the ledger's events."""

    hearth_db = "enterprise"

    ledger = models.CharField(max_length=64, unique=True)
    height = models.PositiveBigIntegerField(default=0)

    class Meta:
        app_label = "enterprises"

    def __str__(self) -> str:
        return f"{self.ledger} up to {self.height}"
