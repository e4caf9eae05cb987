"""REST of the catalog: lots, one lot, its preview, facets, cells, licences. Public; nothing here names a home."""

from __future__ import annotations

import re
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enterprises.catalog import preview, selectors
from enterprises.catalog.cells import cell_home_record, cell_minimum, cells_shown
from enterprises.catalog.filters import LotFilter
from enterprises.catalog.models import CatalogLot
from enterprises.errors import LicenceUnknown
from enterprises.partners.authentication import IsHub, MarketTokenAuthentication, hub_of
from enterprises.throttles import MarketReads
from marketplace.common import licences

HEX_32 = re.compile(r"[0-9a-f]{64}")


class LotOut(serializers.ModelSerializer[CatalogLot]):
    """What the public knows of a lot."""

    class Meta:
        model = CatalogLot
        fields = (
            "lot_id", "object_id", "publish_tx", "status", "schema", "device_class", "quantity", "resolution_s", "cell",
            "period_start", "period_end", "price", "licence_kind", "licence", "label", "support", "voters",
            "chunk_count", "record_count", "size_bytes", "expires_at", "anchored_height", "missed", "disputes",
        )  # fmt: skip


class PublicRead(APIView):
    """Anyone may read; no credentials are looked at, so that a read links nothing."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (MarketReads,)


class LotList(PublicRead, ListAPIView[CatalogLot]):
    """Lots on sale: text search, facets, price, period, ``sort``, pages; with ``ids`` up to 100 at once. Public."""

    serializer_class = LotOut
    queryset = CatalogLot.objects.none()
    filterset_class = LotFilter

    def get_queryset(self) -> Any:
        return selectors.lots_on_sale()


class LotDetail(PublicRead):
    """One lot. Public."""

    @extend_schema(responses=LotOut)
    def get(self, request: Request, lot_id: str) -> Response:
        return Response(LotOut(selectors.lot(lot_id)).data)


class LotPreview(PublicRead):
    """The chunks that the ledger made the seller open, with what is needed to check them against the lot's roots."""

    @extend_schema(responses=preview.PreviewOut)
    def get(self, request: Request, lot_id: str) -> Response:
        return Response(preview.PreviewOut(preview.preview_of(selectors.lot(lot_id))).data)


class Facets(PublicRead):
    """How the lots on sale divide, under the same parameters as the list. Public."""

    @extend_schema(responses=inline_serializer("Facets", {"count": serializers.IntegerField()}))
    def get(self, request: Request) -> Response:
        return Response(selectors.facets(request.query_params))


class LicenceText(PublicRead):
    """The text of a licence by its SHA-256. Public."""

    @extend_schema(
        responses=inline_serializer(
            "Licence",
            {"hash": serializers.CharField(), "kind": serializers.CharField(), "version": serializers.IntegerField(),
             "title": serializers.CharField(), "body": serializers.CharField()},
        )
    )  # fmt: skip
    def get(self, request: Request, digest: str) -> Response:
        if not HEX_32.fullmatch(digest):
            raise LicenceUnknown
        text = licences.by_digest(bytes.fromhex(digest))
        return Response(
            {"hash": digest, "kind": text.kind, "version": text.version, "title": text.title, "body": text.body}
        )


class CellIn(serializers.Serializer[Any]):
    """A cell in which the hub has its home."""

    cell = serializers.CharField(max_length=64)


class Cells(APIView):
    """Cells with at least k homes (public), and a hub's own home to be counted (hubs)."""

    authentication_classes = (MarketTokenAuthentication,)
    throttle_classes = (MarketReads,)

    def get_permissions(self) -> list[Any]:
        return [IsHub()] if self.request.method == "POST" else [AllowAny()]

    @extend_schema(responses=inline_serializer("Cells", {"minimum": serializers.IntegerField()}))
    def get(self, request: Request) -> Response:
        return Response({"minimum": cell_minimum(), "cells": list(cells_shown())})

    @extend_schema(request=CellIn, responses={204: None})
    def post(self, request: Request) -> Response:
        body = CellIn(data=request.data)
        body.is_valid(raise_exception=True)
        cell_home_record(hub=hub_of(request), cell=body.validated_data["cell"])
        return Response(status=204)
