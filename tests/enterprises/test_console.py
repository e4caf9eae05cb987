"""The operator's console: its pages open for operators only, and its actions reach the ledger once."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from enterprises import admin as console
from enterprises.partners.models import CreditGrant, Organisation
from marketplace.accounts.models import User
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Lot, register
from tests.enterprises.ledger import SharedLedger, signer_of

pytestmark = pytest.mark.django_db
PAGES = ("organisation", "creditgrant", "hubaccount", "cataloglot", "storedobject", "cellhome")


@pytest.fixture
def desk(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


@pytest.mark.parametrize("name", PAGES)
def test_lists_open_for_operators_only(desk: Client, buyer: Buyer, lot: Lot, owner: User, name: str) -> None:
    url = reverse(f"admin:enterprises_{name}_changelist")
    assert desk.get(url).status_code == 200
    stranger = Client()
    assert stranger.get(url).status_code == 302
    stranger.force_login(owner)
    assert stranger.get(url).status_code in (302, 403)


def test_actions_accredit_top_up_and_suspend_on_the_ledger(
    desk: Client, ledger: SharedLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "operator_ledger", lambda: ledger)
    register("/api/v1/market/organisations", signer_of("acme"), name="Acme", contact="a@example.org")
    row = Organisation.objects.get()
    url = reverse("admin:enterprises_organisation_changelist")

    def act(name: str) -> None:
        answer = desk.post(url, {"action": name, "_selected_action": [row.pk], "csrfmiddlewaretoken": "form-1"})
        assert answer.status_code == 302
        row.refresh_from_db()

    act("accredit")
    assert row.status == Organisation.Status.ACCREDITED
    act("top_up_small")
    act("top_up_small")
    assert ledger.balance(signer_of("acme").address) == 1000, "a form sent twice grants once"
    assert CreditGrant.objects.count() == 1
    act("suspend")
    assert row.status == Organisation.Status.SUSPENDED
