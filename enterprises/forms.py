"""Forms of the enterprise's pages."""

from __future__ import annotations

from typing import Any

from django import forms

from enterprises.checkout.models import Member

NAME_MAX = 120
WORDS_MAX = 100
SORTS = (
    ("newest", "Newest first"),
    ("cheapest", "Lowest price"),
    ("dearest", "Highest price"),
    ("largest", "Most rows"),
    ("earliest", "Earliest period"),
    ("latest", "Latest period"),
)


class RegisterForm(forms.Form):
    """Name and contact of an enterprise, as the market's operator will see them."""

    name = forms.CharField(max_length=NAME_MAX, label="Name of the organisation")
    contact = forms.EmailField(label="Contact e-mail", help_text="Where the market's operator can reach you.")


class MemberForm(forms.Form):
    """Somebody else who is to act for the enterprise."""

    email = forms.EmailField(label="E-mail", help_text="Of an enterprise account that belongs to no organisation yet.")
    role = forms.ChoiceField(choices=Member.Role.choices, initial=Member.Role.BUYER, label="Role")


class RoleForm(forms.Form):
    """Another role for a member."""

    role = forms.ChoiceField(choices=Member.Role.choices)


class ConfirmForm(forms.Form):
    """What was shown and agreed to: the sum, and the hashes of the licences."""

    total = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    licences = forms.RegexField(r"^([0-9a-f]{64}( |$))+\Z", widget=forms.HiddenInput)
    accept = forms.BooleanField(
        label="I accept the licence for all of these lots.",
        error_messages={"required": "Accept the licence to buy."},
    )

    def clean_licences(self) -> list[str]:
        return str(self.cleaned_data["licences"]).split()


class CatalogForm(forms.Form):
    """Search, price and period of the catalog. The facets are not here: their values come from the market."""

    q = forms.CharField(max_length=WORDS_MAX, required=False, label="Search")
    price_min = forms.IntegerField(min_value=0, required=False, label="Lowest price, credits")
    price_max = forms.IntegerField(min_value=0, required=False, label="Highest price, credits")
    start = forms.DateField(required=False, label="Not before", widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(required=False, label="Not after", widget=forms.DateInput(attrs={"type": "date"}))
    sort = forms.ChoiceField(choices=SORTS, required=False, label="Sort by")
    page = forms.IntegerField(min_value=1, max_value=1_000_000, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        low, high = found.get("price_min"), found.get("price_max")
        if low is not None and high is not None and low > high:
            self.add_error("price_max", "Less than the lowest price.")
        start, end = found.get("start"), found.get("end")
        if start and end and start > end:
            self.add_error("end", "Before the first day.")
        return found

    def query(self) -> dict[str, str]:
        """The valid filters as the market's parameters; what was refused is left out."""
        self.is_valid()
        found = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        if "start" in found:
            found["start"] = f"{found['start']}T00:00:00Z"
        if "end" in found:
            found["end"] = f"{found['end']}T23:59:59Z"
        return {name: str(value) for name, value in found.items()}
