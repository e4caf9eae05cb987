"""Who may call what: one table of endpoint by role, for the market's REST API and the enterprise's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework.test import APIClient

from enterprises.api_urls import urlpatterns as enterprise_urls
from enterprises.market_urls import urlpatterns as market_urls
from enterprises.partners.models import Organisation
from marketplace.accounts.models import User
from marketplace.accounts.services import api_token_create
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot
from tests.factories import member as member_new

pytestmark = pytest.mark.django_db

ROLES = ("stranger", "owner", "operator", "member", "other_member", "outsider", "hub", "organisation")
M, E = "/api/v1/market/", "/api/v1/enterprise/"
ANY = dict.fromkeys(ROLES, 200)


def only(allowed: dict[str, int], *, refused: int = 403) -> dict[str, int]:
    """Strangers get 401, all others but those named ``refused``."""
    return {**dict.fromkeys(ROLES, refused), "stranger": 401, **allowed}


def members(own: int = 200, other: int = 200) -> dict[str, int]:
    """Market tokens are unknown to the enterprise's API, so their bearers are strangers there."""
    return only({"member": own, "other_member": other, "hub": 401, "organisation": 401})


def market_tokens(allowed: dict[str, int]) -> dict[str, int]:
    """Users' tokens are unknown to these endpoints, so users are strangers there."""
    return {**dict.fromkeys(ROLES, 401), "hub": 403, "organisation": 403, **allowed}


def operators(status: int = 200) -> dict[str, int]:
    return only({"operator": status, "hub": 401, "organisation": 401})


