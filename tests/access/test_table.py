"""Every REST endpoint and every page, called by every role, as the one table says."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from enterprises.partners.models import Organisation
from marketplace.accounts.models import ApiToken
from tests.access import rules
from tests.access.routes import console_routes, http_routes, route_of
from tests.access.rules import Door
from tests.access.table_accounts import ACCOUNTS
from tests.access.table_enterprise import ENTERPRISE_API, ENTERPRISE_PAGES
from tests.access.table_home import HOME_API, HOME_PAGES
from tests.access.table_market import MARKET
from tests.access.table_others import CONSOLE_MODELS, LOGGED_IN, OPEN
from tests.access.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("access"), pytest.mark.usefixtures("world")]

TABLE = [*ACCOUNTS, *MARKET, *HOME_API, *HOME_PAGES, *ENTERPRISE_API, *ENTERPRISE_PAGES]
BOARD = ("/api/v1/market/training/", "/api/v1/market/mailbox/", "/api/v1/market/models/")
METHODS = ("get", "post", "put", "patch", "delete")
NAMES = {"key": "x", "uidb36": "1", "pk": "1", "object_id": "1", "content_type_id": "1", "app_label": "accounts"}


def told(answer: Any) -> str:
    """Everything that the caller was sent."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode("utf-8", "replace")


def outcome(answer: Any, wanted: rules.Answer) -> rules.Answer:
    """The status, or where the caller was sent if the table names that."""
    if isinstance(wanted, str) and answer.status_code == 302:
        location = answer["Location"]
        return wanted if location.startswith(wanted) else location
    return int(answer.status_code)


@pytest.mark.parametrize("door", TABLE, ids=lambda door: door.name)
def test_every_role_is_answered_as_the_table_says(door: Door, world: World) -> None:
    wrong = []
    for role in rules.ROLES:
        answer = world.call(role, door)
        said = told(answer)
        if (got := outcome(answer, door.answers[role])) != door.answers[role]:
            wrong.append(f"{role}: {got}, not {door.answers[role]}: {said[:300]}")
        for bearer, marks in world.marks.items():
            if role != bearer and not _may_know(role, bearer, door):
                wrong += [f"{role} was sent {mark} of the {bearer}" for mark in marks if mark in said]
        if answer.status_code >= 400 and door.path.startswith("/api/") and not answer.json().get("code"):
            wrong.append(f"{role}: a refusal without a code")
    assert not wrong, "\n".join(wrong)


def _may_know(role: str, bearer: str, door: Door) -> bool:
    """Organisations are known to operators, and a wallet's address to the public, since the ledger is.

    Hubs are told who looks for homes, who writes to them, and who offers a model.
    """
    if bearer != rules.MEMBER:
        return False
    if role == rules.HUB and door.path.startswith(BOARD):
        return True
    return role in (rules.OPERATOR, rules.ORGANISATION) or door.path.startswith("/api/v1/market/ledger/")


def test_no_address_is_missing_in_the_table(world: World) -> None:
    listed = {route_of(door.path, world.names) for door in TABLE} | set(OPEN) | set(LOGGED_IN)
    assert http_routes() - console_routes() - listed == set()
    assert (set(OPEN) | set(LOGGED_IN)) - http_routes() == set(), "no longer there"


def test_a_method_that_the_table_does_not_list_is_refused(world: World) -> None:
    listed = {(route_of(door.path, world.names), door.method) for door in TABLE}
    wrong = []
    for path in {door.path for door in TABLE if not door.path.startswith("/accounts/")}:
        market = "/objects/" in path or path.startswith(BOARD)
        role = rules.MEMBER if "/enterprise/" in path else rules.HUB if market else rules.OWNER
        if path.endswith(("/accredit", "/suspend", "/credits")) or path.endswith("/market/organisations"):
            role = rules.OPERATOR
        if path.endswith("/organisations/me"):
            role = rules.ORGANISATION
        for method in METHODS:
            if (route_of(path, world.names), method) in listed:
                continue
            status = world.call(role, Door(method, path, {})).status_code
            if status not in (405, 401, 403):
                wrong.append(f"{method} {path}: {status}")
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.parametrize("door", [door for door in TABLE if door.method == "post" and "/api/" not in door.path],
                         ids=lambda door: door.name)  # fmt: skip
def test_a_form_without_its_token_is_refused(door: Door, world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.users[rules.MEMBER if "/enterprise/" in door.path else rules.OWNER])
    assert client.post(door.path.format(**world.names), door.body).status_code == 403


def test_a_session_writes_to_the_api_only_with_the_token_of_a_form(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.users[rules.OWNER])
    assert client.get("/api/v1/home/").status_code == 200
    refused = client.post("/api/v1/home/pairing-codes", {}, content_type="application/json")
    assert refused.status_code == 403


def test_nobody_removes_another_users_token(world: World) -> None:
    (door,) = (door for door in TABLE if "{token}" in door.path)
    for role in (*rules.USERS, rules.STRANGER):
        if role != rules.OWNER:
            world.call(role, door)
            assert ApiToken.objects.filter(pk=world.names["token"]).exists(), role
    world.call(rules.OWNER, door)
    assert not ApiToken.objects.filter(pk=world.names["token"]).exists()


@pytest.mark.parametrize("route", OPEN)
def test_pages_that_are_open_ask_nobody_to_log_in(route: str, world: World) -> None:
    for role in (rules.STRANGER, rules.OWNER):
        answer = world.client(role, api=False).get(route.format(**NAMES))
        assert answer.status_code < 500 or route == "/health/"
        if route not in ("/accounts/2fa/authenticate/", "/accounts/login/code/confirm/"):
            assert not answer.get("Location", "").startswith(rules.LOGIN)


@pytest.mark.parametrize("route", LOGGED_IN)
def test_pages_of_the_account_send_strangers_to_the_log_in(route: str, world: World) -> None:
    path = route.format(**NAMES)
    for method in ("get", "post"):
        answer = getattr(world.client(rules.STRANGER, api=False), method)(path)
        assert (answer.status_code, answer["Location"][: len(rules.LOGIN)]) == (302, rules.LOGIN)
    assert world.client(rules.OWNER, api=False).get(path).status_code < 500


def test_the_console_is_for_operators_alone(world: World) -> None:
    clients = {role: world.client(role, api=False) for role in (rules.STRANGER, rules.OWNER, rules.MEMBER)}
    operator, wrong = world.client(rules.OPERATOR, api=False), []
    for route in console_routes():
        if "{url}" in route or route in ("/admin/login/", "/admin/logout/", "/admin/jsi18n/"):
            continue
        path = route.format(**NAMES)
        for role, client in clients.items():
            if (status := client.get(path).status_code) not in (302, 403):
                wrong.append(f"{path} as {role}: {status}")
        is_list = route.count("/") == "/admin/app/model/".count("/") and "{" not in route
        if is_list and (status := operator.get(path).status_code) >= 400:
            wrong.append(f"{path} as operator: {status}")
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.parametrize("role", [role for role in rules.ROLES if role != rules.OPERATOR])
def test_an_operators_act_is_no_one_elses(role: str, world: World) -> None:
    organisation = Organisation.objects.get(public_id=world.names["organisation"])
    path, act = "/admin/enterprises/organisation/", {"action": "suspend", "_selected_action": [organisation.pk]}
    assert world.client(role, api=False).post(path, act).status_code in (302, 403)
    organisation.refresh_from_db()
    assert organisation.status == Organisation.Status.ACCREDITED


def test_the_console_shows_no_model_that_the_table_does_not_name() -> None:
    assert {model._meta.label_lower for model in admin.site._registry} == CONSOLE_MODELS
