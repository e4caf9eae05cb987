"""Devices and batches as sentences and small pictures, shared by several pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chain.consensus.quorum import quorum_size
from households.models import Batch, Device
from households.selectors.pages_devices import DeviceCard
from households.selectors.uploads import Progress
from households.uploads.selectors import SeriesView
from households.views import words

STEP_NAMES = (
    ("Closed", "No more readings go into this batch."),
    ("Laid out", "The rows that would leave are computed, for the devices to compute again."),
    ("Voted on", "Each device checks the others' readings and signs its verdicts."),
    ("Certified", "A quorum has signed: this is the quorum certificate that buyers find in the lot."),
    ("Sealed and stored", "Each lot is encrypted and put into the cloud store under a random name."),
    ("Anchored", "The lot's digest, never its values, is on the shared ledger."),
    ("For sale", "A preview chosen by the ledger was opened and matches the digest."),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A device's card with the words for it."""

    card: DeviceCard
    title: str
    icon: str
    now: str
    now_of: str
    spark: tuple[float, ...]
    explained: str
    tone: str

    @property
    def device(self) -> Device:
        return self.card.device


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    note: str
    state: str


def seen(card: DeviceCard, voters: int, heard: int) -> Seen:
    """A card with its newest value, its line of the last hour, and what is wrong with it in plain words."""
    main = main_series(card.series)
    tone, said = explained(card, voters, heard)
    return Seen(
        card=card,
        title=words.class_title(card.device.device_class),
        icon=words.class_icon(card.device.device_class),
        now=words.value_text(main.last_text, main.unit) if main and main.last_text else "",
        now_of=words.quantity_title(main.quantity) if main else "",
        spark=tuple(value for _, value in main.points) if main else (),
        explained=said,
        tone=tone,
    )


def main_series(series: tuple[SeriesView, ...]) -> SeriesView | None:
    """The series that says most of a device at a glance: a power before a meter reading, else the first."""
    measured = [view for view in series if view.last_text] or list(series)
    order = ("power", "solar_power", "temperature", "outdoor_temperature", "co2")
    return min(
        measured, key=lambda view: order.index(view.quantity) if view.quantity in order else len(order), default=None
    )


def heard_voters(cards: Iterable[DeviceCard]) -> int:
    """How many active voters are connected and answer."""
    return sum(
        card.device.voter and card.device.status == Device.Status.ACTIVE
        and bool(card.device.connected) and not card.votes_missing
        for card in cards
    )  # fmt: skip


def explained(card: DeviceCard, voters: int, heard: int) -> tuple[str, str]:
    """Tone and sentence for a device that needs the owner's eye; empty for one that is well.

    ``voters`` is how many independent voters the home has, ``heard`` how many of its voters answer now.
    """
    device = card.device
    needed = quorum_size(max(voters, 1))
    others = min(voters, heard - heard_voters([card]))
    enough = (
        f"The others decide without it; {needed} of {voters} voters are enough."
        if others >= needed
        else f"Without its vote too few are left: {needed} of {voters} are needed."
    )
    if card.presence == "quarantined":
        return (
            "bad",
            f"Set aside by the other devices: {words.reason_text(device.quarantine_code)}. Nothing of it leaves.",
        )
    if card.trouble:
        what = words.quantity_title(card.trouble_quantity).lower() if card.trouble_quantity else "readings"
        times = f"{device.score_bad_run} batches in a row" if device.score_bad_run > 1 else "the last batch"
        return (
            "bad",
            f"Outvoted in {times} ({what}): {words.reason_text(card.trouble)}. The rejected readings stay at home.",
        )
    if card.presence == "silent":
        return "warn", f"Connected, but it sends no readings. {enough}"
    if card.presence == "offline" and device.last_seen_at:
        return "warn", f"Not connected. {enough}"
    if card.votes_missing:
        return "warn", f"It measures, but has voted on none of the last batches. {enough}"
    if card.presence == "joining":
        return "info", "Waiting for the home's devices to vote it in."
    return "", ""


def steps_of(progress: Progress) -> list[Step]:
    """The way of a batch, step by step, with how many lots are how far."""
    batch = progress.batch
    if batch.state == Batch.State.EMPTY:
        return [Step("Nothing to share", "No series of this batch may leave.", "done")]
    reached = _reached(progress)
    notes = _notes(progress)
    found = []
    for number, (name, help_text) in enumerate(STEP_NAMES):
        state = "done" if number < reached else "now" if number == reached else "todo"
        if batch.state == Batch.State.DONE:
            state = "done" if number < 4 or progress.listed else "todo"
        if state == "now" and progress.held:
            state = "failed"
        found.append(Step(name, notes.get(number) or (help_text if state == "now" else ""), state))
    return found


def _reached(progress: Progress) -> int:
    """The step that is going on."""
    if progress.step < 3:
        return progress.step + 1 if progress.step < 2 else 2
    if progress.uploaded < progress.lots:
        return 4
    if progress.anchored < progress.lots:
        return 5
    return 6


def _notes(progress: Progress) -> dict[int, str]:
    notes: dict[int, str] = {0: f"{progress.batch.readings:,} readings in {progress.batch.segments:,} signed segments"}
    if progress.held:
        notes[2] = "Held: the two devices disagree. Void the round to have them vote again."
    elif progress.voters and progress.step >= 2:
        notes[2] = f"{progress.votes} votes of {progress.voters} voters"
    if progress.step >= 3:
        rejected = f", {progress.batch.series_rejected} left out" if progress.batch.series_rejected else ""
        notes[3] = f"{progress.batch.series_count} series{rejected}"
        notes[4] = f"{progress.uploaded} of {progress.lots} lots"
        notes[5] = f"{progress.anchored} of {progress.lots} lots"
        notes[6] = f"{progress.listed} of {progress.lots} lots"
    return notes


def chart_of(series: list[tuple[str, SeriesView]]) -> dict[str, Any]:
    """What the chart component takes, from named series; a gap in the readings is a gap in the line."""
    return {"series": [{"name": name, "points": with_gaps(view.points)} for name, view in series]}


def with_gaps(points: tuple[tuple[int, float], ...]) -> list[list[float | None]]:
    """Points with a break wherever the distance is more than five times the usual one."""
    if len(points) < 3:
        return [[t, value] for t, value in points]
    steps = sorted(b[0] - a[0] for a, b in pairwise(points))
    limit = 5 * max(1, steps[len(steps) // 2])
    found: list[list[float | None]] = []
    for at, (t, value) in enumerate(points):
        if at and t - points[at - 1][0] > limit:
            found.append([points[at - 1][0] + 1, None])
        found.append([t, value])
    return found
