"""A lot as pages show it, from what the catalog tells or what a basket line has kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from enterprises.views import words
from marketplace.common.words import Word, word_for


@dataclass(frozen=True, slots=True)
class LotCard:
    """One lot in words. ``facts`` are the codes and numbers as they came."""

    lot_id: str
    price: int
    facts: Mapping[str, Any]

    @property
    def title(self) -> str:
        return words.quantity_title(str(self.facts["quantity"]))

    @property
    def device(self) -> str:
        return words.class_title(str(self.facts["device_class"]))

    @property
    def icon(self) -> str:
        return words.class_icon(str(self.facts["device_class"]))

    @property
    def place(self) -> str:
        return words.place_text(str(self.facts["cell"]))

    @property
    def resolution(self) -> str:
        return words.resolution_text(int(self.facts["resolution_s"]))

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.facts["period_start"])

    @property
    def end(self) -> datetime:
        return datetime.fromisoformat(self.facts["period_end"])

    @property
    def expires(self) -> datetime:
        return datetime.fromisoformat(self.facts["expires_at"])

    @property
    def period(self) -> str:
        return period_text(self.start, self.end)

    @property
    def duration(self) -> str:
        return duration_text(self.end - self.start)

    @property
    def rows(self) -> int:
        return int(self.facts["record_count"])

    @property
    def label(self) -> Word:
        return word_for(str(self.facts["label"]))

    @property
    def voters(self) -> int:
        return int(self.facts["voters"])

    @property
    def label_help(self) -> str:
        """Who checked, and that this is no claim about truth."""
        count = f"{self.voters} device{'' if self.voters == 1 else 's'}"
        compared = word_for(str(self.facts["support"])).help
        return f"Checked by {count} of this home. {compared} {words.LABEL_NOTE}"

    @property
    def for_copy(self) -> bool:
        return bool(self.facts["licence_kind"] == "copy")

    @property
    def on_sale(self) -> bool:
        return bool(self.facts.get("status", "LISTED") == "LISTED")


def lot_card(lot: Mapping[str, Any]) -> LotCard:
    """From a lot as the catalog gives it."""
    return LotCard(str(lot["lot_id"]), int(lot["price"]), lot)


def kept_card(row: Any) -> LotCard:
    """From a basket line or a purchase, which keep what the catalog said when they were made."""
    return LotCard(row.lot_id, row.price, row.facts)


def period_text(start: datetime, end: datetime) -> str:
    """A half-open period in UTC: within a day with hours, else by its days."""
    start, end = start.astimezone(UTC), end.astimezone(UTC)
    last = max(start, end - timedelta(milliseconds=1))
    if start.date() == last.date():
        if end - start >= timedelta(hours=23):
            return f"{start:%-d %b %Y}"
        return f"{start:%-d %b %Y}, {start:%H:%M}–{end:%H:%M}"
    if start.year != last.year:
        return f"{start:%-d %b %Y} – {last:%-d %b %Y}"
    if start.month != last.month:
        return f"{start:%-d %b} – {last:%-d %b %Y}"
    return f"{start:%-d}–{last:%-d %b %Y}"


def duration_text(length: timedelta) -> str:
    """How long a period is, in the unit that a reader would choose."""
    seconds = length.total_seconds()
    for size_s, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size_s:
            count = round(seconds / size_s, 1)
            return f"{count:g} {unit}{'' if count == 1 else 's'}"
    return f"{seconds:g} seconds"
