"""What every REST endpoint shares: problem details, pages, the schema's routes."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.pagination import CursorPagination, PageNumberPagination
from rest_framework.response import Response
from rest_framework.views import set_rollback

from marketplace.common.errors import HearthError, NotAllowed, NotFound, Unavailable
from marketplace.common.problem import CONTENT_TYPE, problem

# What every refusal looks like, in the OpenAPI document.
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details. `code` is stable; `errors` names refused fields.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
        "hint": {"type": "string"},
        "errors": {"type": "object"},
    },
}


def problems_described(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Hook of the OpenAPI document: every operation may be refused, always in the same form."""
    result["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = {
        "4XX": {"description": "The request was refused.", "content": content},
        "503": {"description": "Something that the request needs is away for a moment.", "content": content},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].update(refusals)
    return result


class Pages(PageNumberPagination):
    """``?page=2&page_size=50``, at most 200 a page."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


def paged(name: str, row: type[serializers.BaseSerializer[Any]], *parameters: OpenApiParameter) -> dict[str, Any]:
    """What ``extend_schema`` is told of a list that a view pages itself; ``name`` is the operation's id."""
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = {
        "count": serializers.IntegerField(),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": row(many=True),
    }
    shape = inline_serializer(f"Paginated{row.__name__.removesuffix('Serializer')}List", fields)
    pages = [OpenApiParameter("page", int), OpenApiParameter("page_size", int)]
    return {"operation_id": name, "responses": shape, "parameters": [*parameters, *pages]}


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
