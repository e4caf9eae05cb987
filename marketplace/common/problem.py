"""RFC 9457 problem details of a refusal; also used by code that answers without the REST framework."""

from __future__ import annotations

from typing import Any

from django.http import JsonResponse

from marketplace.common.errors import HearthError

CONTENT_TYPE = "application/problem+json"


def problem(error: HearthError) -> dict[str, Any]:
    """``type``, ``title``, ``status``, ``detail`` as in the RFC, a stable ``code``, and ``hint`` if there is one."""
    body: dict[str, Any] = {
        "type": f"/api/docs/#problem-{error.code}",
        "title": error.title,
        "status": error.http_status,
        "detail": error.detail,
        "code": error.code,
    }
    if error.hint:
        body["hint"] = error.hint
    return body


def problem_json(error: HearthError) -> JsonResponse:
    """The refusal as a response, for views outside the REST framework."""
    return JsonResponse(problem(error), status=error.http_status, content_type=CONTENT_TYPE)
