"""Schemathesis over the whole OpenAPI document, in this process: what the document allows to be asked is answered as
the document says.

For each operation requests are made from its schema, some as it describes them and some not (seeded, so that a failure
comes again), with ids of things that are there and of things that are not. No answer is a server error; status, media
type and body are those of the document; every refusal is problem details with a stable code. Each request is rolled
back. Without a network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from django.core.cache import cache as django_cache
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.access import rules
from tests.access.world import World, rolled_back

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("access")]

BASE_URL = "http://testserver"
EXAMPLES = 6
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CODE = re.compile(r"[a-z][a-z0-9_]*")
# Who calls the operations of each tag: those for whom they are, and somebody for whom they are not.
CALLERS = {
    "auth": (rules.OWNER, rules.STRANGER),
    "home": (rules.OWNER, rules.STRANGER),
    "enterprise": (rules.MEMBER, rules.OWNER),
    "market": (rules.HUB, rules.ORGANISATION, rules.STRANGER),
}
STRANGER_EXAMPLES = 1


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document as anybody gets it."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    return dict(json.loads(OpenApiJsonRenderer().render(made, renderer_context={})))


@cache
def loaded(mode: GenerationMode) -> Any:
    config = schemathesis.Config.from_dict({"generation": {"mode": mode.value}})
    return schemathesis.openapi.from_dict(document(), config=config)


def operations(tag: str, mode: GenerationMode) -> Iterator[Any]:
    for found in loaded(mode).get_all_operations():
        assert isinstance(found, Ok), found
        if tag in found.ok().definition.raw["tags"]:
            yield found.ok()


def test_every_operation_has_a_tag_that_somebody_calls() -> None:
    tags = [
        operation["tags"]
        for path in document()["paths"].values()
        for method, operation in path.items()
        if method in ("get", "put", "post", "patch", "delete")
    ]
    assert len(tags) > 100 and all(len(found) == 1 and found[0] in CALLERS for found in tags)


def test_every_operation_says_what_a_refusal_looks_like() -> None:
    for path in document()["paths"].values():
        for operation in path.values():
            assert "application/problem+json" in operation["responses"]["4XX"]["content"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("tag", CALLERS)
def test_the_api_answers_as_its_document_says(world: World, tag: str, mode: GenerationMode) -> None:
    faults = [fault for operation in operations(tag, mode) if (fault := fault_of(world, operation, CALLERS[tag]))]
    assert not faults, "\n\n".join(faults)


def fault_of(world: World, operation: Any, roles: tuple[str, ...]) -> str:
    """What is wrong with the operation's answers, or an empty text."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), role=st.sampled_from(roles), named=st.booleans())
    def ask(case: Any, role: str, named: bool) -> None:
        if named:
            name_what_is_there(case, world.names)
        answered(world, case, role)

    try:
        ask()
    except FailureGroup as group:
        return f"{operation.label}: {group}"
    except AssertionError as wrong:
        return f"{operation.label}: {wrong}"
    return ""


def name_what_is_there(case: Any, names: dict[str, str]) -> None:
    """Put the ids of the world's things into the path, where it has such things."""
    for parameter in case.path_parameters or {}:
        name = parameter.removesuffix("_id")
        if name in names:
            case.path_parameters[parameter] = names[name]


def answered(world: World, case: Any, role: str) -> None:
    """Call, roll back, and hold the answer against the document."""
    django_cache.clear()  # throttles count there
    sent = requests.Request(**case.as_transport_kwargs(base_url=BASE_URL)).prepare()
    headers = {name: value for name, value in sent.headers.items() if name.lower() not in ("authorization", "cookie")}
    body = sent.body or b""
    with rolled_back():
        answer = world.client(role, api=True).generic(
            sent.method,
            str(sent.url).removeprefix(BASE_URL),
            body.encode() if isinstance(body, str) else body,
            headers.pop("Content-Type", "application/json"),
            headers=headers,
        )
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    case.validate_response(
        schemathesis.Response(
            status_code=answer.status_code,
            headers={name: [value] for name, value in answer.headers.items()},
            content=content,
            request=sent,
            elapsed=0.0,
            verify=False,
        ),
        checks=CHECKS,
    )
    if answer.status_code >= 400:
        refusal = json.loads(content) if content else {}
        assert refusal.get("status") == answer.status_code and CODE.fullmatch(str(refusal.get("code"))), content[:300]
