"""Pages that everybody has: who may see which, and what they do."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from marketplace.accounts import services
from marketplace.accounts.models import ApiToken, Kind, User
from tests import factories

pytestmark = pytest.mark.django_db

ROLES = ("owner", "member", "operator", "stranger")
LOGIN = 302
# Address: what each role gets. 302 for a stranger is the way to the log-in.
PAGES = {
    "/": dict.fromkeys(ROLES, 200),
    "/accounts/login/": {"owner": 302, "member": 302, "operator": 302, "stranger": 200},
    "/accounts/signup/": dict.fromkeys(ROLES, 200),
    "/accounts/signup/home/": {"owner": 302, "member": 302, "operator": 302, "stranger": 200},
    "/accounts/signup/enterprise/": {"owner": 302, "member": 302, "operator": 302, "stranger": 200},
    "/accounts/password/reset/": dict.fromkeys(ROLES, 200),
    "/start/": dict.fromkeys(ROLES, 302),
    "/accounts/profile/": {"owner": 200, "member": 200, "operator": 200, "stranger": LOGIN},
    "/accounts/tokens/": {"owner": 200, "member": 200, "operator": 200, "stranger": LOGIN},
    "/accounts/email/": {"owner": 200, "member": 200, "operator": 200, "stranger": LOGIN},
    "/accounts/2fa/": {"owner": 200, "member": 200, "operator": 200, "stranger": LOGIN},
    "/admin/": {"owner": 302, "member": 302, "operator": 200, "stranger": LOGIN},
    "/admin/login/": {"owner": 403, "member": 403, "operator": 302, "stranger": LOGIN},
    "/admin/accounts/user/": {"owner": 302, "member": 302, "operator": 200, "stranger": LOGIN},
    "/admin/django_celery_beat/periodictask/add/": {"owner": 302, "member": 302, "operator": 200, "stranger": LOGIN},
    "/api/docs/": dict.fromkeys(ROLES, 200),
    "/api/schema/": dict.fromkeys(ROLES, 200),
    "/metrics/": dict.fromkeys(ROLES, 200),
    "/no/such/page/": dict.fromkeys(ROLES, 404),
}


def logged_in(client: Client, user: User) -> Client:
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("path", PAGES)
def test_each_page_answers_each_role_as_the_table_says(client: Client, path: str):
    makers = {"owner": factories.owner, "member": factories.member, "operator": factories.operator}
    got = {}
    for role in ROLES:
        who = logged_in(Client(), makers[role]()) if role in makers else Client()
        got[role] = who.get(path).status_code
    assert got == PAGES[path]


@pytest.mark.parametrize(("way", "kind"), [("home", Kind.OWNER), ("enterprise", Kind.ENTERPRISE)])
def test_the_kind_comes_with_the_way_in_and_not_from_the_form(client: Client, way: str, kind: Kind):
    form = {"email": "new@example.org", "password1": "brass-kettle-92", "password2": "brass-kettle-92"}
    answer = client.post(f"/accounts/signup/{way}/", {**form, "kind": "operator", "is_staff": "on"})
    assert answer.status_code == 302
    user = User.objects.get(email="new@example.org")
    assert (user.kind, user.is_staff, user.is_superuser) == (kind, False, False)


def test_a_new_token_is_shown_once(client: Client, owner: User):
    page = logged_in(client, owner).post("/accounts/tokens/", {"label": "meter", "days": "30"})
    assert "usr_" in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    token = ApiToken.objects.get(user=owner)
    assert page.content.decode().count(token.hint) >= 1
    again = client.get("/accounts/tokens/").content.decode()
    assert "Your new token" not in again


def test_nobody_removes_another_users_token(client: Client, owner: User, other_owner: User):
    row, _ = services.api_token_create(user=owner, label="meter")
    logged_in(client, other_owner).post(f"/accounts/tokens/{row.pk}/remove/")
    assert ApiToken.objects.filter(pk=row.pk).exists()
    logged_in(client, owner).post(f"/accounts/tokens/{row.pk}/remove/")
    assert not ApiToken.objects.filter(pk=row.pk).exists()


def test_text_of_a_user_is_escaped_in_components(client: Client, owner: User):
    services.api_token_create(user=owner, label='<img src=x onerror="alert(1)">')
    page = logged_in(client, owner).get("/accounts/tokens/").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=&quot;" in page


def test_the_time_zone_of_the_account_reaches_the_page(client: Client, owner: User):
    logged_in(client, owner).post("/accounts/profile/", {"time_zone": "Europe/Berlin"})
    assert 'data-time-zone="Europe/Berlin"' in client.get("/accounts/profile/").content.decode()


def test_log_in_by_page_ends_at_the_first_page(client: Client, owner: User):
    form = {"login": owner.email, "password": factories.PASSWORD}
    assert client.post("/accounts/login/", form)["Location"] == "/start/"


def test_too_many_wrong_passwords_lock_the_door_for_a_while(client: Client, owner: User, settings: Any):
    settings.AXES_ENABLED = True
    form = {"login": owner.email, "password": "wrong-kettle-92"}
    answers = [client.post("/accounts/login/", form).status_code for _ in range(settings.AXES_FAILURE_LIMIT)]
    assert answers[-1] == 429
    right = client.post("/accounts/login/", {"login": owner.email, "password": factories.PASSWORD})
    assert right.status_code == 429
    assert "Too many wrong passwords" in right.content.decode()


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/accounts/signup/home/", "/api/docs/"])
def test_pages_allow_no_inline_script_and_no_evaluation(client: Client, path: str):
    policy = client.get(path)["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_only_the_console_may_evaluate(client: Client, operator: User):
    assert "'unsafe-eval'" in logged_in(client, operator).get("/admin/")["Content-Security-Policy"]


def test_an_operator_is_not_let_into_homes_or_enterprises(operator: User):
    from marketplace.accounts.permissions import has_kind

    assert has_kind(operator, Kind.OPERATOR)
    assert not has_kind(operator, Kind.OWNER)
    assert not has_kind(operator, Kind.ENTERPRISE)


def test_kind_operator_without_staff_is_no_operator():
    user = factories.operator()
    user.is_staff = False
    assert not user.is_operator
