"""A client of Hearth's REST API, as anybody could write one: a token, JSON, problem details, pages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, TypeVar

import httpx

from marketplace.common.errors import HearthError, Unavailable

TIMEOUT_S = 30.0
POLL_S = 0.1
AWAY_S = 20.0
PAGE_SIZE = 200
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
T = TypeVar("T")


class Refused(HearthError):
    """The API answered with problem details; ``code`` is theirs."""

    title = "Hearth refused a call"

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.http_status = status
        self.code = code


class TooLate(Unavailable):
    code = "too_late"
    title = "Something did not happen in time"


class Api:
    """Calls as one user, or as a stranger while there is no token."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def sign_up(self, kind: str, email: str, password: str) -> None:
        """Sign up with the form that people use (``kind``: home or enterprise), then log in for a token."""
        path = f"/accounts/signup/{kind}/"
        page = self._http.get(path)
        found = _FORM_TOKEN.search(page.text)
        form = {
            "csrfmiddlewaretoken": found.group(1) if found else "",
            "email": email,
            "password1": password,
            "password2": password,
        }
        answer = self._http.post(path, data=form, headers={"Referer": str(page.url)})
        if answer.status_code != httpx.codes.FOUND:
            raise Refused(answer.status_code, "sign_up_refused", "The sign-up form was not accepted.")
        self._http.cookies.clear()
        self.log_in(email, password)

    def log_in(self, email: str, password: str) -> None:
        """Get a token and use it from now on."""
        answer = self.post("/api/v1/auth/token", {"email": email, "password": password, "label": "story"})
        self._http.headers["Authorization"] = f"Bearer {answer['token']}"

    def get(self, path: str, **params: Any) -> Any:
        return self._json(self._read(path, params))

    def get_bytes(self, path: str, **params: Any) -> bytes:
        answer = self._read(path, params)
        self._check(answer)
        return answer.content

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._json(self._http.post(path, json={} if body is None else body, headers=headers))

    def put(self, path: str, body: Any) -> Any:
        return self._json(self._http.put(path, json=body))

    def patch(self, path: str, body: Any) -> Any:
        return self._json(self._http.patch(path, json=body))

    def delete(self, path: str) -> None:
        self._check(self._http.delete(path))

    def pages(self, path: str, **params: Any) -> Iterator[Any]:
        """All items of a list, whether it is paged by number, by cursor, or not at all."""
        answer = self.get(path, page_size=PAGE_SIZE, **params)
        while True:
            if isinstance(answer, list):
                yield from answer
                return
            yield from answer["results"]
            if not answer.get("next"):
                return
            answer = self.get(answer["next"])

    def _read(self, path: str, params: dict[str, Any]) -> httpx.Response:
        """Reading may be tried again, also while the web starts anew."""
        until = time.monotonic() + AWAY_S
        while True:
            try:
                return self._http.get(path, params=params or None)  # an empty dict would cut a query off
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise
            time.sleep(POLL_S)

    def _json(self, answer: httpx.Response) -> Any:
        self._check(answer)
        return answer.json() if answer.content else None

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code < httpx.codes.BAD_REQUEST:
            return
        if "json" not in answer.headers.get("Content-Type", ""):
            raise Refused(answer.status_code, "error", f"{answer.request.method} {answer.request.url.path}")
        problem = answer.json()
        raise Refused(
            answer.status_code,
            problem.get("code", "error"),
            f"{problem.get('detail', '')} {problem.get('errors', '')}".strip(),
        )


def wait_until(found: Callable[[], T | None], what: str, timeout_s: float = 30.0, poll_s: float = POLL_S) -> T:
    """Ask again and again until ``found()`` gives something true.

    Raises:
        TooLate
    """
    until = time.monotonic() + timeout_s
    while not (value := found()):
        if time.monotonic() > until:
            raise TooLate(f"{what}: not within {timeout_s:.0f} s.")
        time.sleep(poll_s)
    return value
