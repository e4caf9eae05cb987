"""REST of the limits of the checks: what they are, moving some of them, all back to their defaults."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from households.api_base import HomeView, valid
from households.consensus.errors import LimitUnknown
from households.consensus.limits import LIMITS_MAX, TUNABLES
from households.selectors.checks import limit_fixed, limit_rows
from households.services.checks import limits_reset, limits_set

DIGITS, DECIMALS = 12, 3


def _decimal(**kwargs: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=DIGITS, decimal_places=DECIMALS, **kwargs)


class LimitOut(serializers.Serializer[Any]):
    """``scope`` is ``home``, a quantity, or ``class.quantity``; ``looser``: it lets more pass than its default."""

    name = serializers.CharField()
    what = serializers.CharField()
    scope = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    value = _decimal()
    default = serializers.DecimalField(max_digits=DIGITS, decimal_places=DECIMALS)  # type: ignore[assignment]
    lowest = _decimal()
    highest = _decimal()
    tuned = serializers.BooleanField()
    looser = serializers.BooleanField()


class LimitsIn(serializers.Serializer[Any]):
    """New values by name; limits that are not named stay as they are."""

    limits = serializers.DictField(child=_decimal(), allow_empty=False)


class Checks(HomeView):
    """The limits of the checks that devices run on a batch. Changes hold from the next batch on."""

    @extend_schema(responses=LimitOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(LimitOut(limit_rows(self.home), many=True).data)

    @extend_schema(request=LimitsIn, responses=LimitOut(many=True))
    def patch(self, request: Request) -> Response:
        home, asked = self.home, valid(LimitsIn, request)["limits"]
        limits_set(household=home, values=_fixed(asked))
        return Response(LimitOut(limit_rows(home), many=True).data)

    @extend_schema(responses={200: LimitOut(many=True)})
    def delete(self, request: Request) -> Response:
        home = self.home
        limits_reset(household=home)
        return Response(LimitOut(limit_rows(home), many=True).data)


def _fixed(asked: dict[str, Decimal]) -> dict[str, int]:
    unknown = [name for name in asked if name not in TUNABLES]
    if unknown or len(asked) > LIMITS_MAX:
        raise LimitUnknown()
    return {name: limit_fixed(TUNABLES[name], value) for name, value in asked.items()}
