"""HTTP with a market node: problem details become Hearth's errors, and what is idempotent is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import httpx

from marketplace.common.errors import (
    Conflict,
    HearthError,
    InputError,
    IntegrityFault,
    NotAllowed,
    NotFound,
    Unavailable,
)

ATTEMPTS: Final = 4
FIRST_PAUSE_S: Final = 0.2
PAUSE_MAX_S: Final = 5.0
TEXT_MAX: Final = 500
_RETRY = frozenset({429, 502, 503, 504})
_BY_STATUS: dict[int, type[HearthError]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: IntegrityFault,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}


class MarketAway(Unavailable):
    """The market node can't be reached, or does not answer like one."""

    code = "market_away"
    title = "The market does not answer"


class Http:
    """One market's API. ``pause`` waits between tries; the token goes into the header and nowhere else."""

    def __init__(self, http: httpx.Client, token: str = "", *, pause: Callable[[float], None] = time.sleep) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pause = pause

    @property
    def base_url(self) -> str:
        return str(self._http.base_url)

    def json(self, method: str, path: str, *, idempotent: bool | None = None, **options: Any) -> Any:
        """The JSON answer of a call; raises ``MarketAway`` if it is none."""
        response = self.call(method, path, idempotent=idempotent, **options)
        try:
            return response.json()
        except ValueError as fault:
            raise MarketAway("The market's answer is not JSON") from fault

    def call(self, method: str, path: str, *, idempotent: bool | None = None, **options: Any) -> httpx.Response:
        """Call and give the answer if it is a success; raises the ``HearthError`` that the market answered.

        GET, HEAD, PUT and DELETE are idempotent unless ``idempotent`` says otherwise, and only idempotent calls are
        tried again, when the market is away, busy or asks to wait.
        """
        again = method in ("GET", "HEAD", "PUT", "DELETE") if idempotent is None else idempotent
        options["headers"] = {**self._headers, **options.get("headers", {})}
        tries = ATTEMPTS if again else 1
        for attempt in range(tries):
            last = attempt == tries - 1
            try:
                response = self._http.request(method, path, **options)
            except httpx.TransportError as fault:
                if last:
                    raise MarketAway(type(fault).__name__) from fault
                self._pause(_pause_s(attempt, None))
                continue
            if response.is_success:
                return response
            if last or response.status_code not in _RETRY:
                raise error_of(response)
            self._pause(_pause_s(attempt, response))
        raise MarketAway


def error_of(response: httpx.Response) -> HearthError:
    """The error that problem details stand for: of its own class if this process has one with that code and status.

    The market's texts are cut to a sensible length; they are shown as text and never as markup.
    """
    try:
        problem = response.json()
    except ValueError:
        problem = None
    body: dict[str, Any] = problem if isinstance(problem, dict) else {}
    code = _text(body.get("code"))
    found = class_of(code, response.status_code) if code else None
    error = (found or _BY_STATUS.get(response.status_code, InputError if code else MarketAway))(
        _text(body.get("detail")) or f"The market answered {response.status_code}"
    )
    if found is None and code:
        error.code = code
        error.title = _text(body.get("title")) or error.title
    if hint := _text(body.get("hint")):
        error.hint = hint
    error.http_status = response.status_code
    return error


def class_of(code: str, status: int, parent: type[HearthError] = HearthError) -> type[HearthError] | None:
    """The error class with this code and HTTP status that can be made of a sentence, or None."""
    for child in parent.__subclasses__():
        if child.__dict__.get("code") == code and child.http_status == status and "__init__" not in child.__dict__:
            return child
        found = class_of(code, status, child)
        if found is not None:
            return found
    return None


def _pause_s(attempt: int, response: httpx.Response | None) -> float:
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    wait_s = float(asked) if asked.isdigit() else FIRST_PAUSE_S * 2**attempt
    return min(PAUSE_MAX_S, wait_s)


def _text(value: object) -> str:
    return value[:TEXT_MAX] if isinstance(value, str) else ""
