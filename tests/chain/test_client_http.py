"""How the client takes refusals, and what it tries again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from chain.client.http import ATTEMPTS, Http, MarketAway, error_of
from chain.core.errors import NonceUsed, PoolFull
from enterprises.errors import LotUnknown, PriceChanged
from marketplace.common.errors import Conflict, HearthError, IntegrityFault, NotFound, Unavailable


class Market:
    """Answers in order and remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def http(self, token: str = "") -> Http:
        client = httpx.Client(transport=httpx.MockTransport(self), base_url="http://market.test")
        return Http(client, token, pause=self.pauses.append)


def problem(status: int, code: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "status": status, "title": "T", "detail": "D", **more})


def ok() -> httpx.Response:
    return httpx.Response(200, json={"fine": True})


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "tx_nonce_used", NonceUsed),
        (404, "lot_unknown", LotUnknown),
        (409, "price_changed", PriceChanged),
        (503, "pool_full", PoolFull),
        (404, "something_new", NotFound),
        (409, "something_new", Conflict),
        (422, "something_new", IntegrityFault),
        (503, "something_new", Unavailable),
        (400, "something_new", HearthError),
    ],
)
def test_a_refusal_comes_back_as_the_error_of_its_code(status: int, code: str, kind: type[HearthError]) -> None:
    error = error_of(problem(status, code, hint="H"))
    assert isinstance(error, kind)
    assert (error.code, error.http_status, error.detail, error.hint) == (code, status, "D", "H")


def test_an_answer_that_is_no_problem_is_the_markets_fault() -> None:
    assert isinstance(error_of(httpx.Response(500, text="<h1>oops</h1>")), MarketAway)
    assert isinstance(error_of(httpx.Response(418, json=[1])), MarketAway)
    assert "oops" not in error_of(httpx.Response(500, text="<h1>oops</h1>")).detail


def test_the_markets_texts_are_cut() -> None:
    assert len(error_of(problem(400, "x", detail="a" * 10_000)).detail) == 500
    assert error_of(problem(400, "x", detail={"a": 1}, hint=5)).detail == "The market answered 400"


@pytest.mark.parametrize("fault", [httpx.ConnectError("no"), httpx.ReadTimeout("slow"), problem(503, "unavailable")])
def test_a_read_is_tried_again_with_longer_pauses(fault: Any) -> None:
    market = Market(fault, fault, ok())
    assert market.http().json("GET", "/x") == {"fine": True}
    assert market.pauses == [0.2, 0.4]


def test_a_read_is_given_up_after_some_tries() -> None:
    market = Market(*[httpx.ConnectError("no")] * ATTEMPTS)
    with pytest.raises(MarketAway):
        market.http().call("GET", "/x")
    assert len(market.asked) == ATTEMPTS


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("slow"), problem(503, "unavailable")])
def test_a_call_that_is_not_idempotent_is_never_repeated(fault: Any) -> None:
    market = Market(fault, ok())
    with pytest.raises(Unavailable):
        market.http().call("POST", "/hubs", json={})
    assert len(market.asked) == 1


def test_an_idempotent_post_is_repeated_unchanged() -> None:
    market = Market(httpx.ReadTimeout("slow"), ok())
    market.http().call("POST", "/transactions", idempotent=True, content=b"signed")
    assert [request.content for request in market.asked] == [b"signed", b"signed"]


def test_a_refusal_is_not_repeated() -> None:
    market = Market(problem(409, "tx_nonce_used"), ok())
    with pytest.raises(NonceUsed):
        market.http().call("GET", "/x")
    assert len(market.asked) == 1


def test_the_client_waits_as_long_as_the_market_asks_within_reason() -> None:
    def busy(seconds: str) -> httpx.Response:
        return httpx.Response(429, json={"code": "throttled"}, headers={"Retry-After": seconds})

    market = Market(busy("2"), busy("86400"), busy("soon"), ok())
    market.http().call("GET", "/x")
    assert market.pauses == [2.0, 5.0, 0.8]


def test_the_token_is_in_the_header_and_in_no_error() -> None:
    market = Market(httpx.ConnectError("no"), problem(403, "not_allowed"))
    with pytest.raises(HearthError) as refused:
        market.http("hub_secret").call("GET", "/x")
    assert market.asked[0].headers["Authorization"] == "Bearer hub_secret"
    assert "hub_secret" not in f"{refused.value!r} {refused.value.detail} {refused.value.__cause__!r}"


def test_an_answer_that_is_not_json_is_the_markets_fault() -> None:
    call: Callable[..., Any] = Market(httpx.Response(200, text="hello")).http().json
    with pytest.raises(MarketAway):
        call("GET", "/x")
