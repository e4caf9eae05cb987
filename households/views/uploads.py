"""Uploads: the schedule, batches with their progress, one batch with the votes on it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from chain.consensus.ballot import Verdict
from chain.consensus.quorum import LABELS
from households.consensus.batch import terms_parse
from households.forms import ScheduleForm
from households.models import Batch, Household, Lot, UploadSchedule
from households.selectors import uploads as selectors
from households.selectors.devices import proposals
from households.selectors.households import overview, schedule_of
from households.selectors.pages_votes import BatchVotes, SeriesVotes, batch_votes
from households.services.proposing import proposal_void
from households.services.schedules import DEFAULT_SCHEDULE, schedule_set
from households.uploads.selectors import readings_waiting
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import require_running
from households.uploads.services.unlisting import lot_take_down
from households.views import words
from households.views.access import do, owner_page, part_asked, refusal_text, show
from households.views.cards import steps_of
from marketplace.common.errors import HearthError
from marketplace.common.types import from_ms, to_ms

PARTS = ("next", "batches")
BATCHES_A_PAGE = 12


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """Next upload, batches, schedule."""
    return show(request, "households/uploads.html", _context(request, home), part=part_asked(request, PARTS))


@require_POST
@owner_page
def schedule(request: HttpRequest, home: Household) -> HttpResponse:
    """Change when batches are closed."""
    form = ScheduleForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            schedule_set(household=home, text=form.text(), zone=data["zone"], enabled=data["enabled"])
        except HearthError as error:
            form.add_error(None, refusal_text(error))
        else:
            messages.success(request, "Saved.")
            return redirect("households:uploads")
    context = _context(request, home) | {"form": form, "editing": True}
    return show(request, "households/uploads.html", context, status=422)


@require_POST
@owner_page
def now(request: HttpRequest, home: Household) -> HttpResponse:
    """Close a batch at once; the schedule stays as it is."""
    try:
        require_running(home)
        batch = batch_close(household=home, cut_ms=to_ms(timezone.now()))
    except HearthError as error:
        messages.error(request, refusal_text(error))
        return redirect("households:uploads")
    if batch is None:
        messages.info(request, "There are no new readings to send.")
        return redirect("households:uploads")
    messages.success(request, f"Batch {batch.number} is closed. The devices vote on it next.")
    return redirect("households:batch", batch.pk)


@require_POST
@owner_page
def void(request: HttpRequest, home: Household) -> HttpResponse:
    """Declare the open round void; the next one starts."""
    do(request, lambda: proposal_void(household=home), "The round is void. The hub proposes again.")
    return redirect("households:uploads")


@require_GET
@owner_page
def batch(request: HttpRequest, home: Household, batch_id: uuid.UUID) -> HttpResponse:
    """One batch: its way, who said what of each series, and its lots."""
    row = selectors.batch_get(home, batch_id)
    row.household = home
    progress = selectors.progress_of(row)
    votes = batch_votes(row)
    context: dict[str, Any] = {
        "home": home,
        "batch": row,
        "from": from_ms(row.from_ms),
        "until": from_ms(row.cut_ms),
        "progress": progress,
        "steps": steps_of(progress),
        "votes": votes,
        "table": _votes_table(votes),
        "lots": [
            _lot(lot) for lot in selectors.lots(home).filter(batch=row).order_by("device__account_index", "quantity")
        ],
        "rounds": proposals(home).filter(batch_id=bytes(row.batch_id)).order_by("round"),
        "voiding": bool(votes and votes.open),
        "limits": len(terms_parse(bytes(row.terms)).limits) if bytes(row.terms) else None,
    }
    return show(request, "households/batch.html", context, part="body")


@require_POST
@owner_page
def take_down(request: HttpRequest, home: Household, lot_id: uuid.UUID) -> HttpResponse:
    """Take a lot off the market; orders that are paid for are still delivered."""
    lot = selectors.lot_get(home, lot_id)
    do(request, lambda: lot_take_down(lot=lot), "The lot is being taken down.")
    return redirect("households:batch", lot.batch_id)


def _context(request: HttpRequest, home: Household) -> dict[str, Any]:
    found = schedule_of(home)
    page = Paginator(selectors.batches(home), BATCHES_A_PAGE).get_page(request.GET.get("page"))
    open_round = proposals(home).filter(state="open", kind="batch").first()
    return {
        "home": home,
        "figures": overview(home),
        "schedule": found,
        "said": _schedule_text(found),
        "waiting": readings_waiting(home),
        "page": page,
        "batches": [_row(entry) for entry in page.object_list],
        "open_round": open_round,
        "form": ScheduleForm(initial=_values(found)),
        "labels": LABELS,
    }


def _row(entry: Batch) -> dict[str, Any]:
    progress = selectors.progress_of(entry)
    going = entry.state not in (Batch.State.DONE, Batch.State.EMPTY)
    return {
        "batch": entry,
        "progress": progress,
        "steps": steps_of(progress),
        "going": going,
        "percent": round(100 * progress.share),
        "why": words.reason_text(progress.error_code) if going else "",
        "rejected": _rejected(entry) if entry.series_rejected else [],
    }


def _rejected(entry: Batch) -> list[dict[str, str]]:
    """The rejected series of a batch that would have been lots, and why."""
    lots = Lot.objects.using("home").filter(batch=entry, state=Lot.State.REJECTED).select_related("device")
    return [
        {
            "device": lot.device.name,
            "quantity": words.quantity_title(lot.quantity).lower(),
            "why": words.reason_text(lot.reject_code),
        }
        for lot in lots
    ]


def _votes_table(votes: BatchVotes | None) -> list[dict[str, Any]]:
    """One row for each series: its outcome in words, and every voter's verdict."""
    return [_votes_row(entry, votes.open) for entry in votes.series] if votes else []


