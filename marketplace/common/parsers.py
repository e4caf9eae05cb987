"""How the REST API reads JSON: bodies that are too long or nested too deep are refused like any other bad input."""

from __future__ import annotations

import io
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from marketplace.common.errors import InputError

MAX_JSON_BYTES = 1024 * 1024


class BodyTooLarge(InputError):
    code = "body_too_large"
    http_status = 413
    title = "The body is larger than this endpoint reads"


class Json(JSONParser):
    """At most ``MAX_JSON_BYTES``, so that nobody has the process build objects from what a file upload may carry.

    Raises ``BodyTooLarge``, ``ParseError``.
    """

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        data = stream.read(MAX_JSON_BYTES + 1)
        if len(data) > MAX_JSON_BYTES:
            raise BodyTooLarge
        try:
            return super().parse(io.BytesIO(data), media_type, parser_context)
        except RecursionError:
            raise ParseError("The JSON is nested too deep.") from None
