"""REST of the enterprise role. Members of one enterprise only; what is another's does not exist for them."""

from __future__ import annotations

import uuid
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enterprises.checkout import exports, selectors, services
from enterprises.checkout import serializers as shapes
from enterprises.checkout.market import market_of
from enterprises.checkout.models import Enterprise, Member
from enterprises.checkout.ports import BuyerMarket, term
from enterprises.errors import MemberUnknown
from enterprises.streaming import BlockResponse
from marketplace.accounts.permissions import IsMember
from marketplace.api import Pages, paged


class MemberView(APIView):
    """For users of the kind enterprise; all but the sign-up need a membership (403 ``not_member`` without)."""

    permission_classes: tuple[type[BasePermission], ...] = (IsMember,)

    @property
    def member(self) -> Member:
        return selectors.member_of(int(self.request.user.pk or 0))

    @property
    def enterprise(self) -> Enterprise:
        return self.member.enterprise

    @property
    def market(self) -> BuyerMarket:
        return market_of(self.enterprise)


def _valid(serializer: type[Any], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class OwnEnterprise(MemberView):
    """The enterprise of the user; POST signs one up."""

    @extend_schema(responses=shapes.EnterpriseOut)
    def get(self, request: Request) -> Response:
        return Response(shapes.EnterpriseOut(self.enterprise).data)

    @extend_schema(request=shapes.SignUpIn, responses={201: shapes.EnterpriseOut})
    def post(self, request: Request) -> Response:
        row = services.enterprise_sign_up(user_id=int(request.user.pk or 0), **_valid(shapes.SignUpIn, request))
        return Response(shapes.EnterpriseOut(row).data, status=201)


class Members(MemberView):
    """Who acts for the enterprise; only administrators add somebody."""

    @extend_schema(responses=shapes.MemberOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(shapes.MemberOut(selectors.members(self.enterprise), many=True).data)

    @extend_schema(request=shapes.MemberIn, responses={201: shapes.MemberOut})
    def post(self, request: Request) -> Response:
        actor, body = self.member, _valid(shapes.MemberIn, request)
        user = selectors.user_by_email(body["email"])
        if user is None:
            raise MemberUnknown("There is no enterprise account with this e-mail address.")
        row = services.member_add(actor=actor, user_id=user.pk, role=body["role"])
        return Response(shapes.MemberOut(row).data, status=201)


class MemberDetail(MemberView):
    """One member; administrators only."""

    @extend_schema(request=shapes.RoleIn, responses=shapes.MemberOut)
    def patch(self, request: Request, user_id: int) -> Response:
        row = services.member_change(actor=self.member, user_id=user_id, **_valid(shapes.RoleIn, request))
        return Response(shapes.MemberOut(row).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, user_id: int) -> Response:
        services.member_remove(actor=self.member, user_id=user_id)
        return Response(status=204)


class WalletView(MemberView):
    """Address and balance of the enterprise's wallet, and its history in pages, newest first."""

    @extend_schema(
        parameters=[OpenApiParameter("before", OpenApiTypes.STR, description="history_next of the page before")],
        responses=shapes.WalletOut,
    )
    def get(self, request: Request) -> Response:
        before = request.query_params.get("before", "")
        return Response(shapes.WalletOut(selectors.wallet(self.enterprise, self.market, before)).data)


class CatalogLots(MemberView):
    """The market's list of lots, under the same parameters."""

    @extend_schema(operation_id="enterprise_catalog_lots", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(self.market.lots(dict(request.query_params.lists())))


class CatalogFacets(MemberView):
    """The market's facets, under the same parameters."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        return Response(self.market.facets(dict(request.query_params.lists())))


class CatalogLot(MemberView):
    """One lot, with its preview as this node checked it against the roots on the ledger."""

    @extend_schema(operation_id="enterprise_catalog_lot", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, lot_id: str) -> Response:
        page = selectors.lot_page(self.enterprise, self.market, lot_id)
        preview = page.preview
        return Response(
            {
                "lot": page.lot,
                "licence": page.licence,
                "in_basket": page.in_basket,
                "preview_checked": preview is not None,
                "preview_refusal": page.refusal.code if page.refusal else "",
                "preview": None
                if preview is None
                else {
                    "columns": [{"name": c.name, "unit": c.unit, "decimals": c.decimals} for c in preview.columns],
                    "rows": preview.rows,
                    "indices": preview.indices,
                    "chunk_count": preview.chunk_count,
                },
            }
        )


class Basket(MemberView):
    """The basket and what it costs."""

    def _answer(self) -> Response:
        fee_bps = term(self.market, "fee_bps")
        lines, totals = selectors.basket(self.enterprise, fee_bps)
        return Response(shapes.BasketOut({"items": lines, "totals": totals}).data)

    @extend_schema(responses=shapes.BasketOut)
    def get(self, request: Request) -> Response:
        return self._answer()

    @extend_schema(request=shapes.LotIdIn, responses=shapes.BasketOut)
    def post(self, request: Request) -> Response:
        services.basket_add(member=self.member, market=self.market, **_valid(shapes.LotIdIn, request))
        return self._answer()

    @extend_schema(operation_id="enterprise_basket_clear", responses={204: None})
    def delete(self, request: Request) -> Response:
        services.basket_clear(member=self.member)
        return Response(status=204)


class BasketItem(MemberView):
    """One lot of the basket."""

    @extend_schema(operation_id="enterprise_basket_remove", responses={204: None})
    def delete(self, request: Request, lot_id: str) -> Response:
        services.basket_remove(member=self.member, lot_id=lot_id)
        return Response(status=204)


class Orders(MemberView):
    """Orders, newest first; POST confirms the basket and funds all its lines."""

    @extend_schema(**paged("enterprise_orders_list", shapes.OrderOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = pages.paginate_queryset(selectors.orders(self.enterprise), request, view=self)
        return pages.get_paginated_response(shapes.OrderOut(rows, many=True).data)

    @extend_schema(request=shapes.ConfirmIn, responses={201: shapes.OrderDetailOut})
    def post(self, request: Request) -> Response:
        row = services.order_confirm(member=self.member, market=self.market, **_valid(shapes.ConfirmIn, request))
        return Response(shapes.OrderDetailOut(selectors.order(self.enterprise, row.public_id)).data, status=201)


class OrderDetail(MemberView):
    """One order with its purchases and their steps."""

    @extend_schema(responses=shapes.OrderDetailOut)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return Response(shapes.OrderDetailOut(selectors.order(self.enterprise, public_id)).data)


class PurchaseDetail(MemberView):
    """One purchase with its steps."""

    @extend_schema(responses=shapes.PurchaseOut)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return Response(shapes.PurchaseOut(selectors.purchase(self.enterprise, public_id)).data)


class PurchaseData(MemberView):
    """The rows of a purchase, once they were opened and checked."""

    @extend_schema(
        parameters=[OpenApiParameter("as", OpenApiTypes.STR, enum=list(exports.WRITERS), default="csv")],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, public_id: uuid.UUID) -> HttpResponseBase:
        return download(selectors.purchase(self.enterprise, public_id), request.query_params.get("as", "csv"))


def download(purchase: Any, kind: str) -> BlockResponse:
    """The answer that sends an export as a file; pages use it too."""
    file = exports.export(purchase, kind)
    answer = BlockResponse(file.blocks, content_type=file.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{file.name}"'
    answer["Cache-Control"] = "no-store"
    return answer