# name of the route, method, path, body, status by role
TABLE: list[tuple[str, str, str, Any, dict[str, int]]] = [
    ("market-challenges", "post", M + "challenges", {"public_key": "{key}"}, ANY),
    ("market-hubs", "post", M + "hubs", {}, dict.fromkeys(ROLES, 400)),
    ("market-organisations", "post", M + "organisations", {}, dict.fromkeys(ROLES, 400)),
    ("market-organisations", "get", M + "organisations", None, operators()),
    ("market-organisation-me", "get", M + "organisations/me", None, market_tokens({"organisation": 200})),
    ("market-accredit", "post", M + "organisations/{org}/accredit", {}, operators(400)),
    ("market-suspend", "post", M + "organisations/{nobody}/suspend", {}, operators(404)),
    ("market-credits", "post", M + "organisations/{org}/credits", {"amount": 1}, operators(400)),
    ("market-cells", "get", M + "cells", None, ANY),
    ("market-cells", "post", M + "cells", {"cell": "g10:1:1"}, market_tokens({"hub": 204})),
    ("market-object", "get", M + "objects/{object}", None, market_tokens({"hub": 200, "organisation": 200})),
    ("market-object", "head", M + "objects/{object}", None, market_tokens({"hub": 204, "organisation": 204})),
    ("market-object", "put", M + "objects/{object}", b"", market_tokens({"hub": 400, "organisation": 400})),
    ("market-object", "delete", M + "objects/{none}", None, market_tokens({"hub": 204, "organisation": 204})),
    ("market-lots", "get", M + "lots", None, ANY),
    ("market-lot", "get", M + "lots/{lot}", None, ANY),
    ("market-preview", "get", M + "lots/{lot}/preview", None, ANY),
    ("market-facets", "get", M + "facets", None, ANY),
    ("market-licence", "get", M + "licences/{licence}", None, ANY),
    ("market-pseudonyms", "post", M + "training/pseudonyms", {}, market_tokens({"hub": 400, "organisation": 400})),
    ("market-pseudonym", "delete", M + "training/pseudonyms/{nobody}", None,
     market_tokens({"hub": 204, "organisation": 204})),
    ("market-notices", "get", M + "training/notices", None, market_tokens({"hub": 200, "organisation": 200})),
    ("market-notices", "post", M + "training/notices", {}, market_tokens({"organisation": 400})),
    ("market-notice", "get", M + "training/notices/{none}", None, market_tokens({"hub": 404, "organisation": 404})),
    ("market-notice-close", "post", M + "training/notices/{none}/close", {}, market_tokens({"organisation": 404})),
    ("market-answers", "get", M + "training/notices/{none}/answers", None, market_tokens({"organisation": 404})),
    ("market-answers", "post", M + "training/notices/{none}/answers", {}, market_tokens({"hub": 400})),
    ("market-answers", "delete", M + "training/notices/{none}/answers", None, market_tokens({"hub": 404})),
    ("market-mailbox", "get", M + "mailbox/{none}", None, market_tokens({"hub": 400, "organisation": 400})),
    ("market-mail", "get", M + "mailbox/{none}/{none}/1", None, market_tokens({"hub": 400, "organisation": 400})),
    ("market-mail", "delete", M + "mailbox/{none}/{none}/1", None, market_tokens({"hub": 400, "organisation": 400})),
    ("market-model-offers", "get", M + "models/{none}/offers", None, market_tokens({"hub": 404, "organisation": 404})),
    ("market-model-offers", "put", M + "models/{none}/offers", {}, market_tokens({"organisation": 400})),
    ("enterprise-own", "get", E, None, members()),
    ("enterprise-members", "get", E + "members", None, members()),
    ("enterprise-members", "post", E + "members", {"email": "nobody@example.org"}, members(404, 404)),
    ("enterprise-member", "patch", E + "members/{member}", {"role": "admin"}, members(200, 404)),
    ("enterprise-member", "delete", E + "members/{member}", None, members(409, 404)),
    ("enterprise-wallet", "get", E + "wallet", None, members()),
    ("enterprise-catalog-lots", "get", E + "catalog/lots", None, members()),
    ("enterprise-catalog-facets", "get", E + "catalog/facets", None, members()),
    ("enterprise-catalog-lot", "get", E + "catalog/lots/{lot}", None, members()),
    ("enterprise-basket", "get", E + "basket", None, members()),
    ("enterprise-basket", "post", E + "basket", {"lot_id": "{lot}"}, members()),
    ("enterprise-basket-item", "delete", E + "basket/{lot}", None, members(204, 204)),
    ("enterprise-basket", "delete", E + "basket", None, members(204, 204)),
    ("enterprise-orders", "get", E + "orders", None, members()),
    ("enterprise-orders", "post", E + "orders", {"total": 1, "licences": []}, members(409, 409)),
    ("enterprise-order", "get", E + "orders/{order}", None, members(200, 404)),
    ("enterprise-purchase", "get", E + "purchases/{purchase}", None, members(200, 404)),
    ("enterprise-data", "get", E + "purchases/{purchase}/data", None, members(200, 404)),
    ("enterprise-trainings", "get", E + "training", None, members()),
    ("enterprise-training-templates", "get", E + "training/templates", None, members()),
    ("enterprise-training", "get", E + "training/{nobody}", None, members(404, 404)),
    ("enterprise-training-estimate", "get", E + "training/{nobody}/estimate", None, members(404, 404)),
    ("enterprise-training-notice", "post", E + "training/{nobody}/notice", {}, members(404, 404)),
    ("enterprise-training-answers", "get", E + "training/{nobody}/answers", None, members(404, 404)),
    ("enterprise-training-dry-run", "get", E + "training/{nobody}/dry-run", None, members(404, 404)),
    ("enterprise-training-confirm", "post", E + "training/{nobody}/confirm", {"total": 1}, members(404, 404)),
    ("enterprise-training-cancel", "post", E + "training/{nobody}/cancel", {}, members(404, 404)),
    ("enterprise-offer-sheets", "get", E + "offers", None, members()),
    ("enterprise-offer-sheet", "get", E + "offers/{none}", None, members(404, 404)),
    ("enterprise-offer-sheet", "patch", E + "offers/{none}", {"rule": "automatic"}, members(404, 404)),
    ("enterprise-offer-sheet", "post", E + "offers/{none}", {}, members(404, 404)),
    ("enterprise-offer", "delete", E + "offers/{none}/{nobody}", None, members(404, 404)),
    ("enterprise-service-orders", "get", E + "offers/orders", None, members()),
    ("enterprise-service-order", "get", E + "offers/orders/{nobody}", None, members(404, 404)),
    ("enterprise-service-confirm", "post", E + "offers/orders/{nobody}/confirm", {}, members(404, 404)),
    ("enterprise-service-decline", "post", E + "offers/orders/{nobody}/decline", {}, members(404, 404)),
    ("enterprise-service-complete", "post", E + "offers/orders/{nobody}/complete", {}, members(404, 404)),
    # The last one, because after it the outsider is no outsider any more.
    ("enterprise-own", "post", E, {"name": "Again", "contact": "a@example.org"},
     {**members(409, 409), "outsider": 201}),
]  # fmt: skip


