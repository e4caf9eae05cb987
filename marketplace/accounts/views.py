"""Pages of the account: the first page after log-in, tokens, profile, the locked door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.views import SignupView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.accounts import selectors, services
from marketplace.accounts.forms import ProfileForm, TokenForm
from marketplace.accounts.models import Kind, User
from marketplace.common.errors import HearthError
from marketplace.common.pages import error_page
from marketplace.common.problem import problem_json

FIRST_PAGES = {Kind.OWNER: "households:overview", Kind.ENTERPRISE: "enterprises:overview", Kind.OPERATOR: "admin:index"}


class LockedOut(HearthError):
    code = "locked_out"
    http_status = 429
    title = "Too many wrong passwords"
    hint = "Wait a quarter of an hour, then try again or reset the password."


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@require_GET
def landing(request: HttpRequest) -> HttpResponse:
    """What Hearth is, in three short sections."""
    return render(request, "landing.html")


@require_GET
def signup_choice(request: HttpRequest) -> HttpResponse:
    """The two ways in: for homes and for enterprises."""
    return render(request, "account/signup_choice.html")


class SignupFor(SignupView):
    """allauth's sign-up for one kind of account. The kind comes with the address and is no field of the form."""

    kind = Kind.OWNER

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.signup_kind = self.kind  # type: ignore[attr-defined]  # read by HearthAccountAdapter
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "kind": self.kind.value}


@require_GET
@login_required
def start(request: HttpRequest) -> HttpResponse:
    """Send a user to the first page of their kind, or to the account if this deployment does not play that role."""
    try:
        return redirect(reverse(FIRST_PAGES[Kind(_user(request).kind)]))
    except NoReverseMatch:
        return redirect("account_profile")


@require_http_methods(["GET", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """The account: address, time zone, and the ways to password and second factor."""
    user = _user(request)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        services.time_zone_set(user=user, time_zone=form.cleaned_data["time_zone"])
        messages.success(request, "Saved.")
        return redirect("account_profile")
    return render(request, "account/profile.html", {"form": form})


@require_http_methods(["GET", "POST"])
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """List the user's API tokens and make new ones; a new one is shown on this answer only."""
    user = _user(request)
    form = TokenForm(request.POST or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        life = timedelta(days=form.cleaned_data["days"])
        _, context["new_token"] = services.api_token_create(user=user, label=form.cleaned_data["label"], life=life)
        context["form"] = TokenForm()
    context["tokens"] = selectors.api_tokens_of(user)
    answer = render(request, "account/tokens.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@login_required
def token_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove one of the user's own tokens."""
    if services.api_token_remove(user=_user(request), pk=pk):
        messages.success(request, "The token is gone; whatever used it can no longer log in.")
    return redirect("account_tokens")


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """What axes shows after too many wrong passwords."""
    if request.path.startswith("/api/"):
        return problem_json(LockedOut())
    return error_page(request, LockedOut())


def login_name(request: HttpRequest | None, credentials: dict[str, Any] | None = None) -> str:
    """Under which name axes counts wrong passwords: the address, however it was sent."""
    sent = credentials or {}
    found = sent.get("email") or sent.get("username") or sent.get("login")
    if not found and request is not None:
        found = request.POST.get("login", "") or request.POST.get("username", "")
    return str(found or "").strip().lower()
