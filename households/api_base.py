"""What the owner's endpoints share: only owners call them, and only their own home exists for them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from chain.wallets.address import address_text
from households.models import Household
from households.selectors.households import home_of
from marketplace.accounts.permissions import IsOwner


class HomeView(APIView):
    """For home owners; 404 ``household_missing`` before the home is set up."""

    permission_classes: tuple[type[BasePermission], ...] = (IsOwner,)

    @property
    def home(self) -> Household:
        return home_of(int(self.request.user.pk or 0))


def valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The request's body, checked."""
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


@extend_schema_field(OpenApiTypes.STR)
class AddressField(serializers.Field[Any, Any, Any, Any]):
    """20 raw bytes as the text of an address."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return address_text(bytes(value))


@extend_schema_field(OpenApiTypes.STR)
class HexBytes(serializers.Field[Any, Any, Any, Any]):
    """Raw bytes as hexadecimal digits."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        return bytes(value).hex()


class Done(serializers.Serializer[Any]):
    """That something was done or queued."""

    ok = serializers.BooleanField(default=True)