@dataclass
class Cast:
    """One client for each role, and what the paths of the table name."""

    clients: dict[str, APIClient]
    names: dict[str, str]

    def call(self, role: str, method: str, path: str, body: Any) -> Any:
        client = self.clients[role]
        url = path.format(**self.names)
        if isinstance(body, bytes):
            return client.generic(method.upper(), url, body, content_type="application/octet-stream")
        if body is None:
            return getattr(client, method)(url)
        filled = {key: value.format(**self.names) if isinstance(value, str) else value for key, value in body.items()}
        return getattr(client, method)(url, filled, format="json")


def by_token(user: User) -> APIClient:
    _, token = api_token_create(user=user, label="test")
    return APIClient(headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def cast(buyer: Buyer, home: Home, lot: Lot, owner: User, operator: User, other_member: User) -> Cast:
    Buyer(other_member, buyer.ledger, name="Other Ltd")
    (purchase,) = buyer.order(lot)
    buyer.rounds()
    home.deliver(lot)
    buyer.rounds()
    clients = {
        "stranger": APIClient(),
        "owner": by_token(owner),
        "operator": by_token(operator),
        "member": by_token(buyer.user),
        "other_member": by_token(other_member),
        "outsider": by_token(member_new()),
        "hub": home.api,
        "organisation": buyer.market.api,
    }
    names = {
        "key": home.key.public_key.hex(),
        "org": str(Organisation.objects.get(address=buyer.wallet.address).public_id),
        "nobody": str(uuid.uuid4()),
        "none": "99" * 32,
        "object": lot.secrets.object_id.hex(),
        "lot": lot.id,
        "licence": lot.digest.licence.hex(),
        "member": str(buyer.user.pk),
        "order": str(purchase.order.public_id),
        "purchase": str(purchase.public_id),
    }
    return Cast(clients, names)


def test_every_endpoint_answers_every_role_as_the_table_says(cast: Cast) -> None:
    wrong = []
    for name, method, path, body, expected in TABLE:
        for role in ROLES:
            answer = cast.call(role, method, path, body)
            if answer.status_code != expected[role]:
                wrong.append(f"{method} {name} as {role}: {answer.status_code}, not {expected[role]}")
    assert not wrong, "\n".join(wrong)


def test_the_table_has_every_endpoint() -> None:
    listed = {name for name, *_ in TABLE}
    assert {url.name for url in [*market_urls, *enterprise_urls]} == listed
    assert get_resolver().reverse_dict.getlist("market-lots")


def test_every_refusal_is_a_problem_with_a_code(cast: Cast) -> None:
    for role, path in (("stranger", E), ("owner", E), ("other_member", E + "orders/{order}")):
        answer = cast.call(role, "get", path, None)
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["code"]


def test_a_buyer_who_is_no_administrator_changes_no_members(cast: Cast, buyer: Buyer) -> None:
    colleague = member_new()
    added = cast.call("member", "post", E + "members", {"email": colleague.email, "role": "buyer"})
    assert added.status_code == 201
    api = by_token(colleague)
    assert api.get(E + "orders").json()["count"] == 1
    refused = api.post(E + "members", {"email": colleague.email}, format="json")
    assert refused.json()["code"] == "not_enterprise_admin" or refused.status_code == 409
    assert api.delete(f"{E}members/{buyer.user.pk}").json()["code"] == "not_enterprise_admin"
