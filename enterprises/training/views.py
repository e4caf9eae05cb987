"""Pages of training jobs: the list, a new one, one job live, and the confirmation."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from enterprises.checkout.market import market_of
from enterprises.checkout.models import Member
from enterprises.training import selectors, services, shown, words
from enterprises.training.errors import PlanFieldsInvalid, TrainingStateWrong
from enterprises.training.forms import TrainingForm
from enterprises.training.models import TrainingJob
from enterprises.training.moves import State
from enterprises.training.plans import helpful_classes, needed_classes
from enterprises.views.access import member_page, show
from enterprises.views.reads import balance_now
from fedlearn.protocol.graph import MIN_MEMBERS

JOBS_A_PAGE = 20
FIRST_FIELDS = ("task", "family")


@require_GET
@member_page
def jobs(request: HttpRequest, member: Member) -> HttpResponse:
    """All jobs, newest first."""
    page = Paginator(selectors.jobs(member.enterprise), JOBS_A_PAGE).get_page(request.GET.get("page"))
    lines = [shown.line_of(job) for job in page]
    return show(request, "enterprises/training/list.html", {"page": page, "lines": lines}, part="body")


@require_http_methods(["GET", "POST"])
@member_page
def new(request: HttpRequest, member: Member) -> HttpResponse:
    """The form of a job; it becomes a draft that nobody is told of."""
    first = {name: request.GET[name] for name in FIRST_FIELDS if name in request.GET}
    form = TrainingForm(request.POST or None, initial=first)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            job = services.job_create(
                member=member,
                service=data["service"],
                purpose=data["purpose"],
                gather_s=data["gather_s"],
                fields=form.plan_fields(),
            )
            return redirect("enterprises:training_job", job.public_id)
        except PlanFieldsInvalid as fault:
            form.refused(fault.fields)
    status = 422 if request.method == "POST" else 200
    return show(request, "enterprises/training/new.html", {"form": form}, status=status)


@require_GET
@member_page
def job(request: HttpRequest, member: Member, public_id: uuid.UUID) -> HttpResponse:
    """One job, live."""
    row = selectors.job(member.enterprise, public_id)
    return show(request, "enterprises/training/job.html", _context(row), part="body")


@require_http_methods(["GET", "POST"])
@member_page
def confirm(request: HttpRequest, member: Member, public_id: uuid.UUID) -> HttpResponse:
    """What the job will cost, and the button that pays it."""
    row = selectors.job(member.enterprise, public_id)
    if request.method == "POST":
        total = request.POST.get("total", "")
        if not total.isascii() or not total.isdecimal() or len(total) > 15:
            raise TrainingStateWrong("The sum that was shown is missing.")
        services.job_confirm(member=member, market=market_of(member.enterprise), job=row, total=int(total))
        messages.success(request, "Confirmed. The licences are being paid.")
        return redirect("enterprises:training_job", row.public_id)
    if row.state != State.GATHERING:
        return redirect("enterprises:training_job", row.public_id)
    balance = balance_now(member.enterprise, market_of(member.enterprise))
    context = {**_context(row), "balance": balance, "enough": balance.amount >= int(row.estimate["total"])}
    return show(request, "enterprises/training/confirm.html", context)


@require_POST
@member_page
def notice(request: HttpRequest, member: Member, public_id: uuid.UUID) -> HttpResponse:
    """Look for homes."""
    row = services.job_notice(member=member, job=selectors.job(member.enterprise, public_id))
    messages.success(request, "The notice is on its way to the market's board.")
    return redirect("enterprises:training_job", row.public_id)


@require_POST
@member_page
def dry_run(request: HttpRequest, member: Member, public_id: uuid.UUID) -> HttpResponse:
    """Have the dry run made again."""
    row = services.job_rehearse(job=selectors.job(member.enterprise, public_id))
    return redirect("enterprises:training_job", row.public_id)


@require_POST
@member_page
def cancel(request: HttpRequest, member: Member, public_id: uuid.UUID) -> HttpResponse:
    """End the job."""
    row = services.job_cancel(job=selectors.job(member.enterprise, public_id))
    messages.success(request, "The job ends. What homes have not earned comes back.")
    return redirect("enterprises:training_job", row.public_id)


def _context(row: TrainingJob) -> dict[str, Any]:
    plan, steps, peers = selectors.plan_of(row), selectors.steps(row), selectors.peers(row)
    homes = sum(peer.index is not None for peer in peers)
    ready = int(row.estimate.get("homes", 0)) if row.state == State.GATHERING else homes
    opened = sum(1 for step in steps if step.number and step.outcome == "opened")
    metric = shown.metric_of(plan)
    return {
        "job": row,
        "plan": plan,
        "title": words.task_title(plan.task),
        "family": words.family_title(plan.family),
        "word": words.state_word(row.state, row.cancel_asked, shown.scheduled(row)),
        "reason": words.reason_text(row.reason),
        "winding": words.WINDINGS.get(row.winding, ""),
        "way": shown.way_of(row),
        "homes": homes,
        "ready": ready,
        "least": max(plan.minimum, MIN_MEMBERS),
        "enough_ready": ready >= max(plan.minimum, MIN_MEMBERS),
        "opened": opened,
        "rounds": shown.round_lines(row, steps, homes),
        "curve": shown.curve_of(row, steps),
        "rehearsal": shown.rehearsal_chart(row),
        "rehearsal_fault": words.reason_text(row.rehearsal.get("fault", "")),
        "metric": words.figure_title(metric),
        "compared": shown.compared(row),
        "peers": shown.peer_lines(peers),
        "needs": words.classes_text(needed_classes(plan.task)),
        "helps": words.classes_text(helpful_classes(plan.task)),
        "epsilon": steps[-1].epsilon_micro / 1e6 if steps else 0.0,
        "epsilon_limit": plan.privacy.epsilon if plan.privacy else None,
        "version_note": words.reason_text(row.version_note),
        "card_figures": _figures(row),
        "card_limits": [words.LIMITS.get(code, code) for code in row.card.get("limits", ())],
        "scheduled": shown.scheduled(row),
        "cancellable": shown.cancellable(row),
    }


def _figures(row: TrainingJob) -> list[tuple[str, float, float | None]]:
    """The card's figures on held-out homes: title, the model's, and the guess's."""
    held_out = row.card.get("held_out", {})
    usual = held_out.get("baselines", {}).get("usual", {})
    return [(words.figure_title(name), value, usual.get(name)) for name, value in held_out.get("model", {}).items()]
