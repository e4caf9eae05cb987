"""What every REST endpoint shares: problem details, pages, the schema's routes."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import set_rollback

from marketplace.common.errors import HearthError, NotAllowed, NotFound, Unavailable
from marketplace.common.problem import CONTENT_TYPE, problem


class Pages(PageNumberPagination):
    """``?page=2&page_size=50``, at most 200 a page."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


class Newest(CursorPagination):
    """For lists that grow while they are read: newest first, ``?cursor=``; a model with ``created_at``."""

    page_size = 50
    ordering = "-created_at"


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Django REST framework's exception handler: every refusal as RFC 9457 problem details with a stable code.

    Returns None for what is no refusal, so that it stays a fault with a stack trace in the log.
    """
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, PermissionDenied):
        error = NotAllowed()
    elif isinstance(error, OperationalError) and "locked" in str(error):
        error = Unavailable("The database is busy.")
    if isinstance(error, HearthError):
        set_rollback()
        return _answer(problem(error))
    if isinstance(error, exceptions.APIException):
        set_rollback()
        return _answer_of_framework(error)
    return None


# Titles say what kind of thing happened; the framework's own have the particulars of this time in them.
_TITLES = {
    "method_not_allowed": "This method is not offered here",
    "unsupported_media_type": "This media type is not read here",
}


def _answer(body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def _answer_of_framework(error: exceptions.APIException) -> Response:
    headers: dict[str, str] = {}
    wait_s = getattr(error, "wait", None)  # of a throttle
    if wait_s:
        headers["Retry-After"] = str(int(wait_s) + 1)
    challenge = getattr(error, "auth_header", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    code = _code_of(error)
    body: dict[str, Any] = {
        "type": f"/api/docs/#problem-{code}",
        "title": _TITLES.get(code, str(error.default_detail)),
        "status": error.status_code,
        "code": code,
    }
    if isinstance(error, exceptions.ValidationError):
        body["title"] = "The input is not valid"
        body["detail"] = "Some fields were refused; see errors."
        body["errors"] = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
    else:
        body["detail"] = str(error.detail)
    return _answer(body, headers)


def _code_of(error: exceptions.APIException) -> str:
    """The framework's own codes, but ``input_invalid`` as elsewhere in Hearth for refused fields."""
    if isinstance(error, exceptions.ValidationError | exceptions.ParseError):
        return "input_invalid"
    return re.sub(r"\W", "_", str(error.default_code))
