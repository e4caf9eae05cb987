"""The home's devices, and the inbox of those that were found."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from chain.core.codec import decode
from households.consensus.messages import DeviceFactsAnnounced
from households.forms import AcceptForm
from households.models import Candidate, Device, Household
from households.selectors.devices import candidate_get, candidates, proposals
from households.selectors.households import overview
from households.selectors.pages_devices import device_cards
from households.services.devices import device_accept
from households.services.pairing import CODE_LIFE, candidate_refuse, pairing_code_create
from households.views import words
from households.views.access import do, owner_page, part_asked, show
from households.views.cards import heard_voters, seen

PARTS = ("body", "inbox", "vote")
PATIENCE = timedelta(seconds=20)
CHANGES = {
    "join": "joins",
    "rotate": "gets a new key",
    "set_permissions": "gets other permissions",
    "leave": "leaves",
    "revoke": "is revoked",
    "quarantine": "is set aside",
    "readmit": "is readmitted",
}


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """Devices and inbox; ``?all=1`` also those that left."""
    return show(request, "households/devices.html", _context(request, home), part=part_asked(request, PARTS))


@require_POST
@owner_page
def code(request: HttpRequest, home: Household) -> HttpResponse:
    """A pairing code to type into a device; it is on this answer only."""
    context = _context(request, home) | {
        "code": pairing_code_create(household=home),
        "code_until": timezone.now() + CODE_LIFE,
    }
    return show(request, "households/devices.html", context)


@require_POST
@owner_page
def accept(request: HttpRequest, home: Household, candidate_id: uuid.UUID) -> HttpResponse:
    """Let a found device in, with one click, or with a name and a room."""
    candidate = candidate_get(home, candidate_id)
    form = AcceptForm(request.POST)
    if not form.is_valid():
        said = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return show(request, "households/devices.html", _context(request, home) | {"refusal": said}, status=422)
    fields: dict[str, Any] = {"name": form.cleaned_data["name"]}
    if form.cleaned_data["area"]:
        fields["area"] = form.cleaned_data["area"]
    do(
        request,
        lambda: device_accept(candidate=candidate, **fields),
        "Let in. The home's devices vote on it; that takes a moment.",
    )
    return redirect("households:devices")


@require_POST
@owner_page
def refuse(request: HttpRequest, home: Household, candidate_id: uuid.UUID) -> HttpResponse:
    """Turn a found device away."""
    candidate = candidate_get(home, candidate_id)
    do(request, lambda: candidate_refuse(candidate=candidate), "Turned away. It is told so if it comes again.")
    return redirect("households:devices")


def _context(request: HttpRequest, home: Household) -> dict[str, Any]:
    everything = request.GET.get("all") == "1"
    figures = overview(home)
    cards = device_cards(home, timezone.now(), gone=everything)
    return {
        "home": home,
        "figures": figures,
        "rows": [seen(card, figures.voters, heard_voters(cards)) for card in cards],
        "all": everything,
        "gone_exist": everything
        or Device.objects.using("home").filter(household=home, ended_at__isnull=False).exists(),
        "inbox": [_found(candidate) for candidate in candidates(home)],
        "vote": slow_vote(home),
    }


def slow_vote(home: Household) -> dict[str, Any] | None:
    """The vote on a change of members, if it has been open for so long that the owner should know."""
    late = proposals(home).filter(state="open", kind="membership", created_at__lt=timezone.now() - PATIENCE)
    row = late.select_related("change__device").annotate(heard=Count("votes")).first()
    if row is None or row.change is None:
        return None
    call = row.change.call.removeprefix("devices.")
    who = row.change.device.name if row.change.device else "A device"
    return {"row": row, "heard": row.heard, "said": f"{who} {CHANGES.get(call, words.title_of(call).lower())}"}


def _found(candidate: Candidate) -> dict[str, Any]:
    """What a device that waits announced of itself."""
    facts = decode(DeviceFactsAnnounced, bytes(candidate.facts))
    return {
        "row": candidate,
        "title": words.class_title(candidate.device_class),
        "icon": words.class_icon(candidate.device_class),
        "measures": ", ".join(words.quantity_title(entry.quantity) for entry in facts.quantities),
        "area": facts.area,
        "key": bytes(candidate.public_key).hex(),
    }
