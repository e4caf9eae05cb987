"""Forms of the owner's pages. They check shape only; services decide, and their refusals are put beside the fields."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django import forms

from chain.wallets.keystore import MIN_PASSPHRASE
from households.models import Device
from households.privacy.levels import LEVEL_TEXTS, Level
from households.selectors.devices import PERMISSION_NAMES
from households.services.rules import EXPIRY_DAYS_MAX, PRICE_MAX
from households.views.places import ELSEWHERE, NEAR, SIZES, cell_from
from households.views.words import PERMISSIONS
from marketplace.common.errors import InputError
from marketplace.common.licences import COPY, TRAINING

NAME_MAX = 60
PASSPHRASE_MAX = 200
WORDS_LENGTH_MAX = 400
WORD_MAX = 16
TIMES_MAX = 48
LIMIT_DIGITS, LIMIT_DECIMALS = 12, 3
LICENCE_TEXTS = ((COPY, "To use a copy"), (TRAINING, "To learn from at home"))
UNITS = (("m", "minutes"), ("h", "hours"), ("d", "days"))


def _secret(label: str, *, new: bool, help_text: str = "") -> forms.CharField:
    kind = "new-password" if new else "current-password"
    return forms.CharField(
        label=label,
        strip=False,
        min_length=MIN_PASSPHRASE if new else 1,
        max_length=PASSPHRASE_MAX,
        widget=forms.PasswordInput(attrs={"autocomplete": kind}),
        help_text=help_text,
    )


def _words_field() -> forms.CharField:
    quiet = {"rows": 3, "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "class": "mono"}
    return forms.CharField(
        label="The wallet's words",
        max_length=WORDS_LENGTH_MAX,
        widget=forms.Textarea(attrs=quiet),
        help_text="All of them, in their order, with spaces between.",
    )


class NewPassphrase(forms.Form):
    """A passphrase, typed twice."""

    passphrase = _secret(
        "Passphrase of the wallet",
        new=True,
        help_text=f"At least {MIN_PASSPHRASE} characters. It locks the words on this hub; nobody can reset it.",
    )
    again = _secret("The passphrase once more", new=True)

    def clean_again(self) -> str:
        again = str(self.cleaned_data["again"])
        if "passphrase" in self.cleaned_data and self.cleaned_data["passphrase"] != again:
            raise forms.ValidationError("The two passphrases differ.")
        return again


class PlaceForm(forms.Form):
    """Where the home is, only as exact as the owner wants. ``cleaned_data["cell"]`` is what is kept of it."""

    near = forms.ChoiceField(choices=NEAR, label="Near", required=True)
    latitude = forms.FloatField(required=False, min_value=-90, max_value=90, label="Latitude")
    longitude = forms.FloatField(required=False, min_value=-180, max_value=180, label="Longitude")
    size = forms.ChoiceField(choices=SIZES, initial=Level.COARSE.value, label="Size of the area")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if {"near", "size"} - set(data):
            return data
        try:
            data["cell"] = cell_from(data["near"], data["size"], data.get("latitude"), data.get("longitude"))
        except InputError as error:
            raise forms.ValidationError(error.detail) from error
        if data["cell"] is None and data["near"] == ELSEWHERE:
            self.add_error("latitude", "Give latitude and longitude, for example 51.5 and -0.1.")
        return data


class HomeForm(PlaceForm, NewPassphrase):
    """A new home."""

    name = forms.CharField(
        max_length=NAME_MAX, initial="My home", label="Name of the home", help_text="Only you see it."
    )
    field_order: Iterable[str] | None = ("name", "near", "latitude", "longitude", "size", "passphrase", "again")


class RestoreHomeForm(HomeForm):
    """A home whose wallet exists already."""

    words = _words_field()
    field_order: Iterable[str] | None = (
        "words",
        "name",
        "near",
        "latitude",
        "longitude",
        "size",
        "passphrase",
        "again",
    )


class RestoreForm(NewPassphrase):
    """The wallet of this home, put back from its words."""

    words = _words_field()
    field_order: Iterable[str] | None = ("words", "passphrase", "again")


class PassphraseForm(forms.Form):
    """The passphrase alone."""

    passphrase = _secret("Passphrase of the wallet", new=False)


class WordsForm(PassphraseForm):
    """Some of the words by their position from 1, to show that they were written down."""

    def __init__(self, positions: Sequence[int], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.positions = list(positions)
        quiet = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        asked = {
            f"word_{place}": forms.CharField(label=f"Word {place}", max_length=WORD_MAX, widget=forms.TextInput(quiet))
            for place in self.positions
        }
        self.fields = {**asked, **self.fields}

    def words(self) -> dict[int, str]:
        """What was typed, by position."""
        return {place: self.cleaned_data[f"word_{place}"] for place in self.positions}


class ConsentForm(forms.Form):
    """That both texts were read. ``text`` names the version that was shown."""

    text = forms.CharField(widget=forms.HiddenInput)
    consent = forms.BooleanField(label="I have read what sharing means and agree to it.")
    licence = forms.BooleanField(label="I have read the licence under which buyers get a copy.")


class SettingsForm(forms.Form):
    """What the owner may change of the home itself. Times are in seconds."""

    name = forms.CharField(max_length=NAME_MAX, label="Name of the home", help_text="Only you see it.")
    interval_s = forms.FloatField(min_value=0.25, max_value=86_400, label="Devices measure every … seconds")
    upload_s = forms.FloatField(min_value=0.25, max_value=86_400, label="Devices send every … seconds")
    auto_accept = forms.BooleanField(
        required=False,
        label="A device with a pairing code joins without a click",
        help_text="Devices without a code always wait in the inbox.",
    )


class NameForm(forms.Form):
    """A device's name."""

    name = forms.CharField(max_length=NAME_MAX, label="Name", help_text="Stays in the home.")


