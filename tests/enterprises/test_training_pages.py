"""The pages of training jobs: empty and full, by form alone, and what they say at each state."""

# ruff: noqa: F811
from __future__ import annotations

from typing import Any

import pytest

from enterprises.training.models import TrainingJob
from tests.enterprises.conftest import Buyer
from tests.enterprises.pages import HTMX, browser, text
from tests.enterprises.test_training import (  # noqa: F401
    FIELDS,
    acme,
    draft,
    homes_new,
    sweep,
    until,
    world,
)
from tests.enterprises.training import TrainingWorld

pytestmark = pytest.mark.django_db
T = "/enterprise/training/"
FORM = {
    **FIELDS,
    "service": "tariff-advice",
    "purpose": "Compare tariffs.",
    "gather_s": "3600",
    "batch_size": 32,
    "dropout_percent": 30,
    "mode": "honest-but-curious",
    "l2": "0.0001",
    "strategy": "fedavg",
    "mu": "0.01",
    "epsilon": "",
    "delta": "0.00001",
    "group_size": 0,
    "interval_s": 0,
}


def test_the_list_is_empty_first_and_leads_on(acme: Buyer) -> None:
    page = text(browser(acme.user).get(T))
    assert "No training job yet" in page and f'href="{T}new/"' in page


def test_the_form_has_defaults_that_make_a_draft_and_says_which_devices_a_task_needs(acme: Buyer) -> None:
    client = browser(acme.user)
    page = text(client.get(f"{T}new/"))
    assert "needs mains meter" in page and 'value="0.05"' in page
    answer = client.post(f"{T}new/", FORM)
    assert answer.status_code == 302, text(answer)
    job = TrainingJob.objects.get()
    assert answer["Location"] == f"{T}{job.public_id}/"
    assert "Look for homes" in text(client.get(answer["Location"]))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("family", "logistic", "learn next_hour_load"),
        ("budget", "1", "budget"),
        ("minimum", "7", "A cohort has"),
        ("hidden", "16", "hidden layers"),
        ("hidden", "wide", "Enter a valid value"),
        ("service", "Tariff Advice", "Small letters"),
        ("learning_rate", "-1", "greater than or equal to 0"),
    ],
)
def test_what_can_t_be_followed_is_said_at_its_field_and_nothing_is_made(
    acme: Buyer, field: str, value: str, said: str
) -> None:
    answer = browser(acme.user).post(f"{T}new/", {**FORM, field: value})
    assert answer.status_code == 422 and said in text(answer)
    assert not TrainingJob.objects.exists()


def test_a_member_opens_a_job_by_pages_alone_and_watches_it_finish(world: TrainingWorld, acme: Buyer) -> None:
    client = browser(acme.user)
    here = client.post(f"{T}new/", FORM)["Location"]
    assert client.get(f"{here}confirm/").status_code == 302
    assert client.post(f"{here}notice/").status_code == 302
    sweep(world, 2)
    assert "No home has answered yet" in text(client.get(here))
    job = TrainingJob.objects.get()
    for home in homes_new(world):
        home.answer(bytes.fromhex(job.plan_hash))
    sweep(world, 3)
    page = text(client.get(here))
    assert "5 homes are ready" in page and "Dry run on mocks" in page
    question = text(client.get(f"{here}confirm/"))
    assert "Pay 42 credits and begin" in question
    assert client.post(f"{here}confirm/", {"total": "42"}).status_code == 302
    until(world, job, "running")
    part = text(client.get(here, headers=HTMX))
    assert part.startswith('<div class="live-part" id="job-body"') and "Learning" in part
    until(world, job, "refunding")
    page = text(client.get(here))
    assert "Completed" in page and "2 of 2" in page and "that did not train" in page
    assert f"curve-{job.public_id}" in page and "Evaluation" in page
    assert "Completed" in text(client.get(T))


def test_a_job_that_failed_says_why_in_plain_words(acme: Buyer) -> None:
    job = draft(acme)
    TrainingJob.objects.filter(pk=job.pk).update(state="failed", reason="too_few_accepted", winding="done")
    page = text(browser(acme.user).get(f"{T}{job.public_id}/"))
    assert "Too few homes accepted" in page and "data-live" not in page.split('id="job-body"')[1].split(">")[0]
    assert "End the job" not in page


def test_a_job_is_ended_by_its_page(acme: Buyer) -> None:
    job = draft(acme)
    client = browser(acme.user)
    assert "End this job?" in text(client.get(f"{T}{job.public_id}/"))
    answer: Any = client.post(f"{T}{job.public_id}/cancel/")
    assert answer.status_code == 302
    job.refresh_from_db()
    assert (job.state, job.winding) == ("cancelled", "done")
