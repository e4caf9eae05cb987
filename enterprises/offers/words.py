"""What the pages say of offers, orders and codes."""

from __future__ import annotations

from typing import Any, Final

from enterprises.offers.orders import REASONS

CODES: Final = {
    **REASONS,
    "offer_unknown": "It was not on offer, so it was declined by itself",
    "price_differs": "It named another price than yours, so it was declined by itself",
    "deadline_passed": "Nobody answered in time",
    "service_order_deadline_passed": "The answer came too late",
    "service_deadline_passed": "The escrow was past its time; the home has its credits back",
    "not_paid": "The escrow has not paid out, so it can't be completed",
}


def code_text(code: str) -> str:
    """What a code means; an unknown one is said as it is."""
    return CODES.get(code) or code.replace("_", " ").capitalize()


def terms_text(body: dict[str, Any]) -> str:
    """An offer's terms in one line."""
    terms, currency = body["terms"], body["currency"]
    form = terms["form"]
    if form == "flat":
        return f"{_price(terms['price_micro_per_kwh'])} {currency} a kWh{_standing(terms, currency)}"
    if form == "two_rate":
        prices = f"{_price(terms['low_micro_per_kwh'])} or {_price(terms['high_micro_per_kwh'])} {currency} a kWh"
        return f"{prices}, low in {len(terms['low_hours'])} hours of the day{_standing(terms, currency)}"
    if form == "hourly":
        found = terms["micro_per_kwh"]
        spread = f"{_price(min(found))} to {_price(max(found))} {currency} a kWh"
        return f"{spread}, by the hour of the {'day' if len(found) == 24 else 'week'}{_standing(terms, currency)}"
    yearly = f"{_price(terms['price_micro_per_year'])} {currency} a year"
    if form == "setback":
        return f"{terms['degrees']} degrees less while nobody is in, {yearly}"
    return f"Avoids {terms['avoided_pm'] / 10:.0f} % of uncomfortable hours, {yearly}"


def title_of(service_name: str) -> str:
    """A service's name for people."""
    return service_name.replace("-", " ").replace("_", " ").replace(".", " ").capitalize()


def _price(micro: int) -> str:
    return f"{micro / 1e6:,.4f}".rstrip("0").rstrip(".")


def _standing(terms: dict[str, Any], currency: str) -> str:
    micro = terms.get("standing_micro_per_day", 0)
    return f", {_price(micro)} {currency} a day" if micro else ""