def _votes_row(entry: SeriesVotes, is_open: bool) -> dict[str, Any]:
    outcome = entry.outcome
    status = "" if is_open or outcome is None else outcome.status
    reason = outcome.reason if outcome else ""
    if entry.lot is not None and entry.lot.state == Lot.State.REJECTED:
        status, reason = "rejected", entry.lot.reject_code
    return {
        "entry": entry,
        "title": words.quantity_title(entry.quantity),
        "status": status,
        "support": outcome.support if outcome else "",
        "why": words.reason_text(reason) if status in ("rejected", "held") else "",
        "approvals": outcome.approvals if outcome else 0,
        "comparable": outcome.comparable if outcome else 0,
        "verdicts": [_verdict(verdict) for verdict in entry.verdicts],
        "shared": entry.lot is not None,
    }


def _verdict(verdict: Verdict | None) -> dict[str, str]:
    if verdict is None:
        return {"state": "silent", "said": "did not vote"}
    said = words.reason_text(verdict.reason)
    return {
        "state": verdict.outcome,
        "said": {"approve": "approved", "reject": "rejected", "abstain": "abstained"}[verdict.outcome]
        + (f": {said}" if said else ""),
    }


def _lot(lot: Lot) -> dict[str, Any]:
    why = lot.reject_code or lot.last_error_code
    return {
        "row": lot,
        "title": words.quantity_title(lot.quantity),
        "why": words.reason_text(why) if why and lot.state not in (Lot.State.LISTED, Lot.State.GONE) else "",
        "orders": list(lot.orders.all()),
        "id": bytes(lot.lot_id).hex(),
    }


def _values(found: UploadSchedule | None) -> Any:
    if found is None:
        return ScheduleForm.values_of(DEFAULT_SCHEDULE, "UTC", True)
    return ScheduleForm.values_of(found.text, found.zone, found.enabled)


def _schedule_text(found: UploadSchedule | None) -> str:
    """The schedule as a person would say it."""
    if found is None:
        return "no schedule"
    kind, _, rest = found.text.partition(" ")
    if kind == "every":
        seconds = int(rest[:-1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[rest[-1]]
        return f"every {words.span_text(seconds)}".replace("every 1 ", "every ")
    said = f"daily at {rest.replace(',', ', ')}" if kind == "daily" else f"by the cron line {rest}"
    return f"{said} ({found.zone.replace('_', ' ')})"
