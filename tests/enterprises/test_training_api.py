"""REST of training jobs: plans refused field by field, and a job opened by API alone."""

# ruff: noqa: F811
from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from enterprises.training.models import TrainingJob
from marketplace.accounts.models import User
from marketplace.accounts.services import api_token_create
from tests.enterprises.conftest import Buyer
from tests.enterprises.test_training import FIELDS, acme, homes_new, sweep, until, world  # noqa: F401
from tests.enterprises.training import TrainingWorld

pytestmark = pytest.mark.django_db
T = "/api/v1/enterprise/training"
BODY = {**FIELDS, "service": "tariff-advice", "purpose": "Compare tariffs."}


def api_of(user: User) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {api_token_create(user=user, label='test')[1]}"})


def post(api: APIClient, path: str = "", body: Any = None) -> Any:
    return api.post(f"{T}{path}", body or {}, format="json")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", "Tariff Advice"),
        ("purpose", "   "),
        ("gather_s", 1),
        ("task", "weather"),
        ("family", "logistic"),
        ("learning_rate", "0"),
        ("learning_rate", "0.0000001"),
        ("rounds", 0),
        ("minimum", 7),
        ("epsilon", "0"),
        ("epsilon", "101"),
        ("group_size", 3),
        ("hidden", [16]),
        ("budget", 10),
        ("clip", "0"),
    ],
)
def test_what_is_wrong_is_said_of_its_field(acme: Buyer, field: str, value: Any) -> None:
    answer = post(api_of(acme.user), body={**BODY, field: value})
    assert answer.status_code == 400, answer.content
    told = answer.json()
    named = "family" if field == "hidden" else field  # a linear model has no hidden layers
    assert named in told["errors"], told
    assert told["code"] and not TrainingJob.objects.exists()


def test_a_job_is_opened_and_finished_by_api_alone(world: TrainingWorld, acme: Buyer) -> None:
    api = api_of(acme.user)
    made = post(api, body=BODY)
    assert made.status_code == 201, made.content
    path = f"/{made.json()['public_id']}"
    assert made.json()["state"] == "draft" and made.json()["estimate"]["homes"] == 6
    assert post(api, f"{path}/confirm", {"total": 0}).json()["code"] == "training_state"
    assert post(api, f"{path}/notice").status_code == 202
    sweep(world, 2)
    for home in homes_new(world):
        home.answer(bytes.fromhex(made.json()["plan_hash"]))
    sweep(world, 3)
    told = api.get(f"{T}{path}/estimate").json()
    assert told["homes"] == 5 and told["epsilon"] is None
    answers = api.get(f"{T}{path}/answers").json()
    assert [(each["state"], each["lots"], each["price"]) for each in answers] == [("ready", 1, 6)] * 5
    assert len(api.get(f"{T}{path}/dry-run").json()["curve"]) == 2
    assert post(api, f"{path}/dry-run").status_code == 202
    assert post(api, f"{path}/confirm", {"total": told["total"] - 1}).json()["code"] == "training_cost_changed"
    assert post(api, f"{path}/confirm", {"total": told["total"]}).status_code == 202
    assert post(api, f"{path}/confirm", {"total": told["total"]}).status_code == 409
    until(world, TrainingJob.objects.get(), "completed", "failed")
    detail = api.get(f"{T}{path}").json()
    assert detail["state"] == "completed" and [step["number"] for step in detail["steps"]] == [1, 2, 0]
    (listed,) = api.get(T).json()["results"]
    assert (listed["opened"], listed["rounds"], listed["answers"]) == (2, 2, 5)
    assert post(api, f"{path}/cancel").json()["code"] == "training_state"


def test_a_job_that_costs_more_than_the_wallet_holds_is_not_confirmed(
    world: TrainingWorld,
    acme: Buyer,
) -> None:
    api = api_of(acme.user)
    made = post(api, body={**BODY, "reward": 400, "budget": 5000}).json()
    path = f"/{made['public_id']}"
    post(api, f"{path}/notice")
    sweep(world, 2)
    for home in homes_new(world, 4, price=300):
        home.answer(bytes.fromhex(made["plan_hash"]))
    sweep(world, 3)
    total = api.get(f"{T}{path}/estimate").json()["total"]
    assert total == 1212
    assert post(api, f"{path}/confirm", {"total": total}).json()["code"] == "training_not_enough_credits"


def test_the_plan_of_a_privacy_target_says_its_epsilon_before_anything_is_paid(acme: Buyer) -> None:
    told = post(api_of(acme.user), body={**BODY, "epsilon": "4", "delta": "0.01"}).json()
    assert 0 < told["estimate"]["epsilon"] <= 4


def test_templates_say_which_devices_a_home_needs(acme: Buyer) -> None:
    found = {each["name"]: each for each in api_of(acme.user).get(f"{T}/templates").json()}
    assert found["next_hour_load"]["needs"] == ["mains"] and found["next_hour_load"]["helps"] == ["weather"]
    assert "linear" in found["next_hour_load"]["families"] and "logistic" in found["occupancy"]["families"]
