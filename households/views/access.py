"""Who may see a home's pages, and how a view tells a fragment from a page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from households.models import Household
from households.selectors.households import owner_home
from marketplace.accounts.models import Kind
from marketplace.accounts.permissions import role_required
from marketplace.common.errors import HearthError

View = Callable[..., HttpResponse]


def owner_page(view: View) -> View:
    """The view gets the caller's own home as its second argument; no other home exists for it.

    A stranger is sent to the log-in, another kind of account gets a 403 page, and an owner whose home is not set up yet
    is sent to where the setting-up stands. It stands on every view, those of fragments too.
    """

    @wraps(view)
    @role_required(Kind.OWNER)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        home = owner_home(int(request.user.pk or 0))
        if home is None:
            return go(request, reverse("households:start"))
        if home.state == Household.State.NEW:
            return go(request, reverse("households:start_confirm"))
        return view(request, home, *args, **kwargs)

    return checked


def fragment_wanted(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page; a restored history entry needs the whole."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request  # type: ignore[union-attr]


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, part: str = "", status: int = 200
) -> HttpResponse:
    """The page, or its partial if a fragment is wanted. What a home measures is for no cache to keep.

    A page of several live parts names the one it asks for (``?part=...``, checked against ``PARTS`` of the caller).
    """
    whole = not part or not fragment_wanted(request)
    answer = render(request, template if whole else f"{template}#{part}", context, status=status)
    answer["Cache-Control"] = "no-store"
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def part_asked(request: HttpRequest, parts: tuple[str, ...]) -> str:
    """Which of a page's parts the request names; the first one if it names none of them."""
    asked = request.GET.get("part", "")
    return asked if asked in parts else parts[0]


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect the whole page, whoever asked."""
    return HttpResponseClientRedirect(url) if fragment_wanted(request) else redirect(url)


def do(request: HttpRequest, act: Callable[[], object], said: str) -> bool:
    """Call a service and tell the owner what became of it; False if it refused."""
    try:
        act()
    except HearthError as error:
        messages.error(request, refusal_text(error))
        return False
    messages.success(request, said)
    return True


def refusal_text(error: HearthError) -> str:
    """What a refusal says, and what to do next."""
    return f"{error.detail.rstrip('.')}. {error.hint}".strip() if error.hint else error.detail


def next_url(request: HttpRequest, otherwise: str) -> str:
    """Where the form says that its sender came from, if that is a page of ours."""
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else otherwise
