"""Who may see the enterprise's pages, and how a view tells a fragment from a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from enterprises.checkout.selectors import member_of
from enterprises.errors import NotMember
from marketplace.accounts.models import Kind
from marketplace.accounts.permissions import role_required

View = Callable[..., HttpResponseBase]


def member_page(view: View) -> Callable[..., HttpResponse]:
    """The view gets the caller's ``Member`` as its second argument.

    A stranger is sent to the log-in, another kind of account gets a 403 page, and an enterprise account that belongs to
    no enterprise yet is sent to the registration. It stands on every view, those of fragments too.
    """

    @role_required(Kind.ENTERPRISE)
    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            member = member_of(int(request.user.pk or 0))
        except NotMember:
            return go(request, reverse("enterprises:register"))
        return cast(HttpResponse, view(request, member, *args, **kwargs))

    return checked


def fragment_wanted(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page; a restored history entry needs the whole."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request  # type: ignore[union-attr]


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, part: str = "", status: int = 200
) -> HttpResponse:
    """The page, or its partial ``part`` if a fragment is wanted."""
    whole = not part or not fragment_wanted(request)
    answer = render(request, template if whole else f"{template}#{part}", context, status=status)
    answer["Cache-Control"] = "no-store"
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the whole page, whoever asked."""
    return HttpResponseClientRedirect(url) if fragment_wanted(request) else redirect(url)


def next_url(request: HttpRequest, otherwise: str) -> str:
    """Where the form says that its sender came from, if that is a page of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else otherwise
