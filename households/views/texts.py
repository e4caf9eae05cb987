"""A released text as paragraphs that a template can show, and the owner's log as sentences."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from households.models import Activity
from households.views.words import title_of
from marketplace.common.words import word_for

_POINT = re.compile(r"(?:(\d+)\.|-)\s+\*\*(.+?)\*\*\s*(.*)", re.DOTALL)
_BEGINS = re.compile(r"(\d+\.|-)\s")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """``title`` is empty in a plain paragraph."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of the owner's log."""

    text: str
    note: str
    icon: str
    tone: str
    row: Activity


# kind: sentence, icon, tone. {device} is the device's name, {facts} are the entry's own.
LOG: dict[str, tuple[str, str, str]] = {
    "household.created": ("Home set up", "home", "ok"),
    "household.changed": ("Home settings changed", "settings", "idle"),
    "household.halted": ("The home's ledger has halted", "alert-circle", "bad"),
    "quorum.lost": ("Too few devices answer: nothing can leave", "alert-circle", "bad"),
    "household.recovered": ("New voters named with the master key", "refresh", "warn"),
    "wallet.words_confirmed": ("Wallet's words confirmed", "key", "ok"),
    "wallet.restored": ("Wallet restored from its words", "refresh", "ok"),
    "consent.given": ("You agreed to the text on sharing", "license", "ok"),
    "consent.withdrawn": ("You no longer agree to sharing", "ban", "warn"),
    "device.waiting": ("A new device waits in the inbox", "bell", "new"),
    "device.accepted": ("{device} let in", "user-plus", "info"),
    "device.refused": ("A device was turned away", "ban", "idle"),
    "devices.join": ("{device} joined", "circle-check", "ok"),
    "devices.rotate": ("{device} has a new key", "key", "ok"),
    "devices.set_permissions": ("{device} has new permissions", "adjustments", "ok"),
    "devices.leave": ("{device} left", "logout", "idle"),
    "devices.revoke": ("{device} revoked", "ban", "warn"),
    "devices.quarantine": ("{device} put in quarantine", "alert-triangle", "bad"),
    "devices.readmit": ("{device} readmitted", "circle-check", "ok"),
    "quarantine.postponed": ("Quarantine of {device} waits", "hourglass", "warn"),
    "checks.set": ("Limits of the checks changed", "adjustments", "info"),
    "rule.set": ("Sharing rule changed", "adjustments", "info"),
    "learning.given": ("Consent to learning given", "heart-handshake", "ok"),
    "learning.revoked": ("Consent to learning revoked", "ban", "warn"),
    "learning.settings": ("Limits of learning changed", "adjustments", "info"),
    "advice.asked": ("You asked for {service}", "zoom-question", "info"),
    "advice.ready": ("Advice on {service} is ready", "bulb", "ok"),
    "advice.failed": ("No advice on {service}", "circle-x", "warn"),
    "advice.ordered": ("You ordered an offer", "send", "info"),
    "advice.placed": ("Your order is on the ledger", "link", "info"),
    "advice.confirmed": ("An enterprise confirmed your order", "circle-check", "ok"),
    "advice.completed": ("A service you ordered was given", "circle-check", "ok"),
    "advice.declined": ("An enterprise declined your order", "circle-x", "warn"),
    "advice.expired": ("Your order was not answered in time", "hourglass", "warn"),
    "advice.failed_order": ("An order could not be placed", "circle-x", "bad"),
    "schedule.set": ("Upload schedule changed", "calendar-time", "info"),
    "batch.closed": ("Batch {batch} closed", "package", "info"),
    "batch.certified": ("Batch {batch} approved by the devices", "checks", "ok"),
    "batch.held": ("A batch is held: two devices disagree", "alert-triangle", "warn"),
    "batch.done": ("Batch {batch} finished", "cloud-upload", "ok"),
    "proposal.sent": ("Devices asked to vote", "send", "info"),
    "proposal.void": ("You declared a round void", "x", "warn"),
    "lot.uploaded": ("{device}: lot stored", "cloud-lock", "info"),
    "lot.anchored": ("{device}: lot on the ledger", "link", "info"),
    "lot.listed": ("{device}: lot for sale", "tag", "ok"),
    "lot.leaving": ("{device}: lot is being taken down", "trash", "idle"),
    "lot.gone": ("{device}: lot taken down", "trash", "idle"),
    "lot.dead": ("{device}: lot is dead, its preview failed", "circle-x", "bad"),
    "lot.resealed": ("{device}: lot is sealed again under a new address", "refresh", "warn"),
    "lot.failed": ("{device}: lot could not be listed", "circle-x", "bad"),
    "order.funded": ("{device}: a buyer paid into escrow", "coins", "info"),
    "order.settled": ("{device} earned {reward} credits", "coin", "ok"),
    "order.refunded": ("{device}: an order was refunded", "arrow-left", "warn"),
    "sweep.queued": ("Move to the master wallet started", "wallet", "info"),
    "sweep.done": ("{amount} credits moved to the master wallet", "wallet", "ok"),
}
# Entries that come in swarms, one for each lot of a batch: what several in a row are called.
SWARMS = {
    "lot.uploaded": "lots stored",
    "lot.anchored": "lots on the ledger",
    "lot.listed": "lots for sale",
    "lot.gone": "lots taken down",
    "order.funded": "orders paid into escrow",
    "order.settled": "orders settled",
    "order.refunded": "orders refunded",
    "sweep.done": "moves to the master wallet done",
}
_ENDINGS = {".asked": "asked for, the devices vote on it", ".refused": "refused by the home's ledger"}


