"""The forms of accounts."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms

from marketplace.accounts.models import User


class TokenForm(forms.Form):
    """A new API token."""

    label = forms.CharField(max_length=60, label="What is it for?")
    days = forms.TypedChoiceField(
        coerce=int,
        choices=[(30, "30 days"), (90, "90 days"), (365, "one year")],
        initial=90,
        label="Valid for",
    )


class ProfileForm(forms.ModelForm):
    """What a user may change about the account itself."""

    time_zone = forms.ChoiceField(required=False, label="Times are shown in")

    class Meta:
        model = User
        fields = ("time_zone",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith("Etc/"))
        field = self.fields["time_zone"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "my browser's time zone"), ("UTC", "UTC"), *((zone, zone) for zone in zones)]
