"""A purchase as pages show it: its word, its way in four steps, its deadline, why it ended as it did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from enterprises.checkout.models import Order, Purchase
from enterprises.checkout.selectors import Stage, timeline
from enterprises.views import words
from enterprises.views.facts import LotCard, kept_card
from marketplace.common.words import Word

State = Purchase.State
WAY = (
    (State.FUNDED, "Paid"),
    (State.COMMITTED, "Promised"),
    (State.DELIVERED, "Delivered"),
    (State.SETTLED, "Settled"),
)
WITH_DATA = (State.OPENED, State.ACCEPTING, State.SETTLED)
DEADLINES = {
    State.FUNDED: "The hub must answer",
    State.COMMITTED: "The key must come",
    State.DELIVERED: "Complaint time ends",
    State.OPENED: "Complaint time ends",
}
TITLES_SHOWN = 2
_MARKS = {"done": "done", "now": "now", "ahead": "todo"}


@dataclass(frozen=True, slots=True)
class Mark:
    """One of the four steps of the ledger: ``state`` is done, now, todo, back or failed."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Line:
    """One purchase for the page."""

    row: Purchase
    lot: LotCard
    word: Word
    reason: str
    marks: tuple[Mark, ...]
    deadline: str

    @property
    def ended(self) -> bool:
        return self.row.state in (State.SETTLED, State.REFUNDED, State.FAILED)

    @property
    def has_data(self) -> bool:
        return data_ready(self.row)

    @property
    def stages(self) -> list[tuple[Stage, str]]:
        """The whole way with receipts, each with the mark that the step component knows."""
        return [(stage, _mark_of(stage)) for stage in timeline(self.row)]


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order in a list: what was ordered, in a few words."""

    order: Order
    text: str


@dataclass(frozen=True, slots=True)
class Sums:
    """What became of an order's credits and lines."""

    total: int
    paid: int
    held: int
    back: int
    ended: int
    lines: int

    @property
    def open(self) -> int:
        return self.lines - self.ended


def data_ready(row: Purchase) -> bool:
    """Whether the rows can be shown and downloaded."""
    return row.state in WITH_DATA and row.row_count > 0


def line_of(row: Purchase) -> Line:
    """A purchase whose steps are loaded."""
    deadline = DEADLINES.get(State(row.state), "") if row.deadline_ms else ""
    word, reason = words.purchase_word(row.state), words.reason_text(row.reason, row.state)
    return Line(row, kept_card(row), word, reason, _marks(row), deadline)


def order_lines(orders: Iterable[Order]) -> list[OrderLine]:
    """Orders, their purchases loaded, for a list."""
    return [OrderLine(order, _ordered(list(order.purchases.all()))) for order in orders]


def sums_of(order: Order, rows: Sequence[Purchase]) -> Sums:
    """Credits of an order by where they are now."""
    paid = sum(row.price for row in rows if row.state == State.SETTLED)
    back = sum(row.price for row in rows if row.state in (State.REFUNDED, State.FAILED))
    ended = sum(row.state in (State.SETTLED, State.REFUNDED, State.FAILED) for row in rows)
    return Sums(order.total, paid, order.total - paid - back, back, ended, len(rows))


def _ordered(rows: Sequence[Purchase]) -> str:
    """``Temperature, 19 Nov 2026`` for one lot; the kinds for several."""
    if len(rows) == 1:
        lot = kept_card(rows[0])
        return f"{lot.title}, {lot.period}"
    titles = list(dict.fromkeys(kept_card(row).title for row in rows))
    more = len(titles) - TITLES_SHOWN
    return ", ".join(titles[:TITLES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _marks(row: Purchase) -> tuple[Mark, ...]:
    reached = {step.state for step in row.steps.all()}
    if row.state == State.FAILED:
        return (Mark("Not bought", "failed"),)
    done = [name for state, name in WAY if state in reached]
    if row.state == State.REFUNDED:
        return (*(Mark(name, "done") for name in done), Mark("Refunded", "back"))
    if row.state == State.SETTLED:
        return tuple(Mark(name, "done") for _, name in WAY)
    ahead = [name for state, name in WAY if state not in reached]
    first = [Mark(ahead[0], "now")] if ahead else []
    return (*(Mark(name, "done") for name in done), *first, *(Mark(name, "todo") for name in ahead[1:]))


def _mark_of(stage: Stage) -> str:
    if stage.state in (State.REFUNDED, State.FAILED):
        return "failed"
    return _MARKS[stage.phase]