def paragraphs(body: str) -> list[Paragraph]:
    """Points and paragraphs of a text, without its heading."""
    blocks: list[str] = []
    for line in body.splitlines():
        if line.startswith("#"):
            continue
        begins = not line.startswith(" ") and bool(_BEGINS.match(line))
        if not line.strip() or begins or not blocks:
            blocks.append("")
        blocks[-1] = f"{blocks[-1]} {line.strip()}".strip()
    return [_paragraph(block) for block in blocks if block]


def log_lines(rows: Iterable[Activity], limit: int) -> list[Line]:
    """The newest entries as sentences; several of one kind in a row become one."""
    found: list[Line] = []
    for kind, group in groupby(rows, key=lambda row: row.kind):
        swarm = list(group)
        if kind in SWARMS and len(swarm) > 1:
            _, icon, tone = LOG[kind]
            found.append(Line(f"{len(swarm)} {SWARMS[kind]}", "", icon, tone, swarm[0]))
        else:
            found += [log_line(row) for row in swarm]
        if len(found) >= limit:
            break
    return found[:limit]


def log_line(row: Activity) -> Line:
    """An entry of the log as a sentence."""
    kind, note = row.kind, ""
    for ending, said in _ENDINGS.items():
        if kind.endswith(ending):
            kind, note = kind.removesuffix(ending), said
    text, icon, tone = LOG.get(kind, (title_of(kind), "info-circle", "idle"))
    if kind != row.kind:
        text, tone = _asked_text(kind, text), "info" if row.kind.endswith(".asked") else "warn"
    known = {
        "device": row.device.name if row.device else "A device",
        "batch": "",
        "reward": "",
        "amount": "",
        **row.facts,
    }
    return Line(text.format_map(known), note or _note(row), icon, tone, row)


def _asked_text(kind: str, text: str) -> str:
    """A change of members that has not happened: its subject and the change's name."""
    return f"{{device}}: {title_of(kind.removeprefix('devices.')).lower()}" if kind.startswith("devices.") else text


def _note(row: Activity) -> str:
    facts: dict[str, Any] = row.facts
    if row.kind == "batch.certified":
        rejected = facts.get("rejected", 0)
        left_out = f", {rejected} series left out" if rejected else ""
        return f"{word_for(str(facts.get('label', ''))).text}{left_out}"
    return ""


def _paragraph(block: str) -> Paragraph:
    point = _POINT.fullmatch(block)
    if point is None:
        return Paragraph(block.replace("**", ""))
    _, title, text = point.groups()
    return Paragraph(text.replace("**", ""), title.rstrip("."))
