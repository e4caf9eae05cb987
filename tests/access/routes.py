"""Every address that this deployment answers, read from the resolver and from the router of the WebSockets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from marketplace.routing import _patterns

PART = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


def http_routes() -> set[str]:
    """As ``/api/v1/home/devices/{device_id}``."""
    return set(_walk(get_resolver().url_patterns, "/"))


def socket_routes() -> set[str]:
    return {_plain("/" + str(pattern.pattern)) for pattern in _patterns()}  # type: ignore[attr-defined]


def route_of(path: str, names: dict[str, str]) -> str:
    """The route that answers ``path`` once its names are filled in."""
    return _plain("/" + get_resolver().resolve(path.format(**names)).route)


def console_routes() -> set[str]:
    return {route for route in http_routes() if route.startswith("/admin/")}


def _walk(patterns: Iterable[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for pattern in patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield _plain(here)
        else:
            yield from _walk(pattern.url_patterns, here)


def _plain(route: str) -> str:
    found = PART.sub(lambda match: "{" + (match[1] or match[2]) + "}", route)
    return found.replace("^", "").replace("$", "").replace("\\Z", "")
