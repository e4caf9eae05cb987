"""REST of what leaves the home: rules, schedule, preview, batches, lots, orders, wallet and sweep."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from households.api_base import AddressField, HexBytes, HomeView, valid
from households.errors import NothingToClose
from households.models import Batch, HubOrder, Lot, Sweep, UploadSchedule
from households.privacy.levels import Level
from households.selectors import devices as device_selectors
from households.selectors import households as home_selectors
from households.selectors import uploads as selectors
from households.selectors import wallet as wallet_selectors
from households.services.rules import LICENCES, rule_set
from households.services.schedules import schedule_set
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import require_running
from households.uploads.services.preview import preview_of_next_batch
from households.uploads.services.sweeping import sweep_start
from households.uploads.services.unlisting import lot_take_down
from marketplace.api import Pages, paged
from marketplace.common.licences import COPY
from marketplace.common.types import to_ms

LEVELS = tuple(level.value for level in Level)


class SharingRuleOut(serializers.Serializer[Any]):
    device_class = serializers.CharField()
    share = serializers.BooleanField()
    level = serializers.ChoiceField(LEVELS)
    price = serializers.IntegerField()
    licence = serializers.CharField()
    expiry_days = serializers.IntegerField()


class SharingRuleIn(serializers.Serializer[Any]):
    share = serializers.BooleanField()
    level = serializers.ChoiceField(LEVELS)
    price = serializers.IntegerField(min_value=1)
    licence = serializers.ChoiceField(LICENCES, default=COPY)
    expiry_days = serializers.IntegerField(min_value=1, default=90)


class ScheduleOut(serializers.ModelSerializer[UploadSchedule]):
    class Meta:
        model = UploadSchedule
        fields = ("text", "zone", "enabled", "next_due_at", "changed_at")


class ScheduleIn(serializers.Serializer[Any]):
    """``text`` is ``every 15m``, ``daily 03:00,15:30`` or ``cron 0 */6 * * *``."""

    text = serializers.CharField(max_length=64)
    zone = serializers.CharField(max_length=64, default="UTC")
    enabled = serializers.BooleanField(default=True)


class RiskOut(serializers.Serializer[Any]):
    points = serializers.IntegerField()
    band = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())


class RowsOut(serializers.Serializer[Any]):
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    row_count = serializers.IntegerField()
    risk = RiskOut()


class SeriesPreviewOut(serializers.Serializer[Any]):
    device = serializers.UUIDField(source="device.pk")
    quantity = serializers.CharField()
    leaves = serializers.BooleanField()
    why_not = serializers.CharField()
    readings = serializers.IntegerField()
    price = serializers.IntegerField()
    level = serializers.CharField()
    preview = RowsOut(allow_null=True)


class HomeLotOut(serializers.ModelSerializer[Lot]):
    lot_id = HexBytes()
    payee = AddressField()

    class Meta:
        model = Lot
        fields = (
            "id", "batch", "device", "quantity", "state", "lot_id", "payee", "price", "support", "reject_code",
            "record_count", "chunk_count", "size_bytes", "expires_ms", "anchored_height", "earned", "balance",
            "last_error_code", "created_at", "listed_at",
        )  # fmt: skip


class BatchOut(serializers.ModelSerializer[Batch]):
    class Meta:
        model = Batch
        fields = (
            "id", "number", "source", "state", "from_ms", "cut_ms", "height", "round", "label", "voters", "readings",
            "readings_rejected", "series_count", "series_rejected", "created_at", "done_at",
        )  # fmt: skip


class CloseIn(serializers.Serializer[Any]):
    """Readings up to ``until_ms`` go into the batch; without it, all that wait."""

    until_ms = serializers.IntegerField(required=False, min_value=0)


class ProgressOut(serializers.Serializer[Any]):
    batch = BatchOut()
    step = serializers.IntegerField()
    steps = serializers.IntegerField()
    share = serializers.FloatField()
    lots = serializers.IntegerField()
    uploaded = serializers.IntegerField()
    anchored = serializers.IntegerField()
    listed = serializers.IntegerField()
    rejected = serializers.IntegerField()
    failed = serializers.IntegerField()
    votes = serializers.IntegerField()
    voters = serializers.IntegerField()
    held = serializers.BooleanField()
    error_code = serializers.CharField()


class HomeOrderOut(serializers.ModelSerializer[HubOrder]):
    order_id = HexBytes()
    buyer = AddressField()
    device = serializers.UUIDField(source="lot.device_id")

    class Meta:
        model = HubOrder
        fields = (
            "id", "lot", "device", "order_id", "buyer", "price", "reward", "state", "refusal", "outcome",
            "created_at", "ended_at",
        )  # fmt: skip


class MicroWalletOut(serializers.Serializer[Any]):
    device = serializers.UUIDField(source="device.pk")
    account_index = serializers.IntegerField()
    address = serializers.CharField()
    ledger_status = serializers.CharField()
    payees = serializers.IntegerField()
    earned = serializers.IntegerField()
    balance = serializers.IntegerField()


class HomeWalletOut(serializers.Serializer[Any]):
    master_address = serializers.CharField()
    master_balance = serializers.IntegerField()
    words_confirmed = serializers.BooleanField()
    earned = serializers.IntegerField()
    balance = serializers.IntegerField()
    sweeps_waiting = serializers.IntegerField()
    micro_wallets = MicroWalletOut(many=True)


class SweepIn(serializers.Serializer[Any]):
    """``understood``: the owner read that a sweep links the lots behind the swept addresses."""

    understood = serializers.BooleanField()
    device = serializers.UUIDField(required=False, allow_null=True, default=None)


class SweepOut(serializers.ModelSerializer[Sweep]):
    tx_id = HexBytes()

    class Meta:
        model = Sweep
        fields = ("id", "lot", "state", "amount", "tx_id", "next_try_at", "created_at", "done_at")


class Rules(HomeView):
    """The owner's rule for each class of devices."""

    @extend_schema(responses=SharingRuleOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(SharingRuleOut(home_selectors.rules(self.home), many=True).data)


class Rule(HomeView):
    """Set the rule of one class."""

    @extend_schema(request=SharingRuleIn, responses=SharingRuleOut)
    def put(self, request: Request, device_class: str) -> Response:
        rule = rule_set(household=self.home, device_class=device_class, **valid(SharingRuleIn, request))
        return Response(SharingRuleOut(rule).data)


class Schedule(HomeView):
    """When the home closes a batch."""

    @extend_schema(responses=ScheduleOut)
    def get(self, request: Request) -> Response:
        return Response(ScheduleOut(home_selectors.schedule_of(self.home)).data)

    @extend_schema(request=ScheduleIn, responses=ScheduleOut)
    def put(self, request: Request) -> Response:
        return Response(ScheduleOut(schedule_set(household=self.home, **valid(ScheduleIn, request))).data)


class Preview(HomeView):
    """Exactly what would leave with the next batch."""

    @extend_schema(responses=SeriesPreviewOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(SeriesPreviewOut(preview_of_next_batch(self.home), many=True).data)


class Batches(HomeView):
    """Batches with their progress, newest first; POST closes one now, whatever the schedule says."""

    @extend_schema(**paged("home_batches_list", ProgressOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.batches(self.home), request, view=self) or []
        body = ProgressOut([selectors.progress_of(batch) for batch in found], many=True).data
        return pages.get_paginated_response(body)

    @extend_schema(request=CloseIn, responses={201: BatchOut})
    def post(self, request: Request) -> Response:
        home = self.home
        require_running(home)
        cut_ms = valid(CloseIn, request).get("until_ms", to_ms(timezone.now()))
        batch = batch_close(household=home, cut_ms=cut_ms)
        if batch is None:
            raise NothingToClose()
        return Response(BatchOut(batch).data, status=201)


class BatchDetail(HomeView):
    """One batch with its progress."""

    @extend_schema(responses=ProgressOut)
    def get(self, request: Request, batch_id: uuid.UUID) -> Response:
        return Response(ProgressOut(selectors.progress_of(selectors.batch_get(self.home, batch_id))).data)


class Lots(HomeView):
    """Lots, newest first."""

    @extend_schema(**paged("home_lots_list", HomeLotOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.lots(self.home), request, view=self) or []
        return pages.get_paginated_response(HomeLotOut(found, many=True).data)


class LotDetail(HomeView):
    """One lot; DELETE takes it off the market (open orders finish)."""

    @extend_schema(responses=HomeLotOut)
    def get(self, request: Request, lot_id: uuid.UUID) -> Response:
        return Response(HomeLotOut(selectors.lot_get(self.home, lot_id)).data)

    @extend_schema(responses={202: HomeLotOut})
    def delete(self, request: Request, lot_id: uuid.UUID) -> Response:
        lot = lot_take_down(lot=selectors.lot_get(self.home, lot_id))
        return Response(HomeLotOut(lot).data, status=202)


class Orders(HomeView):
    """Orders on the home's lots, newest first."""

    @extend_schema(**paged("home_orders_list", HomeOrderOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.orders(self.home), request, view=self) or []
        return pages.get_paginated_response(HomeOrderOut(found, many=True).data)


class Wallet(HomeView):
    """Micro-wallets as the device ledger lists them, and the master wallet."""

    @extend_schema(responses=HomeWalletOut)
    def get(self, request: Request) -> Response:
        return Response(HomeWalletOut(wallet_selectors.wallet_of(self.home)).data)


class Sweeps(HomeView):
    """Moves to the master wallet; POST queues one for each address that holds credits."""

    @extend_schema(responses=SweepOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(SweepOut(wallet_selectors.sweeps(self.home)[:200], many=True).data)

    @extend_schema(request=SweepIn, responses={202: SweepOut(many=True)})
    def post(self, request: Request) -> Response:
        home, body = self.home, valid(SweepIn, request)
        device = device_selectors.device_get(home, body["device"]) if body["device"] else None
        queued = sweep_start(household=home, understood=body["understood"], device=device)
        return Response(SweepOut(queued, many=True).data, status=202)
