"""A home's training jobs as its owner sees them: pages, REST, leaving, and the file that proves a version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from households.learning.participation.versions import version_proof_check
from households.models import Household, Participation
from marketplace.accounts.models import User
from marketplace.accounts.services import api_token_create
from tests.households.learning import consent
from tests.households.market import MemoryConnector
from tests.households.participation import (
    Enterprise,
    TrainingMarket,
    World,
    home_turn,
    home_with_rows,
    lead,
    licensed_job,
    participation_new,
)

pytestmark = pytest.mark.django_db(databases="__all__")
API = "/api/v1/home/learning/jobs"


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    settings.HEARTH_TRAINING_CONNECTOR = "tests.households.participation.TestConnector"
    settings.HEARTH_VAR = tmp_path / "var"
    MemoryConnector.market = TrainingMarket()
    return World(MemoryConnector.market)


@pytest.fixture
def home(world: World, owner: User) -> Household:
    found = home_with_rows(owner.pk)
    consent(found)
    return found


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def page(browser: Client, name: str, *args: object) -> str:
    answer = browser.get(reverse(f"households:{name}", args=args))
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def test_the_owner_sees_what_a_job_cost_and_brought_and_gets_the_proof_of_a_version(
    world: World, home: Household, owner: User, browser: Client
) -> None:
    acme = Enterprise(world)
    licensed_job(acme, home)
    acme.begin()
    lead(acme, home)
    version = acme.publish(2)
    acme.end()
    home_turn(home, 3)
    row = Participation.objects.using("home").get()
    body = page(browser, "learning_jobs")
    assert "Comfort in the next hour" in body and "Acme Analytics" in body and "Completed" in body
    body = page(browser, "learning_job", row.pk)
    for said in ("Tell when to air a room", "Training", "Evaluation", "In the model", "Share of the bonus"):
        assert said in body, said
    assert "Leave this job" not in body, "it is over"

    headers = {"Authorization": f"Bearer {api_token_create(user=owner, label='test')[1]}"}
    (listed,) = browser.get(API, headers=headers).json()["results"]
    told = browser.get(f"{API}/{row.pk}", headers=headers).json()
    assert {**listed, "rounds": told["rounds"]} == told
    assert (told["state"], told["lots_offered"], told["lots_accepted"], told["bonus"]) == ("done", 2, 2, 8)
    assert sum(one["reward"] for one in told["rounds"]) == told["rewards"] > 0
    assert sum(one["micro_epsilon"] for one in told["rounds"]) == told["micro_epsilon"] <= 1_000_000
    file = browser.get(f"{API}/{row.pk}/versions/{version.hex()}", headers=headers)
    assert file.status_code == 200 and "attachment" in file["Content-Disposition"]
    version_proof_check(json.loads(file.content), world.models.genesis().validators)
    wrong = browser.get(f"{API}/{row.pk}/versions/{'00' * 32}", headers=headers)
    assert wrong.status_code == 404


def test_the_owner_leaves_a_job_by_a_plain_form_once(world: World, home: Household, browser: Client) -> None:
    row = participation_new(home)
    assert "Leave this job" in page(browser, "learning_job", row.pk)
    address = reverse("households:learning_job_leave", args=(row.pk,))
    body = browser.post(address, follow=True).content.decode()
    assert "The home leaves this job" in body and "The home is leaving this job" in body
    assert 'popovertarget="leave-job"' not in body
    home_turn(home, 2)
    row.refresh_from_db()
    assert (row.state, row.code) == ("left", "owner_left")
    assert "takes no part in this job any more" in browser.post(address, follow=True).content.decode()


def test_a_job_that_was_declined_says_why(world: World, home: Household, browser: Client) -> None:
    Participation.objects.using("home").all().delete()
    Enterprise(world).post()
    home_turn(home, 1)
    Participation.objects.using("home").update(state="declined", code="enterprise_not_covered")
    assert "because no rule of yours covers this enterprise" in page(browser, "learning_jobs")


def test_an_empty_list_says_what_will_stand_there(home: Household, browser: Client) -> None:
    assert "No enterprise has asked yet" in page(browser, "learning_jobs")
