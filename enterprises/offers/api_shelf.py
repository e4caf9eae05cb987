"""REST of the market's shelf: the offers that come with a version of a model. Bearers of a market token only."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enterprises.offers import shelf
from enterprises.offers.models import ModelListing
from enterprises.partners.authentication import (
    IsOrganisation,
    IsParticipant,
    MarketTokenAuthentication,
    organisation_of,
)
from enterprises.throttles import MarketWrites


class ShelfOffer(serializers.Serializer[Any]):
    """``offer`` in its declared form; ``price`` in credits, 0 for an order without escrow."""

    offer = serializers.JSONField()
    price = serializers.IntegerField(min_value=0, max_value=shelf.PRICE_MAX)


class ListingIn(serializers.Serializer[Any]):
    offers = ShelfOffer(many=True)


class ListingOut(serializers.ModelSerializer[ModelListing]):
    enterprise = serializers.CharField(source="organisation.address")
    enterprise_name = serializers.CharField(source="organisation.name")
    offers = ShelfOffer(many=True)

    class Meta:
        model = ModelListing
        fields = ("version", "enterprise", "enterprise_name", "offers", "changed_at")


class Listing(APIView):
    """The offers of a version. GET: any participant; PUT: the organisation whose version it is."""

    authentication_classes = (MarketTokenAuthentication,)
    throttle_classes = (MarketWrites,)

    def get_permissions(self) -> list[BasePermission]:
        return [IsOrganisation()] if self.request.method == "PUT" else [IsParticipant()]

    @extend_schema(operation_id="market_model_offers", responses=ListingOut)
    def get(self, request: Request, version: str) -> Response:
        return Response(ListingOut(shelf.listing_get(version)).data)

    @extend_schema(operation_id="market_model_offers_put", request=ListingIn, responses=ListingOut)
    def put(self, request: Request, version: str) -> Response:
        body = ListingIn(data=request.data)
        body.is_valid(raise_exception=True)
        offers = [dict(each) for each in body.validated_data["offers"]]
        row = shelf.listing_put(organisation=organisation_of(request), version=version, offers=offers)
        return Response(ListingOut(row).data)
