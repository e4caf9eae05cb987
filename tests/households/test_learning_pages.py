"""The consent centre: what it shows, who may change it, and that it works without scripts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from chain.wallets.address import address_text
from households.learning.account import epsilon_reserve, epsilon_spend
from households.learning.consent import consent_decide
from households.learning.rules import learning_settings_set, rule_revoke
from households.learning.selectors import account_of, epsilon_text, history, rule_views
from households.learning.words import TASKS, WHY_NOT, line_of
from households.models import ConsentRule, Household, SharingRule
from marketplace.accounts.models import User
from tests import factories
from tests.households.learning import ENTERPRISE, JOB, consent, home_for_training, question
from tests.households.market import MemoryMarket
from tests.households.world import home_new

pytestmark = pytest.mark.django_db(databases="__all__")
HTMX = {"HX-Request": "true"}
API = "/api/v1/home/learning"
GIVE = {"classes": ["climate"], "limit": "1.25", "days": "30", "read": "on", "text": "training-1"}


@dataclass
class Owned:
    """A home and its owner's browser."""

    owner: User
    home: Household
    client: Client

    def page(self, **query: object) -> str:
        answer = self.client.get(reverse("households:learning"), query)
        assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
        return answer.content.decode()

    def post(self, name: str, data: dict[str, object], *args: object) -> tuple[int, str]:
        answer = self.client.post(reverse(f"households:{name}", args=args), data, follow=True)
        return answer.status_code, answer.content.decode()


@pytest.fixture
def owned(market: MemoryMarket, owner: User) -> Owned:
    client = Client()
    client.force_login(owner)
    return Owned(owner, home_new(owner.pk), client)


def spend(home: Household, rule: ConsentRule, number: int, micro: int) -> None:
    epsilon_reserve(
        household=home, rule=rule, job=JOB, round=number, classes=["climate"], micro_epsilon=micro, delta_pico=10
    )
    epsilon_spend(household=home, job=JOB, round=number)


def test_an_empty_home_is_told_that_nothing_is_learnt_and_what_learning_means(owned: Owned) -> None:
    body = owned.page()
    for said in ("Nothing is learnt in your home", "Nobody has asked yet", "No round has cost anything", "Masked",
                 "What learning at home means", "which of its lots offered for learning belong together"):  # fmt: skip
        assert said in body, said
    assert 'id="epsilon"' not in body, "no chart without figures"


def test_consent_is_given_and_revoked_by_plain_forms(owned: Owned) -> None:
    status, body = owned.post("learning_give", {**GIVE, "task": "comfort"})
    rule = ConsentRule.objects.using("home").get()
    assert status == 200 and "Consent given" in body and "used 0 of 1.25" in body and "In force" in body
    assert (rule.task, rule.classes, rule.limit_micro, rule.text) == ("comfort", ["climate"], 1_250_000, "training-1")
    assert 29 <= (rule.expires_at - timezone.now()).days <= 30
    question = owned.client.get(reverse("households:learning_revoke", args=[rule.pk])).content.decode()
    assert "Revoke this consent?" in question and "also in the middle of a job" in question
    assert ConsentRule.objects.using("home").get().state == "active"
    status, body = owned.post("learning_revoke", {}, rule.pk)
    assert status == 200 and "Rules that are over" in body and "You revoked a consent" in body
    assert ConsentRule.objects.using("home").get().state == "revoked"
    assert "has been revoked already" in owned.post("learning_revoke", {}, rule.pk)[1]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"classes": []}, "Choose at least one kind of device"),
        ({"read": ""}, "Read both first"),
        ({"text": "training-0"}, "not the present text"),
        ({"limit": "0"}, "greater than or equal to 0.01"),
        ({"days": "9999"}, "less than or equal to 3650"),
        ({"who": "other", "address": "nonsense"}, "This is not a Hearth address"),
        ({"who": "nobody"}, "Select a valid choice"),
        ({"task": "names-of-people"}, "Select a valid choice"),
    ],
)
def test_a_rule_that_can_not_be_given_is_explained_beside_its_field(
    owned: Owned, changes: dict[str, object], said: str
) -> None:
    status, body = owned.post("learning_give", {**GIVE, **changes})
    assert status == 422 and said in body
    assert not ConsentRule.objects.using("home").exists()