class AcceptForm(forms.Form):
    """How a found device comes in; all of it may stay empty."""

    name = forms.CharField(max_length=NAME_MAX, required=False, label="Name")
    area = forms.CharField(max_length=64, required=False, label="Room")


class PermissionsForm(forms.Form):
    """What a device may do."""

    permissions = forms.MultipleChoiceField(
        required=False,
        choices=[(name, PERMISSIONS[name][0]) for name in PERMISSION_NAMES],
        widget=forms.CheckboxSelectMultiple,
    )

    def bits(self) -> int:
        return sum(PERMISSION_NAMES[name] for name in self.cleaned_data["permissions"])


class RuleForm(forms.Form):
    """The owner's rule for one class of devices."""

    share = forms.BooleanField(required=False, label="Share what these devices measure")
    level = forms.ChoiceField(choices=[(level.value, LEVEL_TEXTS[level]) for level in Level], label="How coarse")
    licence = forms.ChoiceField(choices=LICENCE_TEXTS, required=False, label="What it is offered for")
    price = forms.IntegerField(min_value=1, max_value=PRICE_MAX, label="Price of a lot, in credits")
    expiry_days = forms.IntegerField(min_value=1, max_value=EXPIRY_DAYS_MAX, label="The offer ends after … days")

    def clean_licence(self) -> str:
        return str(self.cleaned_data["licence"] or COPY)


class AskedLimit(NamedTuple):
    """One limit as its field asks for it."""

    name: str
    value: Decimal
    lowest: Decimal
    highest: Decimal
    label: str
    text: str


class LimitsForm(forms.Form):
    """The limits of the checks: one number for each."""

    def __init__(self, asked: Iterable[AskedLimit], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {
            limit.name: forms.DecimalField(
                initial=limit.value,
                min_value=limit.lowest,
                max_value=limit.highest,
                max_digits=LIMIT_DIGITS,
                decimal_places=LIMIT_DECIMALS,
                label=limit.label,
                help_text=limit.text,
                widget=forms.NumberInput({"step": "any", "inputmode": "decimal"}),
            )
            for limit in asked
        }


class ScheduleForm(forms.Form):
    """When batches are closed, as one of three kinds of text that ``households.uploads.schedule`` reads."""

    kind = forms.ChoiceField(
        choices=(("every", "Every so often"), ("daily", "At times of the day"), ("cron", "By a cron line")),
        widget=forms.RadioSelect,
        label="When",
    )
    count = forms.IntegerField(required=False, min_value=1, max_value=100_000, label="Every")
    unit = forms.ChoiceField(required=False, choices=(("s", "seconds"), *UNITS), label="Unit")
    times = forms.CharField(required=False, max_length=TIMES_MAX, label="Times", help_text="For example 03:00, 15:30.")
    cron = forms.CharField(
        required=False,
        max_length=TIMES_MAX,
        label="Cron line",
        help_text="Minute, hour, day of the month, month, day of the week: 0 */6 * * *",
    )
    zone = forms.ChoiceField(label="Time zone")
    enabled = forms.BooleanField(required=False, label="Upload on schedule", help_text="Off: only when you say so.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))
        field = self.fields["zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in zones)]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        needed = {"every": "count", "daily": "times", "cron": "cron"}.get(str(data.get("kind", "")))
        if needed and not self.errors.get(needed) and not data.get(needed):
            self.add_error(needed, "Fill this in, or choose another kind.")
        return data

    def text(self) -> str:
        """The schedule as it is written down."""
        data = self.cleaned_data
        if data["kind"] == "every":
            return f"every {data['count']}{data['unit'] or 'h'}"
        return f"{data['kind']} {' '.join(str(data['times' if data['kind'] == 'daily' else 'cron']).split())}"

    @staticmethod
    def values_of(text: str, zone: str, enabled: bool) -> Mapping[str, Any]:
        """The form's fields for a schedule that stands."""
        kind, _, rest = text.partition(" ")
        shown: dict[str, Any] = {"kind": kind, "zone": zone, "enabled": enabled, "unit": "h", "count": 6}
        if kind == "every":
            return shown | {"count": int(rest[:-1]), "unit": rest[-1]}
        return shown | {"times" if kind == "daily" else "cron": rest}


class SweepForm(forms.Form):
    """That the owner has read what a move to the master wallet links."""

    understood = forms.BooleanField(label="I understand that the lots behind these addresses can then be linked.")


class RecoverForm(PassphraseForm):
    """The devices that shall vote from now on."""

    def __init__(self, devices: Sequence[Device], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        voters = forms.MultipleChoiceField(
            choices=[(str(device.pk), device.name) for device in devices],
            widget=forms.CheckboxSelectMultiple,
            label="Devices that vote from now on",
        )
        self.fields = {"voters": voters, **self.fields}
