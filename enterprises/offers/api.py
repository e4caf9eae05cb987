"""REST of offers and homes' orders. Members of one enterprise only; what is another's does not exist for them."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enterprises.checkout.api import MemberView
from enterprises.nudges import nudge_offers
from enterprises.offers import orders as desk
from enterprises.offers import selectors, sheets
from enterprises.offers.models import OfferSheet, ServiceOrder, VersionOffer
from enterprises.offers.shelf import PRICE_MAX
from marketplace.api import Pages, paged


class OfferOut(serializers.ModelSerializer[VersionOffer]):
    id = serializers.UUIDField(source="public_id")
    offer = serializers.JSONField(source="body")

    class Meta:
        model = VersionOffer
        fields = ("id", "digest", "offer", "price", "created_at")


class SheetOut(serializers.ModelSerializer[OfferSheet]):
    """``sent`` is false while the market does not show the newest offers yet."""

    class Meta:
        model = OfferSheet
        fields = ("version", "service_name", "task", "rule", "sent", "created_at")


class WholeSheetOut(SheetOut):
    offers = serializers.SerializerMethodField()

    class Meta(SheetOut.Meta):
        fields = (*SheetOut.Meta.fields, "offers")  # type: ignore[assignment]

    @extend_schema(responses=OfferOut(many=True))
    def get_offers(self, row: OfferSheet) -> list[dict[str, Any]]:
        return list(OfferOut(selectors.offers(row), many=True).data)


class RuleIn(serializers.Serializer[Any]):
    rule = serializers.ChoiceField(OfferSheet.Rule.choices)


class OfferIn(serializers.Serializer[Any]):
    """``terms`` with their ``form``: flat, two_rate, hourly, setback or comfort; amounts in millionths."""

    title = serializers.CharField(max_length=120)
    currency = serializers.CharField(max_length=3)
    terms = serializers.JSONField()
    price = serializers.IntegerField(min_value=0, max_value=PRICE_MAX, default=0)


class ServiceOrderOut(serializers.ModelSerializer[ServiceOrder]):
    """``account`` is all that is known of the home."""

    id = serializers.UUIDField(source="public_id")
    offer = serializers.UUIDField(source="offer.public_id", allow_null=True, default=None)

    class Meta:
        model = ServiceOrder
        fields = (
            "id", "order_id", "offer", "version", "account", "price", "placed_ms", "deadline_ms", "state", "reason",
            "answered_at", "ended_at",
        )  # fmt: skip


class DeclineIn(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(list(desk.REASONS))


class Sheets(MemberView):
    """The enterprise's versions on the ledger, newest first."""

    @extend_schema(**paged("enterprise_offer_sheets", SheetOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = pages.paginate_queryset(selectors.sheets(self.enterprise), request, view=self) or []
        return pages.get_paginated_response(SheetOut(rows, many=True).data)


class SheetDetail(MemberView):
    """The offers of one version; PATCH changes how orders are answered, POST adds an offer."""

    @extend_schema(operation_id="enterprise_offer_sheet", responses=WholeSheetOut)
    def get(self, request: Request, version: str) -> Response:
        return Response(WholeSheetOut(sheets.sheet_get(self.enterprise, version)).data)

    @extend_schema(operation_id="enterprise_offer_rule", request=RuleIn, responses=WholeSheetOut)
    def patch(self, request: Request, version: str) -> Response:
        row = sheets.sheet_get(self.enterprise, version)
        sheets.rule_set(sheet=row, **_valid(RuleIn, request))
        return self.get(request, version)

    @extend_schema(operation_id="enterprise_offer_add", request=OfferIn, responses={201: OfferOut})
    def post(self, request: Request, version: str) -> Response:
        row = sheets.sheet_get(self.enterprise, version)
        offer = sheets.offer_add(sheet=row, **_valid(OfferIn, request))
        nudge_offers()
        return Response(OfferOut(offer).data, status=201)


class OfferDetail(MemberView):
    """DELETE takes an offer back; orders that were placed go on."""

    @extend_schema(operation_id="enterprise_offer_withdraw", responses={204: None})
    def delete(self, request: Request, version: str, public_id: uuid.UUID) -> Response:
        row = sheets.sheet_get(self.enterprise, version)
        sheets.offer_withdraw(sheet=row, offer=sheets.offer_get(row, public_id))
        nudge_offers()
        return Response(status=204)


class ServiceOrders(MemberView):
    """Homes' orders, newest first."""

    @extend_schema(**paged("enterprise_service_orders", ServiceOrderOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = pages.paginate_queryset(selectors.orders(self.enterprise), request, view=self) or []
        return pages.get_paginated_response(ServiceOrderOut(rows, many=True).data)


class ServiceOrderView(MemberView):
    """One order."""

    @extend_schema(operation_id="enterprise_service_order", responses=ServiceOrderOut)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return self.told(public_id)

    def told(self, public_id: uuid.UUID, status: int = 200) -> Response:
        return Response(ServiceOrderOut(desk.order_get(self.enterprise, public_id)).data, status=status)


class Confirm(ServiceOrderView):
    """Take the order."""

    http_method_names = ("post", "options")

    @extend_schema(operation_id="enterprise_service_order_confirm", request=None, responses={202: ServiceOrderOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        desk.order_confirm(order=desk.order_get(self.enterprise, public_id))
        nudge_offers()
        return self.told(public_id, 202)


class Decline(ServiceOrderView):
    """Decline it, with a reason that the home reads."""

    http_method_names = ("post", "options")

    @extend_schema(operation_id="enterprise_service_order_decline", request=DeclineIn, responses={202: ServiceOrderOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        row = desk.order_get(self.enterprise, public_id)
        desk.order_decline(order=row, **_valid(DeclineIn, request))
        nudge_offers()
        return self.told(public_id, 202)


class Complete(ServiceOrderView):
    """Say that the service was given."""

    http_method_names = ("post", "options")

    @extend_schema(operation_id="enterprise_service_order_complete", request=None, responses={202: ServiceOrderOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        desk.order_complete(order=desk.order_get(self.enterprise, public_id))
        nudge_offers()
        return self.told(public_id, 202)


def _valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)
