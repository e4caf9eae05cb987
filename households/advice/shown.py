"""What the pages on advice show of rows: cards, charts and steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fedlearn.learners.templates import TEMPLATES
from households.advice import words
from households.models import AdviceOrder, Inquiry, ModelRun, RankedOffer

SHOWN: Final = 3
_UNITS: Final = {"next_hour_load": ("kWh", "Energy"), "occupancy": ("", "Somebody in"), "comfort": ("", "Comfortable")}
State = AdviceOrder.State


@dataclass(frozen=True, slots=True)
class OfferCard:
    """A ranked offer in words. ``saving`` is empty where what the home pays now is not known."""

    row: RankedOffer
    title: str
    enterprise: str
    terms: str
    year: str
    saving: str
    saves: bool
    reasons: tuple[str, ...]
    order: AdviceOrder | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """A model of an inquiry: how far off it was here, and what is done with it."""

    row: ModelRun
    judge: bool
    error: str
    usual: str
    why: str


@dataclass(frozen=True, slots=True)
class Step:
    state: str
    name: str
    at: Any
    note: str = ""


def card_of(row: RankedOffer) -> OfferCard:
    """An offer with its reasons as sentences."""
    currency, saving = row.offer["currency"], row.saving_year_micro
    told = [each for each in row.reasons if each["code"] != "best_month" or len(row.months) > 1]
    found = [words.reason_text(each["code"], each["numbers"], currency) for each in told]
    return OfferCard(
        row=row,
        title=row.offer["title"],
        enterprise=row.run.enterprise_name or "An enterprise",
        terms=words.terms_text(row.offer["terms"], currency),
        year=words.money_text(row.cost_year_micro, currency),
        saving="" if saving is None else words.money_text(abs(saving), currency),
        saves=bool(saving and saving > 0),
        reasons=tuple(text for text in found if text),
        order=getattr(row, "order", None),
    )


def run_line(row: ModelRun, inquiry: Inquiry) -> RunLine:
    """A model in words; errors are in the unit of what it predicts."""
    unit = _UNITS.get(inquiry.task, ("", ""))[0]
    error, usual = ("" if value is None else f"{value:.3g} {unit}".strip() for value in (row.error, row.usual))
    judge = bytes(row.version) == bytes(inquiry.judge)
    return RunLine(row, judge, error, usual, words.code_text(row.code) if row.code else "")


def day_chart(inquiry: Inquiry) -> dict[str, Any]:
    """The mean day: measured, and as the judging model predicted it."""
    names = {"measured": "Measured", "predicted": "Predicted"}
    series = [{"name": name, "values": inquiry.profile.get(key, [])} for key, name in names.items()]
    return {"categories": [f"{hour:02}" for hour in range(24)], "series": series}


def months_chart(cards: list[OfferCard]) -> dict[str, Any]:
    """What the first offers come to in each month that was measured, beside the present tariff where it is known."""
    first = cards[0].row.months
    series = [
        {"name": card.title, "values": [month["money_micro"] / 1e6 for month in card.row.months]}
        for card in cards[:SHOWN]
    ]
    if all(month["present_micro"] is not None for month in first):
        series.append({"name": "Now", "values": [month["present_micro"] / 1e6 for month in first]})
    return {"categories": [words.month_text(month["month"]) for month in first], "series": series}


def day_facts(inquiry: Inquiry) -> tuple[str, str]:
    """Unit and title of the day's chart."""
    return _UNITS.get(inquiry.task, ("", "Prediction"))


def task_title(task: str) -> str:
    """The title of a task."""
    return TEMPLATES[task].title if task in TEMPLATES else task


def order_steps(order: AdviceOrder) -> list[Step]:
    """The way of an order: what is done, what is under way, and where it ended."""
    state = State(order.outcome) if order.state == State.REFUNDING else State(order.state)
    names = [name for name, _ in words.ORDER_STEPS]
    if not order.price:
        names.remove("Escrow")
    times = {"Escrow": order.created_at, "Order on the ledger": order.placed_at,
             "Answer of the enterprise": order.answered_at, "Service given": order.ended_at}  # fmt: skip
    reached = {State.FUNDING: 0, State.ORDERING: 1, State.PLACED: 2, State.CONFIRMED: 3, State.COMPLETING: 3}
    at = reached.get(state, 4 if state == State.COMPLETED else 0)
    if state in (State.DECLINED, State.EXPIRED):
        at = 2
    if state == State.FAILED:
        at = 1 if order.money == AdviceOrder.Money.ESCROW else 0
    found = []
    for number, (name, _) in enumerate(words.ORDER_STEPS):
        if name in names:
            found.append(Step(_mark(number, at, state), name, times[name] if number < at else ""))
    if order.price and order.outcome:
        back = order.money == AdviceOrder.Money.RETURNED
        found.append(Step("done" if back else "now", "Credits back in the master wallet", order.ended_at or ""))
    return found


def _mark(number: int, at: int, state: AdviceOrder.State) -> str:
    if number < at:
        return "done"
    if number > at:
        return "todo"
    return "failed" if state in (State.DECLINED, State.EXPIRED, State.FAILED) else "now"
