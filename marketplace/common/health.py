"""``/health/``: whether the parts that this process needs answer. Says which part fails and nothing about it."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from health_check.base import HealthCheck
from health_check.checks import Cache, Database
from health_check.exceptions import ServiceUnavailable
from health_check.views import HealthCheckView

LEDGER_TIMEOUT_S = 2.0


@dataclass
class LedgerNode(HealthCheck):
    """Somebody accepts connections on the ledger node's socket."""

    def run(self) -> None:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(LEDGER_TIMEOUT_S)
            try:
                line.connect(settings.HEARTH_LEDGER_SOCKET)
            except OSError as error:
                raise ServiceUnavailable("does not answer") from error


class Health(HealthCheckView):
    """200 if every part answers, 503 otherwise, with ``ok`` or ``down`` for each. Open to anyone."""

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> JsonResponse:
        with self.get_executor() as executor:
            checks = parts()
            results = await asyncio.gather(*(check.get_result(executor) for check in checks.values()))
        said = {name: "down" if result.error else "ok" for name, result in zip(checks, results, strict=True)}
        return JsonResponse(said, status=503 if "down" in said.values() else 200)


def parts() -> dict[str, HealthCheck]:
    """What is asked: each database, the cache, and where the market is played the ledger node."""
    found: dict[str, HealthCheck] = {f"database {alias}": Database(alias=alias) for alias in settings.DATABASES}
    found["cache"] = Cache()
    if "market" in settings.HEARTH_ROLES:
        found["ledger node"] = LedgerNode()
    return found
