"""REST of advice: services that fit, inquiries with their results, orders."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from fedlearn.learners.recommend.offers import PRICE_MAX, STANDING_MAX, YEARLY_MAX
from households.advice import selectors
from households.advice.inquiries import inquiry_start
from households.advice.orders import order_finish, order_place
from households.advice.port import connection_of
from households.advice.running import present_offer
from households.advice.services_known import service_fitting, services_fitting
from households.api_base import AddressField, HexBytes, HomeView, valid
from households.models import AdviceOrder, Inquiry, ModelRun, RankedOffer
from marketplace.api import Pages, paged


class ServiceOut(serializers.Serializer[Any]):
    """``missing``: device classes without which the service can't be used here."""

    name = serializers.CharField(source="known.name")
    unit = serializers.CharField(source="known.unit")
    text = serializers.CharField(source="known.text")
    task = serializers.CharField(source="known.task")
    models = serializers.IntegerField(source="known.models")
    fits = serializers.BooleanField()
    missing = serializers.ListField(child=serializers.CharField())


class PresentIn(serializers.Serializer[Any]):
    """The tariff now, in millionths of the currency."""

    price_micro_per_kwh = serializers.IntegerField(min_value=0, max_value=PRICE_MAX)
    standing_micro_per_day = serializers.IntegerField(min_value=0, max_value=STANDING_MAX, default=0)
    currency = serializers.RegexField(r"^[A-Z]{3}\Z")


class InquiryIn(serializers.Serializer[Any]):
    """``present`` and ``heating_year_micro`` are for the comparison and stay at home."""

    service = serializers.CharField(max_length=48)
    present = PresentIn(required=False, allow_null=True, default=None)
    heating_year_micro = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=0, max_value=YEARLY_MAX
    )


class RunOut(serializers.ModelSerializer[ModelRun]):
    """``error`` and ``usual`` are root mean squares, the second of a guess without the model."""

    version, enterprise = HexBytes(), AddressField()

    class Meta:
        model = ModelRun
        fields = ("version", "enterprise", "enterprise_name", "state", "code", "rows", "error", "usual")


class RankedOut(serializers.ModelSerializer[RankedOffer]):
    version = HexBytes(source="run.version")
    enterprise_name = serializers.CharField(source="run.enterprise_name")
    digest = HexBytes()
    offer = serializers.JSONField()
    reasons = serializers.JSONField()
    months = serializers.JSONField()

    class Meta:
        model = RankedOffer
        fields = (
            "id", "place", "version", "enterprise_name", "offer", "digest", "price", "cost_year_micro",
            "saving_year_micro", "reasons", "months",
        )  # fmt: skip


class InquiryOut(serializers.ModelSerializer[Inquiry]):
    """``state`` is asking, finding, working, ranking, ready or failed."""

    account = AddressField()
    state = serializers.CharField()
    per_cent = serializers.SerializerMethodField()

    class Meta:
        model = Inquiry
        fields = (
            "id",
            "service_name",
            "task",
            "account",
            "state",
            "code",
            "per_cent",
            "hours",
            "created_at",
            "ended_at",
        )

    def get_per_cent(self, row: Inquiry) -> int:
        return selectors.progress_of(row).per_cent


class WholeInquiryOut(InquiryOut):
    """With the models that ran and the offers, best first."""

    judge = HexBytes()
    runs = RunOut(many=True)
    ranked = RankedOut(many=True)
    refused = serializers.JSONField()

    class Meta(InquiryOut.Meta):
        fields = (*InquiryOut.Meta.fields, "judge", "runs", "ranked", "refused")  # type: ignore[assignment]


class AdviceOrderOut(serializers.ModelSerializer[AdviceOrder]):
    order_id = HexBytes()
    offer = serializers.UUIDField(source="ranked_id")
    account = AddressField(source="ranked.inquiry.account")

    class Meta:
        model = AdviceOrder
        fields = (
            "id", "order_id", "offer", "account", "price", "deadline_ms", "state", "money", "outcome", "code",
            "created_at", "placed_at", "answered_at", "ended_at",
        )  # fmt: skip


class AdviceOrderIn(serializers.Serializer[Any]):
    """``offer``: the id of a ranked offer. ``passphrase`` is needed where it has a price."""

    offer = serializers.UUIDField()
    passphrase = serializers.CharField(max_length=200, required=False, default="", trim_whitespace=False)


class Services(HomeView):
    """The services on the ledger, those that fit this home first."""

    @extend_schema(operation_id="home_advice_services", responses=ServiceOut(many=True))
    def get(self, request: Request) -> Response:
        home = self.home
        return Response(ServiceOut(services_fitting(home, connection_of(home).models), many=True).data)


class Inquiries(HomeView):
    """What was asked, newest first; POST asks for a service by its name."""

    @extend_schema(**paged("home_advice_inquiries", InquiryOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.inquiries(self.home), request, view=self) or []
        return pages.get_paginated_response(InquiryOut(found, many=True).data)

    @extend_schema(operation_id="home_advice_ask", request=InquiryIn, responses={201: InquiryOut})
    def post(self, request: Request) -> Response:
        home, body = self.home, valid(InquiryIn, request)
        present = present_offer(**body["present"]) if body["present"] else None
        known = service_fitting(home, connection_of(home).models, body["service"])
        row = inquiry_start(household=home, known=known, present=present, heating_year_micro=body["heating_year_micro"])
        return Response(InquiryOut(row).data, status=201)


class InquiryDetail(HomeView):
    """One inquiry with its result."""

    @extend_schema(operation_id="home_advice_inquiry", responses=WholeInquiryOut)
    def get(self, request: Request, inquiry_id: uuid.UUID) -> Response:
        return Response(WholeInquiryOut(selectors.inquiry_get(self.home, inquiry_id)).data)


class AdviceOrders(HomeView):
    """Orders, newest first; POST places one."""

    @extend_schema(**paged("home_advice_orders", AdviceOrderOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.orders(self.home), request, view=self) or []
        return pages.get_paginated_response(AdviceOrderOut(found, many=True).data)

    @extend_schema(operation_id="home_advice_order_place", request=AdviceOrderIn, responses={201: AdviceOrderOut})
    def post(self, request: Request) -> Response:
        home, body = self.home, valid(AdviceOrderIn, request)
        ranked = selectors.offer_get(home, body["offer"])
        row = order_place(household=home, ranked=ranked, connection=connection_of(home), passphrase=body["passphrase"])
        return Response(AdviceOrderOut(row).data, status=201)


class AdviceOrderDetail(HomeView):
    """One order."""

    @extend_schema(operation_id="home_advice_order", responses=AdviceOrderOut)
    def get(self, request: Request, order_id: uuid.UUID) -> Response:
        return Response(AdviceOrderOut(selectors.order_get(self.home, order_id)).data)


class AdviceOrderComplete(HomeView):
    """The owner says that the service was given."""

    @extend_schema(operation_id="home_advice_order_complete", request=None, responses={202: AdviceOrderOut})
    def post(self, request: Request, order_id: uuid.UUID) -> Response:
        home = self.home
        order_finish(household=home, order=selectors.order_get(home, order_id))
        return Response(AdviceOrderOut(selectors.order_get(home, order_id)).data, status=202)
