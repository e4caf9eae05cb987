"""What the pages on advice say: reasons as sentences, money, and what a code means for the owner."""

from __future__ import annotations

import calendar
from collections.abc import Callable
from typing import Any, Final

from households.models import AdviceOrder

Numbers = dict[str, int]
CODES: Final = {
    "no_models": "No enterprise offers a model for this service at the moment.",
    "no_usable_model": "None of the models could be used. Nothing was compared.",
    "readings_too_few": "Your home has not measured enough yet: at least two days and some hours are needed.",
    "model_not_the_ledgers": "its file is not the one that the ledger names",
    "card_not_the_ledgers": "its card is not the one that the ledger names",
    "version_not_proven": "the market told of another model than its enterprise published",
    "card_invalid": "its card claims what was not measured",
    "object_unknown": "the store has no such file any more",
    "model_malformed": "its file is no model",
    "model_invalid": "it was taught another task",
    "offer_price_invalid": "a price is outside its limits",
    "offer_currencies_differ": "it is in another currency",
    "offer_unfit": "what it needs to be judged is not known here",
    "offer_malformed": "it is not written in the declared form",
    "offer_kind_unknown": "it is of an unknown kind",
    "offer_hours_invalid": "its hours are not usable",
    # why an order ended
    "not_available": "It is not available at the moment.",
    "not_in_area": "It is not available where your home may be.",
    "offer_over": "The offer has ended.",
    "offer_unknown": "It is not offered any more.",
    "price_differs": "Its price has changed.",
    "other": "The enterprise gave no further reason.",
    "deadline_passed": "The enterprise did not answer in time.",
    "transfer_not_taken": "The transfer from the master wallet was not taken. Nothing was paid.",
    "version_withdrawn": "The enterprise has withdrawn the model.",
    "service_enterprise_unknown": "The enterprise is not accredited, so nothing was paid.",
    "enterprise_not_accredited": "The enterprise is not accredited.",
}
ORDER_STEPS: Final = (
    ("Escrow", (AdviceOrder.State.FUNDING,)),
    ("Order on the ledger", (AdviceOrder.State.ORDERING,)),
    ("Answer of the enterprise", (AdviceOrder.State.PLACED,)),
    ("Service given", (AdviceOrder.State.CONFIRMED, AdviceOrder.State.COMPLETING)),
)
MONEY: Final = {
    "none": "The order costs nothing.",
    "escrow": "The credits are in escrow on the ledger. Only the enterprise's confirmation in time pays them out.",
    "paid": "The credits were paid to the enterprise when it confirmed.",
    "back": "The credits are back on the order's account.",
    "returned": "The credits are back in your master wallet.",
}


def code_text(code: str) -> str:
    """What a code means; an unknown one is said as it is."""
    return CODES.get(code) or code.replace("_", " ")


def money_text(micro: int, currency: str) -> str:
    """An amount in millionths, as ``84.20 EUR``."""
    return f"{micro / 1e6:,.2f} {currency}"


def cents_text(micro: int) -> str:
    """A price of a kilowatt-hour, in hundredths of the currency."""
    return f"{micro / 1e4:,.1f}"


def reason_text(code: str, numbers: Numbers, currency: str) -> str:
    """A reason as a sentence about this home; empty for one that this version does not know."""
    known = _REASONS.get(code)
    return known(numbers, currency) if known else ""


def terms_text(terms: dict[str, Any], currency: str) -> str:
    """What an offer says, in one line."""
    known = _TERMS.get(str(terms.get("form")))
    return known(terms, currency) if known else ""


def month_text(month: str) -> str:
    """``2026-11`` as ``Nov 2026``."""
    year, number = month.split("-")
    return f"{calendar.month_abbr[int(number)]} {year}"


def hours_text(hours: list[int]) -> str:
    """Hours of a day as spans: ``0 to 6 h, 22 to 24 h``."""
    spans: list[list[int]] = []
    for hour in sorted(hours):
        if spans and spans[-1][1] == hour:
            spans[-1][1] = hour + 1
        else:
            spans.append([hour, hour + 1])
    return ", ".join(f"{first} to {last} h" for first, last in spans)


def _percent(per_mille: int) -> str:
    return f"{per_mille / 10:.0f} %"


def _month(n: Numbers) -> str:
    return f"{calendar.month_name[n['month']]} {n['year']}"


_REASONS: dict[str, Callable[[Numbers, str], str]] = {
    "saves_a_year": lambda n, c: f"It saves about {money_text(n['micro'], c)} a year.",
    "costs_more_a_year": lambda n, c: f"It costs about {money_text(n['micro'], c)} more a year than now.",
    "costs_the_same": lambda n, c: "It costs what you pay now.",
    "mean_price": lambda n, c: (
        f"The way you use it, a kilowatt-hour costs {cents_text(n['micro_per_kwh'])} cents on average, all included."
    ),
    "peak_hour": lambda n, c: (
        f"Your strongest hour is {n['hour']} to {n['hour'] + 1} h with {_percent(n['load_pm'])} of the energy;"
        f" there a kilowatt-hour costs {cents_text(n['price_micro_per_kwh'])} cents."
    ),
    "low_rate_share": lambda n, c: (
        f"{_percent(n['load_pm'])} of your energy falls into the {n['hours_a_day']} cheap hours of the day."
    ),
    "standing_charge": lambda n, c: f"{money_text(n['micro_per_year'], c)} a year are a standing charge.",
    "best_month": lambda n, c: f"The best month was {_month(n)}: {money_text(n['saving_micro'], c)} less.",
    "absent_hours": lambda n, c: (
        f"Nobody is in for about {n['hours_a_year']:,} hours a year, counting absences of {n['shortest_h']} hours"
        " or more."
    ),
    "heating_less": lambda n, c: (
        f"{n['degrees']} degrees less in those hours take {_percent(n['share_pm'])} off their heating:"
        f" {money_text(n['saving_micro'], c)} a year."
    ),
    "uncomfortable_hours": lambda n, c: f"About {n['hours_a_year']:,} hours a year are uncomfortable.",
    "hours_avoided": lambda n, c: f"It would avoid about {n['hours_a_year']:,} of them.",
    "price_of_an_hour": lambda n, c: f"Each hour avoided costs {money_text(n['micro'], c)}.",
    "covered_hours": lambda n, c: (
        f"Computed from {n['hours']:,} hours of your own readings"
        + (", stretched to a year." if n["hours"] < n["hours_a_year"] else ".")
    ),
}
_TERMS: dict[str, Callable[[dict[str, Any], str], str]] = {
    "flat": lambda t, c: f"{cents_text(t['price_micro_per_kwh'])} cents at all hours",
    "two_rate": lambda t, c: (
        f"{cents_text(t['low_micro_per_kwh'])} cents from {hours_text(list(t['low_hours']))},"
        f" else {cents_text(t['high_micro_per_kwh'])} cents"
    ),
    "hourly": lambda t, c: (
        f"A price for each hour, {cents_text(min(t['micro_per_kwh']))} to {cents_text(max(t['micro_per_kwh']))} cents"
    ),
    "setback": lambda t, c: (
        f"{t['degrees']} degrees less while nobody is in, for {money_text(t['price_micro_per_year'], c)} a year"
    ),
    "comfort": lambda t, c: (
        f"Avoids {_percent(t['avoided_pm'])} of uncomfortable hours, for {money_text(t['price_micro_per_year'], c)}"
        " a year"
    ),
}
