"""``/health/``: whether the parts that this process needs answer. Says which part fails and nothing about it."""

from __future__ import annotations

import socket
from collections.abc import Callable

from django.conf import settings
from django.core.cache import caches
from django.db import DatabaseError, connections
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

LEDGER_TIMEOUT_S = 2.0


def _database(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() == (1,)
    except DatabaseError:
        return False


def _cache() -> bool:
    try:
        caches["default"].set("health", "1", timeout=5)
        return caches["default"].get("health") == "1"
    except (OSError, RedisError):
        return False


def _ledger_node() -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LEDGER_TIMEOUT_S)
        try:
            line.connect(settings.HEARTH_LEDGER_SOCKET)
        except OSError:
            return False
    return True


def parts() -> dict[str, Callable[[], bool]]:
    """What is asked: each database, the cache, and where the market is played the ledger node."""
    found: dict[str, Callable[[], bool]] = {
        f"database {alias}": (lambda alias=alias: _database(alias)) for alias in settings.DATABASES
    }
    found["cache"] = _cache
    if "market" in settings.HEARTH_ROLES:
        found["ledger node"] = _ledger_node
    return found


@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """200 if every part answers, 503 otherwise, with a word for each. Open to anyone."""
    answers = {name: ask() for name, ask in parts().items()}
    body = {name: "ok" if well else "down" for name, well in answers.items()}
    return JsonResponse(body, status=200 if all(answers.values()) else 503)
