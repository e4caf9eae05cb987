"""Log-in for programs: POST and DELETE /api/v1/auth/token, GET /api/v1/auth/me."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from marketplace.accounts import services
from marketplace.accounts.models import ApiToken, User
from tests import factories

pytestmark = pytest.mark.django_db
TOKEN = "/api/v1/auth/token"
ME = "/api/v1/auth/me"


def ask(client: Client, **fields: Any) -> Any:
    return client.post(TOKEN, fields, content_type="application/json")


def test_a_password_gives_a_token_that_logs_in(client: Client, owner: User):
    answer = ask(client, email=owner.email.upper(), password=factories.PASSWORD, days=1)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    me = client.get(ME, headers={"Authorization": f"Bearer {answer.json()['token']}"})
    assert me.json() == {"id": owner.pk, "email": owner.email, "kind": "owner", "time_zone": ""}


def test_only_the_tokens_hash_is_kept(owner: User):
    row, token = services.api_token_create(user=owner, label="test")
    kept = " ".join(str(value) for value in ApiToken.objects.filter(pk=row.pk).values().get().values())
    assert token[8:] not in kept
    assert row.digest == services.token_digest(token)


@pytest.mark.parametrize("email", ["{owner}", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: Client, owner: User, email: str):
    answer = ask(client, email=email.format(owner=owner.email), password="wrong-kettle-92")
    assert (answer.status_code, answer.json()["code"]) == (401, "login_refused")
    assert "wrong-kettle" not in answer.content.decode()


def test_a_locked_user_gets_no_token_and_old_ones_stop_working(client: Client, owner: User):
    headers = factories.bearer(owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert ask(client, email=owner.email, password=factories.PASSWORD).json()["code"] == "login_refused"
    assert client.get(ME, headers=headers).status_code == 401


def test_an_account_with_a_second_factor_gets_no_token_for_a_password_alone(client: Client, owner: User):
    Authenticator.objects.create(user=owner, type=Authenticator.Type.TOTP, data={"secret": "x"})
    answer = ask(client, email=owner.email, password=factories.PASSWORD)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_needed")


def test_a_removed_token_logs_in_no_more_and_others_stay(client: Client, owner: User):
    first, second = factories.bearer(owner), factories.bearer(owner)
    assert client.delete(TOKEN, headers=first).status_code == 204
    assert client.get(ME, headers=first).status_code == 401
    assert client.get(ME, headers=second).status_code == 200


def test_an_expired_token_is_refused(client: Client, owner: User):
    headers = factories.bearer(owner)
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = client.get(ME, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_without_a_login_the_answer_is_problem_details(client: Client):
    answer = client.get(ME)
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_session_can_not_remove_a_token_it_was_not_made_with(client: Client, owner: User):
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    assert client.delete(TOKEN).json()["code"] == "not_a_token_login"


def test_wrong_fields_are_named(client: Client):
    answer = ask(client, email="no address", password="x", days=9999)
    assert answer.status_code == 400
    assert answer.json()["code"] == "input_invalid"
    assert set(answer.json()["errors"]) == {"email", "days"}


def test_body_that_is_no_json_is_refused_with_a_code(client: Client):
    answer = client.post(TOKEN, "{", content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "input_invalid")


def test_guessing_passwords_is_slowed_down(client: Client, owner: User):
    answers = [ask(client, email=owner.email, password="wrong-kettle-92") for _ in range(25)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["code"] == "throttled"
    assert int(answers[-1]["Retry-After"]) > 0


def test_an_account_has_a_limited_number_of_tokens(owner: User):
    for _ in range(services.TOKENS_PER_USER):
        services.api_token_create(user=owner, label="test")
    with pytest.raises(services.TooManyTokens):
        services.api_token_create(user=owner, label="test")


def test_a_wrong_token_that_another_part_knows_is_not_judged_here(client: Client):
    """Hubs and organisations have tokens of their own, with other prefixes and other endpoints."""
    assert client.get(ME, headers={"Authorization": "Bearer hub_abc"}).json()["code"] == "not_authenticated"
