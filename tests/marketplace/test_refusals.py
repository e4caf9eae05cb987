"""Refusals: the same error as problem details, as a page and as a toast; and what never gets into a log."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest
import structlog
from django.db import OperationalError
from django.http import Http404
from django.test import Client, RequestFactory
from django_htmx.middleware import HtmxDetails
from rest_framework import exceptions

from marketplace.accounts.permissions import role_required
from marketplace.api import problem_response
from marketplace.common.errors import Conflict, NotFound
from marketplace.common.logs import REMOVED, redact
from marketplace.common.middleware import errors_as_pages, from_this_machine
from marketplace.common.problem import problem_json
from tests import factories


class LotGone(Conflict):
    code = "lot_gone"
    title = "The lot is no longer for sale"
    hint = "Look for another one in the catalog."


def request(htmx: bool = False) -> Any:
    found = RequestFactory().get("/lots/", headers={"HX-Request": "true"} if htmx else {})
    found.htmx = HtmxDetails(found)
    found.user = None
    return found


def test_a_refusal_is_answered_with_its_code_and_what_to_do():
    answer = problem_response(LotGone("It was withdrawn a moment ago."), {})
    assert answer is not None
    assert answer.status_code == 409
    assert answer.data == {
        "type": "/api/docs/#problem-lot_gone",
        "title": "The lot is no longer for sale",
        "status": 409,
        "detail": "It was withdrawn a moment ago.",
        "code": "lot_gone",
        "hint": "Look for another one in the catalog.",
    }
    assert json.loads(problem_json(LotGone()).content)["code"] == "lot_gone"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Http404(), 404, "not_found"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.ValidationError({"price": ["too low"]}), 400, "input_invalid"),
        (OperationalError("database is locked"), 503, "unavailable"),
    ],
)
def test_what_the_frameworks_refuse_has_a_code_too(error: Exception, status: int, code: str):
    answer = problem_response(error, {})
    assert answer is not None
    assert (answer.status_code, answer.data["code"]) == (status, code)


def test_a_fault_is_no_refusal_and_keeps_its_trace():
    assert problem_response(RuntimeError("broken"), {}) is None


def test_a_page_says_what_happened_and_what_to_do():
    page = errors_as_pages(lambda _: None).process_exception(request(), LotGone())  # type: ignore[arg-type,return-value]
    assert page is not None
    text = page.content.decode()
    assert page.status_code == 409
    assert "no longer for sale" in text
    assert "another one in the catalog" in text
    assert "<html" in text


def test_a_fragment_gets_a_toast_in_place_of_a_page():
    page = errors_as_pages(lambda _: None).process_exception(request(htmx=True), LotGone())  # type: ignore[arg-type,return-value]
    assert page is not None
    assert page["HX-Retarget"] == "#toasts"
    assert "<html" not in page.content.decode()
    assert "no longer for sale" in page.content.decode()


def test_other_errors_are_left_to_django():
    assert errors_as_pages(lambda _: None).process_exception(request(), ValueError()) is None  # type: ignore[arg-type,return-value]


@pytest.mark.django_db
@pytest.mark.parametrize(("maker", "outcome"), [("owner", 200), ("member", "refused"), ("operator", "refused")])
def test_a_page_of_homes_is_for_owners(maker: str, outcome: object):
    from marketplace.accounts.permissions import WrongKind

    asked = request()
    asked.user = getattr(factories, maker)()
    view = role_required("owner")(lambda _: problem_json(NotFound()))
    if outcome == 200:
        assert view(asked).status_code == 404  # the view itself was reached
    else:
        with pytest.raises(WrongKind):
            view(asked)


@pytest.mark.django_db
def test_a_strangers_fragment_leads_the_whole_page_to_the_login(client: Client):
    from django.contrib.auth.models import AnonymousUser

    asked = request(htmx=True)
    asked.user = AnonymousUser()
    answer = role_required("owner")(lambda _: problem_json(NotFound()))(asked)
    assert answer.status_code == 204
    assert answer["HX-Redirect"].startswith("/accounts/login/")


def test_figures_are_for_collectors_on_this_machine():
    view = from_this_machine(lambda _: problem_json(LotGone()))
    here = request()
    assert view(here).status_code == 409
    away = RequestFactory().get("/metrics/", REMOTE_ADDR="203.0.113.9")
    away.user = None  # type: ignore[attr-defined]
    assert view(away).status_code == 404
    proxied = RequestFactory().get("/metrics/", headers={"X-Forwarded-For": "203.0.113.9"})
    proxied.user = None  # type: ignore[attr-defined]
    assert view(proxied).status_code == 404


def test_a_log_line_holds_no_secret_no_reading_and_no_bytes():
    event = {
        "event": "lot sealed", "lot": "9f2c", "seed": "s1", "api_token": "t1", "data": b"\x01", "email": "a@b.org",
        "inner": {"password": "p1", "height": 7}, "items": [b"x", "y"], "readings": [21.5],
    }  # fmt: skip
    clean = redact(None, "info", dict(event))
    assert clean["lot"] == "9f2c"
    assert clean["inner"] == {"password": REMOVED, "height": 7}
    assert clean["items"] == [REMOVED, "y"]
    said = repr(clean)
    assert not any(secret in said for secret in ("s1", "t1", "p1", "a@b.org", "21.5", "\\x01"))


def test_a_traceback_in_the_log_shows_no_local_variables(settings: Any):
    made = settings.LOGGING["formatters"]["hearth"]
    options = {name: made[name] for name in ("processors", "foreign_pre_chain")}
    record = logging.LogRecord("hearth", logging.ERROR, __file__, 1, "broken", (), None)
    try:
        words = " ".join(["abandon", "ability", "able"])
        raise RuntimeError(str(len(words)))
    except RuntimeError:
        record.exc_info = sys.exc_info()
    text = structlog.stdlib.ProcessorFormatter(**options).format(record)
    assert "RuntimeError: 20" in text
    assert "abandon ability able" not in text
