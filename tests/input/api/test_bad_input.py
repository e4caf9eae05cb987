"""Bad input to every endpoint of the REST API, from a caller who may call it: always a problem, never a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.access import rules
from tests.access.rules import Door
from tests.access.table_accounts import ACCOUNTS
from tests.access.table_enterprise import ENTERPRISE_API
from tests.access.table_home import HOME_API
from tests.access.table_market import MARKET
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("access")]

API = [door for door in (*ACCOUNTS, *MARKET, *HOME_API, *ENTERPRISE_API) if door.path.startswith("/api/")]
WITH_BODY = [door for door in API if door.method in ("post", "put", "patch") and not isinstance(door.body, bytes)]
# Those that read a query.
LISTS = ("events", "history", "changes", "lots", "facets", "organisations", "orders", "activity", "batches", "data")
READS = [door for door in API if door.method == "get" and door.path.endswith(LISTS)]
JSON = "application/json"
HUGE = 2**70
# What may stand where a field expects something else.
VALUES: list[Any] = [
    None, True, -1, HUGE, 1.5, "", "x", "\x00", "a" * 5_000, "\N{PILE OF POO}", "1e999", [], [[]], {}, {"a": {"b": []}},
    ["x"] * 300, "2001-13-45T99:99:99Z", "../../etc/passwd", "' OR 1=1 --", "{{7*7}}",
]  # fmt: skip
BODIES: list[tuple[bytes, str]] = [
    (b"", JSON),
    (b"{", JSON),
    (b"[]", JSON),
    (b"[{}]", JSON),
    (b"null", JSON),
    (b"7", JSON),
    (b'"text"', JSON),
    (b'{"a": NaN}', JSON),
    (b'{"a": Infinity}', JSON),
    (b'{"\\ud800": "\\udfff"}', JSON),
    (b"\xff\xfe{}", JSON),
    (b"[" * 50_000, JSON),
    (b'{"a": "' + b"a" * (1 << 20) + b'"}', JSON),
    (b'{"unknown": 1, "id": 1, "owner_id": 1, "state": "settled"}', JSON),
    (b"a=1", "application/x-www-form-urlencoded"),
    (b"<a/>", "application/xml"),
    (b"x", "application/json; charset=utf-7"),
]
QUERIES = [
    "page=0", "page=-1", "page=x", f"page={HUGE}", "page_size=0", f"page_size={HUGE}", "cursor=%00", "cursor=bm9wZQ==",
    f"after={HUGE}", "after=-1", "after=1.1.1.1.1", "after=%00", f"limit={HUGE}", "limit=x", "up_to=x", f"up_to={HUGE}",
    "kind=%00", "sort=%27", "q=%00", "q=" + "%22" * 50, "q=" + "a" * 3_000, f"price_min={HUGE}", "price_max=x",
    "start=x", "end=0000-00-00", "start=9999-12-31T23:59:59%2B23:59", "resolution_s=x", f"resolution_s={HUGE}",
    "as=exe", "as=../csv", "status=%00", "cell=%00", "label=x&label=y", "%ff=%fe", "series=x",
]  # fmt: skip
BAD_IDS = ["0", "-1", str(HUGE), "x", "%00", "..", "%2e%2e%2f", "a" * 300, "0" * 64, "g" * 64, "%F0%9F%92%A9",
           "00000000-0000-0000-0000-000000000000"]  # fmt: skip


def caller(door: Door) -> str:
    """The role that gets furthest."""
    order = (rules.OWNER, rules.MEMBER, rules.OPERATOR, rules.HUB, rules.ORGANISATION)
    return next(role for status in (403, 401) for role in order if door.answers[role] not in (401, status))


def complaint(answer: Any) -> str:
    """What is wrong with an answer to bad input; nothing if it is a success or a problem as RFC 9457 has it."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    if answer.status_code < 400:
        return ""
    if answer["Content-Type"] != "application/problem+json":
        return f"{answer.status_code} as {answer['Content-Type']}"
    told = answer.json()
    missing = {"type", "title", "status", "detail", "code"} - {name for name, value in told.items() if value}
    if missing or told["status"] != answer.status_code:
        return f"{answer.status_code} without {missing}"
    return "" if "{" not in told["title"] else f"a title that was not filled in: {told['title']}"


def ask(world: World, door: Door, body: bytes, kind: str) -> Any:
    client = world.client(caller(door), api=True)
    return getattr(client, door.method)(door.path.format(**world.names), body, content_type=kind, headers=door.headers)


@pytest.mark.parametrize("door", WITH_BODY, ids=lambda door: door.name)
def test_a_body_that_is_no_object_of_json_is_a_problem_and_no_fault(door: Door, world: World) -> None:
    found = {body[:40]: complaint(ask(world, door, body, kind)) for body, kind in BODIES}
    assert {body: said for body, said in found.items() if said} == {}


@pytest.mark.parametrize("door", [door for door in WITH_BODY if door.body], ids=lambda door: door.name)
def test_a_field_of_another_kind_is_a_problem_and_no_fault(door: Door, world: World) -> None:
    wrong = {}
    for name in door.body:
        right = {key: value for key, value in world._filled(door.body).items() if key != name}
        for value in VALUES:
            answer = ask(world, door, json.dumps({**right, name: value}).encode(), JSON)
            if said := complaint(answer):
                wrong[f"{name} = {str(value)[:40]!r}"] = said
    assert wrong == {}


@pytest.mark.parametrize("door", READS, ids=lambda door: door.name)
def test_a_query_of_nonsense_is_a_problem_and_no_fault(door: Door, world: World) -> None:
    client = world.client(caller(door), api=True)
    path = door.path.format(**world.names)
    found = {query[:60]: complaint(client.get(f"{path}?{query}")) for query in QUERIES}
    assert {query: said for query, said in found.items() if said} == {}


@pytest.mark.parametrize("door", [door for door in API if "{" in door.path], ids=lambda door: door.name)
def test_an_id_of_nothing_is_a_problem_and_no_fault(door: Door, world: World) -> None:
    wrong = {}
    for name in [part[1:-1] for part in door.path.split("/") if part.startswith("{")]:
        for bad in BAD_IDS:
            path = door.path.format(**{**world.names, name: bad})
            answer = world.call(caller(door), Door(door.method, path, {}, door.body, door.headers))
            if said := complaint(answer):
                wrong[bad[:40]] = said
            elif answer.status_code < 400 and door.method not in ("get", "delete"):  # what is not there is gone
                wrong[bad[:40]] = "was taken"
    assert wrong == {}


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_an_object_asked_for_in_a_strange_way_is_a_problem_and_no_fault(method: str, world: World) -> None:
    client, path = world.client(rules.HUB, api=True), f"/api/v1/market/objects/{world.names['object']}"
    strange = [
        {"Range": "bytes=-0"}, {"Range": f"bytes={10**11}-"}, {"Range": "bytes=9-3"}, {"Range": "lines=1-2"},
        {"Content-Range": "bytes 5-1/9"}, {"Content-Range": f"bytes 0-0/{10**12 - 1}"}, {"Content-Range": "x"},
        {"X-Object-Sha256": "zz"}, {"X-Object-Sha256": "00" * 32}, {"X-Deletion-Secret": "\x7f" * 900},
        {"Content-Length": "-5"},
    ]  # fmt: skip
    for headers in strange:
        answer = getattr(client, method)(path, data=b"x" if method == "put" else None,
                                         **({"content_type": "application/octet-stream"} if method == "put" else {}),
                                         headers=headers)  # fmt: skip
        said = complaint(answer)
        assert not said, (headers, said)
