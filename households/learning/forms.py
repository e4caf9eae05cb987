"""Forms of the pages on learning. They check shape only; services decide."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms

from chain.wallets.address import AddressInvalid, address_parse
from households.learning.questions import MICRO
from households.learning.rules import LIMIT_MICRO_MAX, NAME_MAX, PERIODS, RULE_DAYS_MAX
from households.learning.words import ANY_ENTERPRISE, ANY_TASK, TASKS
from marketplace.common.templatetags.hearth import short

ANY, OTHER = "", "other"
LIMIT_MAX = Decimal(LIMIT_MICRO_MAX) / MICRO
LEAST = Decimal("0.01")


def _epsilon(label: str, **options: Any) -> forms.DecimalField:
    widget = forms.NumberInput({"step": "0.01", "inputmode": "decimal"})
    return forms.DecimalField(
        label=label, min_value=LEAST, max_value=LIMIT_MAX, max_digits=6, decimal_places=2, widget=widget, **options
    )


def micro_of(value: Decimal) -> int:
    """A typed epsilon in millionths."""
    return int(value * MICRO)


class GiveForm(forms.Form):
    """A new rule of consent. ``text`` names the version of the licence that was shown."""

    task = forms.ChoiceField(required=False, label="Purpose")
    classes = forms.MultipleChoiceField(
        label="Kinds of device",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one kind of device."},
    )
    who = forms.ChoiceField(required=False, label="Enterprise")
    address = forms.CharField(
        max_length=90,
        required=False,
        label="Its address",
        help_text="It begins with hearth1.",
        widget=forms.TextInput({"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(max_length=NAME_MAX, required=False, label="Its name", help_text="For your own eyes.")
    days = forms.IntegerField(min_value=1, max_value=RULE_DAYS_MAX, initial=90, label="It ends after … days")
    limit = _epsilon("Epsilon, at most", initial=Decimal(1), help_text="In all its time. Less is more private.")
    noiseless = forms.BooleanField(
        required=False,
        label="Also let jobs in that add no noise",
        help_text="Then only the sum over all homes hides yours, and nothing bounds what a model may keep of it.",
    )
    read = forms.BooleanField(
        label="I have read what learning at home means, and the licence.",
        error_messages={"required": "Read both first."},
    )
    text = forms.CharField(widget=forms.HiddenInput)

    def __init__(
        self, classes: Iterable[tuple[str, str]], enterprises: Iterable[tuple[str, str]], *args: Any, **kwargs: Any
    ) -> None:
        """``classes`` are (name, title), ``enterprises`` (address text, name) of those that are known already."""
        super().__init__(*args, **kwargs)
        self.names = dict(enterprises)
        known = [(address, f"{name or 'Without a name'} ({short(address)})") for address, name in self.names.items()]
        choices: dict[str, list[tuple[str, str]]] = {
            "task": [(ANY, ANY_TASK), *((name, title) for name, (title, _) in TASKS.items())],
            "classes": list(classes),
            "who": [(ANY, ANY_ENTERPRISE), *known, (OTHER, "One that I name")],
        }
        for name, found in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = found

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("who") == OTHER:
            try:
                data["address"] = address_parse(data.get("address", ""))
            except AddressInvalid as error:
                self.add_error("address", f"{error.detail}. {error.hint}")
        return data

    def enterprise(self) -> tuple[bytes, str]:
        """Address (20 bytes, or none for any) and name."""
        who = self.cleaned_data["who"]
        if who == ANY:
            return b"", ""
        if who == OTHER:
            return self.cleaned_data["address"], self.cleaned_data["name"]
        return address_parse(who), self.names[who]


class LimitForm(forms.Form):
    """The home's own limit."""

    limit = _epsilon("Epsilon, at most")
    period = forms.TypedChoiceField(coerce=int, choices=list(PERIODS.items()), label="Within")
