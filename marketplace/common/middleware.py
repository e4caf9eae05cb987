"""The console's looser content policy, refusals as pages that help, and a door for this machine only."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from marketplace.common.errors import HearthError
from marketplace.common.pages import NoSuchPage, error_page

Handler = Callable[[HttpRequest], HttpResponse]


def admin_policy(get_response: Handler) -> Handler:
    """The console's widgets evaluate expressions and set inline styles; only pages under /admin/ may."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            loosened: Any = {"script-src": ["'unsafe-eval'"], "style-src": ["'unsafe-inline'"]}
            response._csp_update = loosened  # type: ignore[attr-defined]  # read by django-csp
        return response

    return middleware


class errors_as_pages:  # noqa: N801  named as the settings list it, like the function beside it
    """Turns a ``HearthError`` that a page view raised into a page that says what, why and what to do."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, HearthError):
            return error_page(request, error)
        return None


def from_this_machine(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For views such as metrics that only a collector on the same machine may read; others are told of no such page."""

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.META.get("REMOTE_ADDR") not in ("127.0.0.1", "::1", "") or "X-Forwarded-For" in request.headers:
            return error_page(request, NoSuchPage())
        return view(request, *args, **kwargs)

    return checked
