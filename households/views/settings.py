"""What the owner may change of the home itself."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from households.forms import SettingsForm
from households.models import Household
from households.services.checks import limits_of
from households.services.households import household_update
from households.services.nudges import agents_poke
from households.views.access import owner_page, refusal_text, show
from households.views.places import cell_facts
from marketplace.common.errors import HearthError


@require_http_methods(["GET", "POST"])
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """Name, pace of the devices, and who may join without a click."""
    shown = {
        "name": home.name,
        "interval_s": home.interval_ms / 1000,
        "upload_s": home.upload_ms / 1000,
        "auto_accept": home.auto_accept,
    }
    form = SettingsForm(request.POST or None, initial=shown)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            changed = household_update(
                household=home,
                name=data["name"],
                interval_ms=round(data["interval_s"] * 1000),
                upload_ms=round(data["upload_s"] * 1000),
                auto_accept=data["auto_accept"],
            )
        except HearthError as error:
            form.add_error(None, refusal_text(error))
        else:
            agents_poke(changed, "settings")
            messages.success(request, "Saved. Connected devices are told.")
            return redirect("households:settings")
    context = {"home": home, "form": form, "cell": cell_facts(home.cell), "tuned": len(limits_of(home))}
    return show(request, "households/settings.html", context)
