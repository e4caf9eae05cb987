"""Pages of training jobs: what the home was asked to take part in, and each job with its rounds and rewards."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from chain.wallets.address import address_text
from households.learning.participation import selectors, words
from households.learning.participation.leaving import participation_get, participation_leave
from households.learning.selectors import epsilon_text
from households.learning.words import task_title
from households.models import Household
from households.views.access import do, owner_page, show

JOBS_A_PAGE = 20
PART = "jobs"


@require_GET
@owner_page
def jobs(request: HttpRequest, home: Household) -> HttpResponse:
    """All jobs, newest first."""
    page = Paginator(selectors.participations(home), JOBS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "jobs": [_shown(selectors.participation_view(row)) for row in page]}
    return show(request, "households/learning/jobs.html", context, part=PART)


@require_GET
@owner_page
def job(request: HttpRequest, home: Household, participation_id: uuid.UUID) -> HttpResponse:
    """One job with its rounds."""
    view = selectors.participation_view(participation_get(home, participation_id), whole=True)
    rounds = [
        {
            "row": one.row,
            "kind": words.KINDS.get(one.row.kind, "Round"),
            "word": words.round_word(one.row),
            "note": words.round_note(one.row),
            "epsilon": epsilon_text(one.row.micro_epsilon),
            "reward": one.reward,
        }
        for one in view.rounds
    ]
    return show(request, "households/learning/job.html", {"job": _shown(view), "rounds": rounds}, part="job")


@require_POST
@owner_page
def leave(request: HttpRequest, home: Household, participation_id: uuid.UUID) -> HttpResponse:
    """Leave a job at once."""
    row = participation_get(home, participation_id)
    said = "The home leaves this job. What is earned stays yours; the enterprise hears no reason."
    do(request, lambda: participation_leave(household=home, participation=row), said)
    return redirect("households:learning_job", participation_id=row.pk)


def _shown(view: selectors.ParticipationView) -> dict[str, Any]:
    row = view.row
    return {
        "row": row,
        "view": view,
        "title": task_title(row.task),
        "word": words.STATES[words.State(row.state)],
        "why": words.why(row.code) if row.code else "",
        "open": row.state in ("asked", "answered", "peered", "licensed", "running") and not row.leaving,
        "address": address_text(bytes(row.enterprise)),
        "epsilon": epsilon_text(view.micro_epsilon),
        "earned": view.rewards + view.bonus,
    }
