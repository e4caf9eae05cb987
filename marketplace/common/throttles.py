"""What a throttle does while the cache in which it counts is away: reads go on, everything else waits for it."""

from __future__ import annotations

from redis.exceptions import RedisError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import ScopedRateThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from marketplace.common.errors import Unavailable


class CallsNotCounted(Unavailable):
    """Calls that change something, or try a password, are not taken uncounted."""

    code = "throttle_away"
    title = "Calls can't be counted at the moment"


class RateThrottle(SimpleRateThrottle):
    """A ``SimpleRateThrottle`` that lets safe methods through without its cache, and refuses the others with 503."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return bool(super().allow_request(request, view))
        except (OSError, RedisError) as error:
            if request.method in SAFE_METHODS:
                return True
            raise CallsNotCounted from error


class ScopedThrottle(RateThrottle, ScopedRateThrottle):
    """The same for views that name their ``throttle_scope``."""
