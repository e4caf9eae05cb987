"""What the tests of the enterprise's pages share."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from marketplace.accounts.models import User
from marketplace.common.errors import Unavailable
from tests.enterprises.conftest import Buyer

HTMX = {"HX-Request": "true"}
CATALOG, BASKET, CONFIRM = "/enterprise/catalog/", "/enterprise/basket/", "/enterprise/basket/confirm/"
CALLS = ("balance", "history_newest", "lots", "lots_named", "facets", "lot", "preview", "licence", "proof")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def text(answer: Any) -> str:
    body: bytes = answer.content
    return body.decode()


def agreed(buyer: Buyer, **changes: str) -> dict[str, str]:
    """The form as the basket page fills it in."""
    lines = list(buyer.enterprise.basket.all())
    form = {
        "total": str(sum(line.price for line in lines)),
        "licences": " ".join(sorted({line.licence for line in lines})),
        "accept": "on",
    }
    return {**form, **changes}


def away(buyer: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The market does not answer this enterprise any more."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise Unavailable

    for name in CALLS:
        monkeypatch.setattr(buyer.market, name, fail)
