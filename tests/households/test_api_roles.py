"""Every endpoint of the home's API with the owner, another owner, an enterprise, an operator and a stranger."""

from __future__ import annotations

import pytest
from django.test import Client

from households.models import Household
from marketplace.accounts.models import User
from tests.factories import bearer
from tests.households.market import MemoryMarket
from tests.households.world import devices_new, home_new

pytestmark = pytest.mark.django_db(databases="__all__")
ANY = "5d6cc8a4-3c1f-4f0e-9a55-0d6a7d2b9f11"
# (method, path, body, the owner's answer). Ids that begin with "own:" are replaced by those of the owner's home.
ENDPOINTS = [
    ("get", "", None, 200),
    ("patch", "", {"name": "Lake house"}, 200),
    ("get", "overview", None, 200),
    ("post", "words/confirm", {"words": {"1": "x", "2": "y", "3": "z"}, "passphrase": "copper-lantern"}, 400),
    ("post", "restore", {"words": "not words", "passphrase": "copper-lantern"}, 400),
    ("post", "recover", {"voters": [ANY], "passphrase": "copper-lantern"}, 404),
    ("get", "readings", None, 200),
    ("get", "consent", None, 200),
    ("post", "consent", {"text": "consent-1"}, 200),
    ("get", "activity", None, 200),
    ("get", "devices", None, 200),
    ("get", "devices/own:device", None, 200),
    ("patch", "devices/own:device", {"name": "Hall"}, 200),
    ("post", "devices/own:device/rotate", None, 201),
    ("put", "devices/own:device/permissions", {"permissions": ["vote", "read"]}, 202),
    ("post", "devices/own:device/readmit", None, 409),
    ("post", "devices/own:device/leave", None, 202),
    ("post", "devices/own:device/revoke", {"reason": "lost"}, 202),
    ("post", "devices/own:device/quarantine", {"reason": "odd"}, 202),
    ("get", "inbox", None, 200),
    ("post", f"inbox/{ANY}/accept", {}, 404),
    ("post", f"inbox/{ANY}/refuse", None, 404),
    ("post", "pairing-codes", {"uses": 2}, 201),
    ("get", "changes", None, 200),
    ("get", "refusals", None, 200),
    ("get", "proposals", None, 200),
    ("post", "proposals/void", None, 409),
    ("get", "rules", None, 200),
    ("put", "rules/climate", {"share": True, "level": "fine", "price": 5}, 200),
    ("get", "schedule", None, 200),
    ("put", "schedule", {"text": "every 15m"}, 200),
    ("get", "preview", None, 200),
    ("get", "batches", None, 200),
    ("post", "batches", {"until_ms": 1}, 409),
    ("get", f"batches/{ANY}", None, 404),
    ("get", "lots", None, 200),
    ("get", f"lots/{ANY}", None, 404),
    ("delete", f"lots/{ANY}", None, 404),
    ("get", "orders", None, 200),
    ("get", "wallet", None, 200),
    ("get", "sweeps", None, 200),
    ("post", "sweeps", {"understood": True}, 409),
]


@pytest.fixture
def home(owner: User, market: MemoryMarket) -> Household:
    return home_new(owner.pk)


@pytest.mark.parametrize(("method", "path", "body", "status"), ENDPOINTS)
def test_only_the_owner_of_the_home_is_let_in(
    method: str,
    path: str,
    body: object,
    status: int,
    home: Household,
    owner: User,
    other_owner: User,
    member: User,
    operator: User,
) -> None:
    if "own:device" in path:
        path = path.replace("own:device", str(devices_new(home, 1)[0].row.pk))
    answers = {
        name: _call(method, path, body, who)
        for name, who in (("stranger", None), ("member", member), ("operator", operator), ("other", other_owner))
    }
    assert answers["stranger"].status_code == 401
    assert answers["member"].status_code == answers["operator"].status_code == 403
    assert answers["other"].status_code in (404, 400), "an owner without a home has none"
    assert _call(method, path, body, owner).status_code == status


def test_another_owner_with_a_home_does_not_find_the_device(
    home: Household, other_owner: User, market: MemoryMarket
) -> None:
    home_new(other_owner.pk)
    device = devices_new(home, 1)[0].row
    for method, path in (("get", ""), ("post", "/leave"), ("post", "/rotate")):
        assert _call(method, f"devices/{device.pk}{path}", None, other_owner).status_code == 404


def test_setting_a_home_up_shows_the_words_once_and_confirms_them(owner: User, market: MemoryMarket) -> None:
    body = {"cell": "g50:1:2", "passphrase": "copper-lantern", "name": "Flat"}
    made = _call("post", "", body, owner)
    assert made.status_code == 201
    words = made.json()["words"].split()
    assert len(words) == 24 and made.json()["home"]["state"] == "new"
    assert "words" not in _call("get", "", None, owner).json()
    assert _call("post", "", body, owner).json()["code"] == "household_exists"
    picked = {str(place): words[place - 1] for place in (2, 11, 24)}
    wrong = {"words": {**picked, "2": "zoo"}, "passphrase": "copper-lantern"}
    assert _call("post", "words/confirm", wrong, owner).json()["code"] == "words_wrong"
    confirmed = _call("post", "words/confirm", {"words": picked, "passphrase": "copper-lantern"}, owner)
    assert confirmed.json()["state"] == "active"


def test_sharing_needs_the_owners_consent_first(home: Household, owner: User) -> None:
    rule = {"share": True, "level": "fine", "price": 5}
    assert _call("delete", "consent", None, owner).status_code == 204
    assert _call("put", "rules/climate", rule, owner).json()["code"] == "consent_missing"
    _call("post", "consent", {"text": "consent-1"}, owner)
    assert _call("put", "rules/climate", rule, owner).status_code == 200


def _call(method: str, path: str, body: object, who: User | None):
    client = Client(headers=bearer(who) if who else {})
    options = {"content_type": "application/json"} if method != "get" else {}
    data = {"data": body} if body is not None else {}
    return getattr(client, method)(f"/api/v1/home/{path}", **data, **options)
