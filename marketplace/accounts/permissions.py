"""Who may call: permission classes for the REST API, a decorator for pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from marketplace.accounts.models import Kind, User
from marketplace.common.errors import NotAllowed

View = Callable[..., HttpResponse]


class WrongKind(NotAllowed):
    code = "wrong_kind"
    title = "This part of Hearth is for another kind of account"
    hint = "Log in with an account of that kind."


class _IsKind(BasePermission):
    kind: ClassVar[Kind]

    def has_permission(self, request: Request, view: Any) -> bool:
        return has_kind(request.user, self.kind)


class IsOwner(_IsKind):
    """Home owners only; operators are not let into homes."""

    kind = Kind.OWNER


class IsMember(_IsKind):
    """Members of an enterprise; which one, the endpoint finds out."""

    kind = Kind.ENTERPRISE


class IsOperator(_IsKind):
    """Operators of the market."""

    kind = Kind.OPERATOR


def has_kind(user: Any, kind: Kind | str) -> bool:
    """Whether ``user`` is logged in, active and of this kind; an operator must also be staff."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_operator if kind == Kind.OPERATOR else user.kind == kind


def role_required(kind: Kind | str) -> Callable[[View], View]:
    """For pages: a stranger is sent to the log-in, a user of another kind gets a 403 page.

    An htmx request of a stranger is answered with HX-Redirect, so that the log-in page does not land inside a fragment.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_login(request)
            if not has_kind(request.user, kind):
                raise WrongKind(f"These pages are for {Kind(kind).label.lower()} accounts.")
            return view(request, *args, **kwargs)

        return checked

    return decorate


def _to_login(request: HttpRequest) -> HttpResponse:
    htmx = getattr(request, "htmx", None)
    if not htmx:
        return redirect_to_login(request.get_full_path())
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = redirect_to_login(htmx.current_url_abs_path or "/").url
    return answer
