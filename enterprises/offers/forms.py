"""Forms of the pages on offers. They check shape only; ``offer_add`` decides."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django import forms

from enterprises.offers.models import OfferSheet
from enterprises.offers.orders import REASONS
from enterprises.offers.shelf import PRICE_MAX
from fedlearn.learners.recommend.offers import COMFORT, SETBACK, TARIFF

MICRO: Final = 1_000_000
CURRENCIES: Final = ("EUR", "GBP", "USD", "CHF", "PLN", "SEK", "DKK", "NOK", "CZK")
FORMS: Final = {
    TARIFF: (("flat", "One price"), ("two_rate", "Two prices, by the hour"), ("hourly", "A price for each hour")),
    SETBACK: (("setback", "Less heating while nobody is in"),),
    COMFORT: (("comfort", "Fewer uncomfortable hours"),),
}
FIELDS: Final = {
    "flat": ("kwh", "standing"),
    "two_rate": ("low", "high", "low_from", "low_to", "standing"),
    "hourly": ("hourly", "standing"),
    "setback": ("degrees", "saving", "absence", "yearly"),
    "comfort": ("avoided", "yearly"),
}


def _money(label: str, help_text: str = "") -> forms.DecimalField:
    widget = forms.NumberInput({"step": "0.0001", "inputmode": "decimal"})
    return forms.DecimalField(
        label=label, required=False, max_digits=12, decimal_places=6, widget=widget, help_text=help_text
    )


def _count(label: str, least: int, most: int, help_text: str = "", **options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, required=False, min_value=least, max_value=most, help_text=help_text, **options
    )


class OfferForm(forms.Form):
    """An offer in its declared form. Which fields count follows from ``form``."""

    title = forms.CharField(max_length=120, label="Title", help_text="What homes read first.")
    currency = forms.ChoiceField(choices=[(code, code) for code in CURRENCIES], label="Currency")
    price = forms.IntegerField(
        min_value=0, max_value=PRICE_MAX, initial=0, label="Credits of an order",
        help_text="0: an order needs no escrow.",
    )  # fmt: skip
    form = forms.ChoiceField(label="Kind")
    kwh = _money("Price of a kilowatt-hour")
    low = _money("Low price of a kilowatt-hour")
    high = _money("High price")
    low_from = _count("Low from … h", 0, 23, initial=22)
    low_to = _count("to … h", 0, 24, initial=6)
    hourly = forms.CharField(
        required=False, label="Prices of the hours", max_length=4000, widget=forms.Textarea({"rows": 4}),
        help_text="24 prices from 0 h on, or 168 from Monday 0 h on, with spaces between.",
    )  # fmt: skip
    standing = _money("Standing charge, a day", "May be empty.")
    degrees = _count("Degrees less", 1, 10)
    saving = _count("A degree saves … ‰ of the heating", 1, 100)
    absence = _count("Shortest absence, hours", 1, 24)
    avoided = _count("Avoids … ‰ of uncomfortable hours", 1, 1000)
    yearly = _money("Price, a year")

    def __init__(self, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = FORMS.get(kind) or tuple(choice for found in FORMS.values() for choice in found)
        self.fields["form"].choices = choices  # type: ignore[attr-defined]
        used = {name for form, _ in choices for name in FIELDS[form]}
        for name in {name for found in FIELDS.values() for name in found} - used:
            del self.fields[name]

    @property
    def parts(self) -> list[tuple[str, list[Any]]]:
        """The fields of each kind, for the page."""
        common = {"title", "currency", "price", "form"}
        found: dict[str, list[str]] = {}
        for name in self.fields:
            if name not in common:
                kinds = " ".join(form for form, fields in FIELDS.items() if name in fields)
                found.setdefault(kinds, []).append(name)
        return [(kinds, [self[name] for name in names]) for kinds, names in found.items()]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in FIELDS.get(data.get("form", ""), ()):
            if name != "standing" and name in self.fields and data.get(name) in (None, ""):
                self.add_error(name, "This belongs to the offer.")
        return data

    def terms(self) -> dict[str, Any]:
        """The terms as an offer declares them. Raises ``ValidationError`` for prices that are no numbers."""
        data = self.cleaned_data
        form = data["form"]
        found: dict[str, Any] = {"form": form}
        if form in ("flat", "two_rate", "hourly"):
            found["standing_micro_per_day"] = _micro(data.get("standing") or Decimal(0))
        if form == "flat":
            found["price_micro_per_kwh"] = _micro(data["kwh"])
        elif form == "two_rate":
            found |= {"low_micro_per_kwh": _micro(data["low"]), "high_micro_per_kwh": _micro(data["high"])}
            found["low_hours"] = hours_between(data["low_from"], data["low_to"])
        elif form == "hourly":
            found["micro_per_kwh"] = _prices(data["hourly"])
        elif form == "setback":
            found |= {"degrees": data["degrees"], "saving_pm_per_degree": data["saving"]}
            found |= {"min_absence_h": data["absence"], "price_micro_per_year": _micro(data["yearly"])}
        else:
            found |= {"avoided_pm": data["avoided"], "price_micro_per_year": _micro(data["yearly"])}
        return found


class RuleForm(forms.Form):
    """How orders of a version are answered."""

    rule = forms.ChoiceField(choices=OfferSheet.Rule.choices, label="Answer", widget=forms.RadioSelect)


class DeclineForm(forms.Form):
    """Why an order is declined; the home reads it."""

    reason = forms.ChoiceField(choices=list(REASONS.items()), label="Reason")


def hours_between(first: int, last: int) -> list[int]:
    """The hours of a day from ``first`` up to and without ``last``, over midnight if it lies before."""
    return sorted(hour % 24 for hour in range(first, last if last > first else last + 24))


def _micro(amount: Decimal) -> int:
    return int(amount * MICRO)


def _prices(text: str) -> list[int]:
    try:
        return [_micro(Decimal(part)) for part in text.replace(",", " ").replace(";", " ").split()]
    except InvalidOperation:
        raise forms.ValidationError("Prices are numbers with spaces between.") from None
