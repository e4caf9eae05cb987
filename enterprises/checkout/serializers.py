"""What the enterprise's REST API takes and gives."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from chain.wallets.address import address_text
from enterprises.checkout.models import BasketLine, Enterprise, Member, Order, Purchase, PurchaseStep


class SignUpIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    contact = serializers.EmailField()


class EnterpriseOut(serializers.ModelSerializer[Enterprise]):
    id = serializers.UUIDField(source="public_id")
    address = serializers.SerializerMethodField()

    class Meta:
        model = Enterprise
        fields = ("id", "name", "contact", "registration", "address", "created_at")

    def get_address(self, row: Enterprise) -> str:
        return address_text(bytes.fromhex(row.wallet.address))


class MemberIn(serializers.Serializer[Any]):
    email = serializers.EmailField()
    role = serializers.ChoiceField(Member.Role.choices, default=Member.Role.BUYER)


class RoleIn(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Member.Role.choices)


class MemberOut(serializers.ModelSerializer[Member]):
    class Meta:
        model = Member
        fields = ("user_id", "role", "created_at")


class LotIdIn(serializers.Serializer[Any]):
    lot_id = serializers.RegexField("^[0-9a-f]{64}$")


class BasketLineOut(serializers.ModelSerializer[BasketLine]):
    class Meta:
        model = BasketLine
        fields = ("lot_id", "price", "licence", "facts", "added_at")


class TotalsOut(serializers.Serializer[Any]):
    lines = serializers.IntegerField()
    total = serializers.IntegerField()
    fee = serializers.IntegerField()
    reward = serializers.IntegerField()
    balance = serializers.IntegerField()
    missing = serializers.IntegerField()
    affordable = serializers.BooleanField()


class BasketOut(serializers.Serializer[Any]):
    items = BasketLineOut(many=True)
    totals = TotalsOut()


class ConfirmIn(serializers.Serializer[Any]):
    """What was shown and agreed to: the sum, and the hashes of the licences."""

    total = serializers.IntegerField(min_value=0)
    licences = serializers.ListField(child=serializers.RegexField("^[0-9a-f]{64}$"), max_length=500)


class StepOut(serializers.ModelSerializer[PurchaseStep]):
    state = serializers.CharField(help_text="the purchase's state from then on")

    class Meta:
        model = PurchaseStep
        fields = ("state", "tx_id", "height", "note", "at")


class PurchaseOut(serializers.ModelSerializer[Purchase]):
    id = serializers.UUIDField(source="public_id")
    steps = StepOut(many=True)

    class Meta:
        model = Purchase
        fields = (
            "id", "lot_id", "ledger_order", "price", "licence", "facts", "state", "reason", "deadline_ms", "label",
            "row_count", "columns", "steps",
        )  # fmt: skip


class OrderOut(serializers.ModelSerializer[Order]):
    id = serializers.UUIDField(source="public_id")
    lines = serializers.IntegerField()
    settled = serializers.IntegerField()
    refunded = serializers.IntegerField()
    failed = serializers.IntegerField()
    open = serializers.IntegerField()

    class Meta:
        model = Order
        fields = ("id", "total", "confirmed_at", "lines", "settled", "refunded", "failed", "open")


class OrderDetailOut(OrderOut):
    purchases = PurchaseOut(many=True)

    class Meta:
        model = Order
        fields = (*OrderOut.Meta.fields, "purchases")


class WalletOut(serializers.Serializer[Any]):
    address = serializers.CharField()
    balance = serializers.IntegerField()
    balance_at = serializers.DateTimeField(allow_null=True)
    registration = serializers.CharField()
    waiting = serializers.IntegerField()
    reachable = serializers.BooleanField()
    history = serializers.ListField(child=serializers.DictField(), help_text="moves of credits, newest first")
    history_next = serializers.CharField(allow_null=True, help_text="the ``before`` of the next, older page")
