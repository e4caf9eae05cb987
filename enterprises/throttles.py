"""How often one caller may call the market; the rates come from ``HEARTH_THROTTLES``."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.views import APIView

from marketplace.common.throttles import RateThrottle

DEFAULT_RATES = {"market-read": "6000/min", "market-write": "3000/min", "register": "120/min", "mail": "200/s"}


class _Throttle(RateThrottle):
    """By participant or user where one is known, else by address."""

    def get_rate(self) -> str:
        return str({**DEFAULT_RATES, **getattr(settings, "HEARTH_THROTTLES", {})}[str(self.scope)])

    def get_cache_key(self, request: Request, view: APIView) -> str:
        ident = request.user.pk if request.user and request.user.is_authenticated else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}


class MarketReads(_Throttle):
    scope = "market-read"


class MarketWrites(_Throttle):
    scope = "market-write"


class Registrations(_Throttle):
    scope = "register"


class Mail(_Throttle):
    """Counted by the second, since a round has bursts and what is counted is kept call by call."""

    scope = "mail"
