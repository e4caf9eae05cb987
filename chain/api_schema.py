"""Shapes of the ledger's REST API: what comes in is checked by them, what goes out is described by them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

PAGE_MAX = 500


class HexId(serializers.RegexField):
    """A 32-byte id as 64 hexadecimal digits."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9a-fA-F]{64}$", **options)


class TransactionIn(serializers.Serializer[Any]):
    """A signed transaction in its canonical bytes, as base64. (Or send the bytes alone as octet-stream.)"""

    tx = serializers.CharField(max_length=400_000)


class PageIn(serializers.Serializer[Any]):
    """Where to go on, and how much to get: ``after`` is a height or the ``next`` of the page before."""

    after = serializers.CharField(default="0", max_length=64)
    limit = serializers.IntegerField(default=100, min_value=1, max_value=PAGE_MAX)


class HistoryIn(PageIn):
    """``order=newest`` goes back in time: from ``before`` (the ``next`` of the page before), or from the last move."""

    order = serializers.ChoiceField(choices=["oldest", "newest"], default="oldest")
    before = serializers.CharField(default="", max_length=64, allow_blank=True, help_text="for order=newest")


class EventsIn(PageIn):
    """Events up to a height, and of one kind, if wanted."""

    up_to = serializers.IntegerField(required=False, min_value=0)
    kind = serializers.CharField(default="", max_length=64, allow_blank=True)


class ChangesIn(serializers.Serializer[Any]):
    after = serializers.IntegerField(default=0, min_value=0, max_value=2**62)


class GenesisOut(serializers.Serializer[Any]):
    ledger = serializers.CharField(help_text="the id that transactions are signed for")
    kind = serializers.CharField()
    hash = serializers.CharField()
    time_ms = serializers.IntegerField()
    params = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="of the contracts; with fixed_validators 1 the validators below are those of every block",
    )
    roles = serializers.DictField(child=serializers.CharField())
    validators = serializers.ListField(child=serializers.CharField())  # type: ignore[assignment]  # a field's name
    genesis = serializers.CharField(help_text="canonical bytes, hexadecimal")


class HeaderOut(serializers.Serializer[Any]):
    ledger = serializers.CharField()
    height = serializers.IntegerField()
    time_ms = serializers.IntegerField()
    hash = serializers.CharField()
    previous = serializers.CharField()
    header = serializers.CharField(help_text="canonical bytes, hexadecimal; empty before the first block")
    commit = serializers.CharField(help_text="the votes, canonical bytes, hexadecimal")


class HeadOut(HeaderOut):
    indexed_height = serializers.IntegerField(help_text="up to which height events and histories can be had")


class ProofOut(serializers.Serializer[Any]):
    """A receipt that proves itself; keep it as a file."""

    format = serializers.CharField()
    shows = serializers.DictField(help_text="what the proof says, for people")
    proof = serializers.CharField(help_text="canonical bytes, hexadecimal")


class ProofsOut(serializers.Serializer[Any]):
    proofs = ProofOut(many=True)


class AccountOut(serializers.Serializer[Any]):
    address = serializers.CharField()
    address_hex = serializers.CharField()
    balance = serializers.IntegerField()
    nonce = serializers.IntegerField(help_text="of the next transaction, those that wait included")
    accredited_until_ms = serializers.IntegerField(help_text="0 if it may not buy")


class MoveOut(serializers.Serializer[Any]):
    height = serializers.IntegerField()
    time_ms = serializers.IntegerField()
    tx_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=["mint", "burn", "transfer", "escrow", "refund", "reward", "fee"])
    amount = serializers.IntegerField(help_text="negative where the address gave")
    counterparty = serializers.CharField(help_text="address, hexadecimal; empty for the treasury's mint and burn")
    order_id = serializers.CharField()
    lot_id = serializers.CharField()


class HistoryOut(serializers.Serializer[Any]):
    moves = MoveOut(many=True)
    next = serializers.CharField(allow_null=True)
    indexed_height = serializers.IntegerField()


class EventOut(serializers.Serializer[Any]):
    height = serializers.IntegerField()
    position = serializers.IntegerField()
    tx_id = serializers.CharField()
    kind = serializers.CharField()
    subjects = serializers.ListField(child=serializers.CharField())


class EventsOut(serializers.Serializer[Any]):
    events = EventOut(many=True)
    next = serializers.CharField(allow_null=True)
    indexed_height = serializers.IntegerField()


class RowOut(serializers.Serializer[Any]):
    """The row's fields by name, bytes as hexadecimal digits, and its canonical bytes."""

    status = serializers.CharField()
    row = serializers.CharField()


class NonceOut(serializers.Serializer[Any]):
    address = serializers.CharField()
    address_hex = serializers.CharField()
    nonce = serializers.IntegerField(help_text="of the next transaction, those that wait included")


class KeysIn(serializers.Serializer[Any]):
    """Where to go on: ``after`` is empty, or the ``next`` of the page before."""

    after = serializers.RegexField(r"^([0-9a-fA-F]{64})?\Z", default="", allow_blank=True)
    limit = serializers.IntegerField(default=100, min_value=1, max_value=PAGE_MAX)


class RoundsIn(serializers.Serializer[Any]):
    after = serializers.IntegerField(default=0, min_value=0, max_value=2**31)
    limit = serializers.IntegerField(default=100, min_value=1, max_value=PAGE_MAX)


class LedgerServiceOut(serializers.Serializer[Any]):
    """A service by its fields, bytes as hexadecimal digits, and its canonical bytes."""

    name = serializers.CharField()
    unit = serializers.CharField()
    template = serializers.CharField()
    row = serializers.CharField()


class LedgerVersionOut(serializers.Serializer[Any]):
    """A version by its fields, bytes as hexadecimal digits, and its canonical bytes."""

    version = serializers.CharField()
    service = serializers.CharField()
    enterprise = serializers.CharField()
    row = serializers.CharField()


class LedgerRowsOut(serializers.Serializer[Any]):
    """Rows as ``row`` of a single one has them, and the place to go on from."""

    rows = serializers.ListField(child=serializers.DictField())
    next = serializers.CharField(allow_null=True)