def test_a_rule_may_be_for_one_enterprise_by_address_or_by_a_link_from_the_history(owned: Owned) -> None:
    consent_decide(household=owned.home, question=question())
    address = address_text(ENTERPRISE)
    body = owned.page()
    assert "Acme Analytics asked to learn" in body and "because no rule of yours covers this purpose" in body
    assert f"?task=comfort&amp;enterprise={address}" in body
    form = owned.client.get(reverse("households:learning_give"), {"task": "comfort", "enterprise": address})
    assert f'value="{address}" selected' in form.content.decode()
    owned.post("learning_give", {**GIVE, "who": address, "task": "comfort"})
    owned.post("learning_give", {**GIVE, "who": "other", "address": address, "name": "By hand"})
    rules = ConsentRule.objects.using("home").order_by("given_at")
    assert [(bytes(rule.enterprise), rule.enterprise_name) for rule in rules] == [
        (ENTERPRISE, "Acme Analytics"), (ENTERPRISE, "By hand"),
    ]  # fmt: skip


def test_the_account_shows_what_was_used_and_what_is_set_aside(owned: Owned) -> None:
    learning_settings_set(household=owned.home, limit_micro=4_000_000)
    rule = consent(owned.home)
    spend(owned.home, rule, 0, 1_200_000)
    epsilon_reserve(
        household=owned.home, rule=rule, job=JOB, round=1, classes=["climate"], micro_epsilon=100_000, delta_pico=1
    )
    body = owned.page()
    assert "<strong>1.3</strong>" in body and "of 4</span>" in body and "Used in the last 12 months" in body
    assert "2.7 left" in body and "0.1 of it set aside" in body and "used 1.3 of 2" in body
    for days in (30, 91, 182, 365):
        learning_settings_set(household=owned.home, period_days=days)
        account = account_of(owned.home, timezone.now())
        assert sum(bar.micro for bar in account.bars) == account.used == 1_300_000, days


def test_the_limit_and_the_switch_are_set_on_the_page(owned: Owned) -> None:
    status, body = owned.post("learning_limit", {"limit": "2.5", "period": "91"})
    assert status == 200 and "of 2.5</span>" in body and "last 3 months" in body
    status, body = owned.post("learning_limit", {"limit": "2.5", "period": "17"})
    assert status == 422 and "Select a valid choice" in body
    status, body = owned.post("learning_switch", {"on": "0"})
    assert "Learning is off" in body and "Switch learning on" in body
    assert consent_decide(household=owned.home, question=question()).code == "learning_off"
    status, body = owned.post("learning_switch", {"on": "1"})
    assert "Switch learning off" in body and consent_decide(household=owned.home, question=question()).code == "no_rule"


def test_the_history_is_in_pages_and_can_be_narrowed(owned: Owned) -> None:
    rule = consent(owned.home)
    for number in range(12):
        consent_decide(household=owned.home, question=question(notice=bytes([number]) * 32))
    rule_revoke(household=owned.home, rule=rule)
    assert owned.page().count("asked to learn") == 9 and "Page 1 of 2" in owned.page()
    assert owned.page(page=2).count("asked to learn") == 3
    assert "asked to learn" not in owned.page(show="own") and "You revoked a consent" in owned.page(show="own")
    assert owned.page(show="refused").count("asked to learn") == 10
    assert "You gave consent" not in owned.page(show="asked")
    assert "Page 1 of 2" in owned.page(show="nonsense", page="nonsense")


@pytest.mark.parametrize("part", ["rules", "account", "history"])
def test_every_part_comes_alone_for_htmx(owned: Owned, part: str) -> None:
    answer = owned.client.get(reverse("households:learning"), {"part": part}, headers=HTMX)
    body = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in body and f'id="{part}"' in body and "hx-get" in body


def test_another_owner_sees_and_changes_only_the_own_home(owned: Owned) -> None:
    rule = consent(owned.home, enterprise=ENTERPRISE, enterprise_name="Acme Analytics")
    other = factories.owner()
    home_new(other.pk)
    client = Client()
    client.force_login(other)
    assert "Acme" not in client.get(reverse("households:learning")).content.decode()
    assert client.post(reverse("households:learning_revoke", args=[rule.pk])).status_code == 404
    assert client.delete(f"{API}/rules/{rule.pk}", headers=factories.bearer(other)).status_code == 404
    assert ConsentRule.objects.using("home").get(pk=rule.pk).state == "active"


