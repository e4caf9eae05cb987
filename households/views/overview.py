"""The owner's first page: figures, live chart, devices, activity, the next upload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from households.models import Household
from households.selectors import uploads as batches
from households.selectors.devices import devices
from households.selectors.households import activities, overview, schedule_of
from households.selectors.pages_devices import HERE, DeviceCard, device_cards
from households.services.households import consent_present
from households.services.rules import terms_of
from households.uploads.selectors import readings_waiting, series_views
from households.views.access import owner_page, part_asked, show
from households.views.cards import Seen, chart_of, heard_voters, seen, steps_of
from households.views.devices import slow_vote
from households.views.texts import log_lines
from marketplace.common.types import to_ms

PARTS = ("figures", "chart", "devices", "side")
LOG_LINES = 7
LOG_READ = 80
CHART_SERIES = 6
RANGES = {"live": ("Live", timedelta(minutes=15)), "24h": ("24 h", timedelta(days=1)), "7d": ("7 d", timedelta(days=7))}
# What the chart can show, in the order of its buttons: name, title, unit, quantities.
SUBJECTS = (
    ("power", "Power", "W", ("power", "solar_power")),
    ("temperature", "Temperature", "°C", ("temperature",)),
    ("humidity", "Humidity", "%", ("humidity",)),
    ("co2", "CO₂", "ppm", ("co2",)),
)


@dataclass(frozen=True, slots=True)
class Todo:
    """One thing that a new home still needs; ``state`` is done, now or todo."""

    name: str
    note: str
    state: str
    url_name: str


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """All of it, or the one part that changed."""
    part = part_asked(request, PARTS)
    whole = not request.headers.get("HX-Request")
    context: dict[str, Any] = {"home": home, "query": _query(request), "vote": slow_vote(home) if whole else None}
    if whole or part in ("figures", "devices"):
        cards = device_cards(home, timezone.now())
        context |= _figures(home, cards) | _devices(home, cards)
    if whole or part == "chart":
        context |= _chart(request, home)
    if whole or part == "side":
        context |= _side(home)
    return show(request, "households/overview.html", context, part=part)


def _query(request: HttpRequest) -> str:
    return f"show={request.GET.get('show', '')}&range={_range(request)}"


def _figures(home: Household, cards: list[DeviceCard]) -> dict[str, Any]:
    found = overview(home)
    load = _watts(cards, "mains", "power")
    return {
        "figures": found,
        "load_w": load,
        "solar_w": _watts(cards, "solar", "solar_power"),
        "warmth": _mean(cards, "temperature"),
        "heard": sum(card.presence == "online" for card in cards),
        "known": len(cards),
        "troubled": sum(bool(card.trouble) or card.presence in ("silent", "offline", "quarantined") for card in cards),
        "sharing": sum(card.sharing for card in cards),
    }


def _devices(home: Household, cards: list[DeviceCard]) -> dict[str, Any]:
    voters = overview(home).voters if cards else 0
    heard = heard_voters(cards)
    rows: list[Seen] = [seen(card, voters, heard) for card in cards]
    return {"rows": rows, "todo": _todo(home, bool(rows))}


def _side(home: Household) -> dict[str, Any]:
    newest = batches.batches(home).first()
    progress = batches.progress_of(newest) if newest else None
    return {
        "schedule": schedule_of(home),
        "waiting": readings_waiting(home),
        "progress": progress,
        "steps": steps_of(progress) if progress else [],
        "log": log_lines(activities(home)[:LOG_READ], LOG_LINES),
    }


def _chart(request: HttpRequest, home: Household) -> dict[str, Any]:
    here = list(devices(home).filter(status__in=HERE))
    views = {device: series_views(home, device=device) for device in here}
    measured = {view.quantity for found in views.values() for view in found if view.last_ms}
    subjects = [subject for subject in SUBJECTS if measured & set(subject[3])]
    asked = request.GET.get("show", "")
    chosen = next((subject for subject in subjects if subject[0] == asked), subjects[0] if subjects else None)
    context: dict[str, Any] = {
        "subjects": [(name, title) for name, title, _, _ in subjects],
        "subject": chosen[0] if chosen else "",
        "ranges": [(name, title) for name, (title, _) in RANGES.items()],
        "range": _range(request),
        "chart": None,
    }
    if chosen is None:
        return context
    _, title, unit, quantities = chosen
    since_ms = to_ms(timezone.now() - RANGES[_range(request)][1])
    found = [
        (device.name, view)
        for device in here
        if any(view.quantity in quantities and view.last_ms >= since_ms for view in views[device])
        for view in series_views(home, since_ms=since_ms, device=device)
        if view.quantity in quantities and view.points
    ]
    return context | {
        "chart": chart_of(found[:CHART_SERIES]),
        "chart_title": title,
        "chart_unit": unit,
        "drawn": bool(found),
    }


def _range(request: HttpRequest) -> str:
    asked = request.GET.get("range", "live")
    return asked if asked in RANGES else "live"


def _watts(cards: list[DeviceCard], class_name: str, quantity: str) -> float | None:
    found = [
        float(view.last_text)
        for card in cards
        if card.device.device_class == class_name and card.presence == "online"
        for view in card.series
        if view.quantity == quantity and view.last_text
    ]
    return sum(found) if found else None


def _mean(cards: list[DeviceCard], quantity: str) -> str:
    """The mean of devices that nobody doubts."""
    found = [
        float(view.last_text)
        for card in cards
        if card.presence == "online" and not card.trouble
        for view in card.series
        if view.quantity == quantity and view.last_text
    ]
    return f"{sum(found) / len(found):.1f}" if found else ""


def _todo(home: Household, has_device: bool) -> list[Todo]:
    """What a new home still needs, in order; empty once all is done."""
    done = (
        consent_present(home),
        has_device,
        any(terms.share for terms in terms_of(home).values()),
        batches.batches(home).exists(),
    )
    if all(done):
        return []
    texts = (
        ("Agree to sharing", "Read what it means; without a yes nothing leaves.", "households:start_consent"),
        ("Let the first device in", "It appears in the inbox, or you give it a pairing code.", "households:devices"),
        ("Say what you share", "For each kind of device: how coarse, for what price.", "households:sharing"),
        ("First upload", "Happens by itself at the next due time.", "households:uploads"),
    )
    now = done.index(False)
    return [
        Todo(name, note, "done" if done[at] else "now" if at == now else "todo", url)
        for at, (name, note, url) in enumerate(texts)
    ]
