"""One device: certificate, permissions, standing, readings, votes, and what its owner may do with it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from chain.contracts.devices.rows import SELL, UPLOAD
from chain.wallets.address import address_text
from households.forms import NameForm, PermissionsForm
from households.models import Device, Household
from households.selectors.devices import device_get, device_on_ledger, permission_names, score_share
from households.selectors.households import overview
from households.selectors.pages_devices import DeviceCard, device_card, device_cards, device_refusals
from households.selectors.pages_votes import Judged, device_history
from households.services import devices as services
from households.services.pairing import CODE_LIFE, pairing_code_create
from households.uploads.selectors import series_views
from households.views import words
from households.views.access import do, next_url, owner_page, part_asked, refusal_text, show
from households.views.cards import chart_of, heard_voters, seen
from marketplace.common.errors import HearthError
from marketplace.common.types import to_ms

PARTS = ("top", "readings", "standing")
SPAN = timedelta(hours=24)
QUARANTINE_REASON = "owner"


@require_GET
@owner_page
def page(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """The whole device, or the part that changed."""
    device = device_get(home, device_id)
    return show(request, "households/device.html", _context(home, device), part=part_asked(request, PARTS))


@require_POST
@owner_page
def rename(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """Another name."""
    device = device_get(home, device_id)
    form = NameForm(request.POST)
    if form.is_valid():
        try:
            services.device_rename(device=device, name=form.cleaned_data["name"])
        except HearthError as error:
            form.add_error("name", refusal_text(error))
        else:
            return redirect("households:device", device_id)
    return show(request, "households/device.html", _context(home, device) | {"name_form": form}, status=422)


@require_POST
@owner_page
def permissions(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """What the device may do; the other devices vote on it."""
    device = device_get(home, device_id)
    form = PermissionsForm(request.POST)
    if not form.is_valid():
        return show(request, "households/device.html", _context(home, device) | {"permission_error": True}, status=422)
    if form.bits() != device.permissions:
        do(
            request,
            lambda: services.device_set_permissions(device=device, permissions=form.bits()),
            "Asked for. It holds as soon as the home's devices have voted.",
        )
    return redirect("households:device", device_id)


@require_POST
@owner_page
def share(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """The switch in the list: may this one device's readings leave?"""
    device = device_get(home, device_id)
    on = request.POST.get("on") == "1"
    bits = device.permissions | UPLOAD | SELL if on else device.permissions & ~(UPLOAD | SELL)
    said = "will be shared" if on else "will stay at home"
    if bits != device.permissions:
        do(
            request,
            lambda: services.device_set_permissions(device=device, permissions=bits),
            f"{device.name} {said} once the home's devices have voted on it.",
        )
    return redirect(next_url(request, "households:overview"))


@require_POST
@owner_page
def readmit(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """End a quarantine."""
    device = device_get(home, device_id)
    do(request, lambda: services.device_readmit(device=device), "Asked for. The home's devices vote on it.")
    return redirect("households:device", device_id)


@require_POST
@owner_page
def quarantine(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """Set a device aside until it is readmitted."""
    device = device_get(home, device_id)
    act = lambda: services.device_quarantine(device=device, reason=QUARANTINE_REASON)  # noqa: E731  one call, named
    do(request, act, "Asked for. The home's devices vote on it.")
    return redirect("households:device", device_id)


@require_POST
@owner_page
def rotate(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """A code with which the device brings a new key; it is on this answer only."""
    device = device_get(home, device_id)
    context = _context(home, device) | {
        "code": pairing_code_create(household=home, replaces=device),
        "code_until": timezone.now() + CODE_LIFE,
    }
    return show(request, "households/device.html", context)


@require_POST
@owner_page
def leave(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """End the device's membership in peace."""
    device = device_get(home, device_id)
    do(request, lambda: services.device_leave(device=device), "Asked for. It leaves once the others have voted.")
    return redirect("households:device", device_id)


@require_POST
@owner_page
def revoke(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """End the device's membership against its will."""
    device = device_get(home, device_id)
    do(request, lambda: services.device_revoke(device=device), "Asked for. It is out once the others have voted.")
    return redirect("households:device", device_id)


def _context(home: Household, device: Device) -> dict[str, Any]:
    now = timezone.now()
    card = device_card(device, now)
    figures = overview(home)
    return {
        "home": home,
        "device": device,
        "seen": seen(card, figures.voters, heard_voters(device_cards(home, now, spark=False))),
        "card": card,
        "row": device_on_ledger(device),
        "account": address_text(bytes(device.account)),
        "member": device.status in services.MEMBERS,
        "permissions": _permissions(device),
        "name_form": NameForm(initial={"name": device.name}),
        **_standing(device),
        **_readings(home, device, card),
    }


def _permissions(device: Device) -> list[dict[str, Any]]:
    held = permission_names(device.permissions)
    return [
        {"name": name, "title": title, "help": help_text, "on": name in held}
        for name, (title, help_text) in words.PERMISSIONS.items()
    ]


def _standing(device: Device) -> dict[str, Any]:
    history = device_history(device)
    return {
        "score": round(100 * score_share(device)),
        "history": [_judged(entry) for entry in history],
        "score_chart": {
            "series": [
                {
                    "name": "Score",
                    "points": [[to_ms(entry.at), round(100 * entry.score, 1)] for entry in reversed(history)],
                }
            ]
        },
        "refusals": [(words.reason_text(row.code), row) for row in device_refusals(device)],
    }


def _judged(entry: Judged) -> dict[str, Any]:
    said = "; ".join(dict.fromkeys(words.reason_text(code) for code in entry.reasons))
    return {"batch": entry.batch, "at": entry.at, "good": entry.good, "said": said, "score": round(100 * entry.score)}


def _readings(home: Household, device: Device, card: DeviceCard) -> dict[str, Any]:
    since_ms = to_ms(timezone.now() - SPAN)
    views = series_views(home, since_ms=since_ms, device=device)
    charts = [
        {
            "id": f"readings-{view.quantity}",
            "title": words.quantity_title(view.quantity),
            "unit": words.unit_text(view.unit),
            "last": words.value_text(view.last_text, view.unit) if view.last_text else "",
            "last_ms": view.last_ms,
            "count": view.readings,
            "data": chart_of([(words.quantity_title(view.quantity), view)]) if view.points else None,
        }
        for view in views
    ]
    return {"charts": charts}