def test_a_name_that_an_enterprise_gave_itself_is_text_and_nothing_else(owned: Owned) -> None:
    consent_decide(household=owned.home, question=question(enterprise_name="<script>x</script>" * 20))
    assert "<script>x" not in owned.page() and "&lt;script&gt;x" in owned.page()
    assert "<script>x" not in owned.client.get(reverse("households:learning_give")).content.decode()


def test_a_class_is_offered_for_learning_by_its_sharing_rule(owned: Owned) -> None:
    fields = {"share": "on", "level": "fine", "price": 5, "expiry_days": 30}
    _, body = owned.post("rule", {**fields, "licence": "training"}, "climate")
    assert SharingRule.objects.using("home").get().licence == "training" and "is offered for learning" in body
    owned.post("rule", fields, "climate")
    assert SharingRule.objects.using("home").get().licence == "copy", "a form without a licence offers copies"
    wrong = owned.client.post(reverse("households:rule", args=["climate"]), {**fields, "licence": "everything"})
    assert wrong.status_code == 422
    body = {**fields, "share": True, "licence": "training"}
    said = owned.client.put(
        "/api/v1/home/rules/climate", body, content_type="application/json", headers=factories.bearer(owned.owner)
    )
    assert said.json()["licence"] == "training"


def test_the_api_gives_and_revokes_rules_and_says_what_was_used(owned: Owned) -> None:
    headers = factories.bearer(owned.owner)
    soon = (timezone.now() + timedelta(days=9)).isoformat()
    body = {"classes": ["climate"], "limit_micro": 500_000, "expires_at": soon, "text": "training-1",
            "enterprise": address_text(ENTERPRISE), "enterprise_name": "Acme"}  # fmt: skip
    call = {"content_type": "application/json", "headers": headers}
    made = owned.client.post(f"{API}/rules", body, **call)
    assert made.status_code == 201 and made.json()["enterprise"] == address_text(ENTERPRISE)
    rule = ConsentRule.objects.using("home").get()
    spend(owned.home, rule, 0, 500_000)
    (listed,) = owned.client.get(f"{API}/rules", headers=headers).json()["results"]
    assert (listed["used_micro"], listed["state"]) == (500_000, "used_up")
    (entry,) = owned.client.get(f"{API}/epsilon", headers=headers).json()["results"]
    assert (entry["job"], entry["round"], entry["micro_epsilon"], entry["state"]) == (JOB.hex(), 0, 500_000, "spent")
    assert owned.client.get(API, headers=headers).json()["used_micro"] == 500_000
    revoked = owned.client.delete(f"{API}/rules/{rule.pk}", **call)
    assert revoked.status_code == 200 and revoked.json()["state"] == "rule_revoked"
    again = owned.client.delete(f"{API}/rules/{rule.pk}", **call)
    assert again.status_code == 409 and again.json()["code"] == "consent_rule_over"
    kinds = [event["kind"] for event in owned.client.get(f"{API}/history", headers=headers).json()["results"]]
    assert kinds == ["revoked", "given"]
    wrong = owned.client.post(f"{API}/rules", {**body, "enterprise": "hearth1nonsense"}, **call)
    assert wrong.status_code == 400 and wrong.json()["code"] == "address_invalid"
    changed = owned.client.patch(API, {"enabled": False, "period_days": 30}, **call).json()
    assert (changed["enabled"], changed["period_days"]) == (False, 30)
    assert {task["name"] for task in owned.client.get(f"{API}/tasks", headers=headers).json()} == set(TASKS)


def test_the_states_of_rules_and_every_reason_have_words(market: MemoryMarket) -> None:
    home, _ = home_for_training()
    consent(home)
    late = consent(home)
    ConsentRule.objects.using("home").filter(pk=late.pk).update(expires_at=timezone.now())
    assert [view.state for view in rule_views(home, timezone.now())] == ["in_force", "expired"]
    consent_decide(household=home, question=question())
    event = history(home, "asked").get()
    for code in WHY_NOT:
        event.code = code
        assert line_of(event).note.endswith(WHY_NOT[code][0])
    assert [epsilon_text(micro) for micro in (0, 1, 1_234_567, 4_000_000, None)] == [
        "0", "0.01", "1.24", "4", "no bound",
    ]  # fmt: skip
