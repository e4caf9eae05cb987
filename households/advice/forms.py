"""Forms of the pages on advice. They check shape only; services decide."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django import forms

from fedlearn.learners.recommend.offers import PRICE_MAX, STANDING_MAX, YEARLY_MAX
from households.advice.running import present_offer
from households.forms import PASSPHRASE_MAX

MICRO: Final = 1_000_000
CURRENCIES: Final = ("EUR", "GBP", "USD", "CHF", "PLN", "SEK", "DKK", "NOK", "CZK")


def _amount(label: str, most_micro: int, step: str, help_text: str, **options: Any) -> forms.DecimalField:
    widget = forms.NumberInput({"step": step, "inputmode": "decimal"})
    most = Decimal(most_micro) / MICRO
    return forms.DecimalField(
        label=label, required=False, min_value=Decimal(0), max_value=most, max_digits=12, decimal_places=4,
        widget=widget, help_text=help_text, **options,
    )  # fmt: skip


class AskForm(forms.Form):
    """What the home pays now, for the comparison. It stays at home."""

    price = _amount("Your price now, for a kilowatt-hour", PRICE_MAX, "0.0001", "For instance 0.32. Empty: not known.")
    standing = _amount("Standing charge, a day", STANDING_MAX, "0.0001", "For instance 0.40.")
    currency = forms.ChoiceField(label="Currency", choices=[(code, code) for code in CURRENCIES])
    heating = _amount("What heating costs you in a year", YEARLY_MAX, "0.01", "Needed to judge a setback.")

    def __init__(self, task: str, *args: Any) -> None:
        super().__init__(*args)
        unused = ("heating",) if task == "next_hour_load" else ("price", "standing", "currency")
        if task == "comfort":
            unused = (*unused, "heating")
        for name in unused:
            del self.fields[name]

    @property
    def present(self) -> dict[str, Any] | None:
        """The present tariff as an offer, or None where it is not known."""
        price = self.cleaned_data.get("price")
        if price is None:
            return None
        standing = self.cleaned_data.get("standing") or Decimal(0)
        return present_offer(int(price * MICRO), int(standing * MICRO), self.cleaned_data["currency"])

    @property
    def heating_year_micro(self) -> int | None:
        heating = self.cleaned_data.get("heating")
        return None if heating is None else int(heating * MICRO)


class OrderForm(forms.Form):
    """The owner's last word before an order. ``price`` is the one that was shown."""

    price = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    read = forms.BooleanField(
        label="I know what leaves with this order.", error_messages={"required": "Read what leaves first."}
    )
    passphrase = forms.CharField(
        label="Passphrase of the wallet",
        strip=False,
        max_length=PASSPHRASE_MAX,
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
        help_text="It opens the master wallet for this one transfer.",
    )

    def __init__(self, price: int, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not price:
            del self.fields["passphrase"]
