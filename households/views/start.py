"""Setting a home up: place and wallet, the words shown once, some of them confirmed, the text on sharing agreed to."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chain.wallets.hd import words_normalise
from households.errors import HouseholdExists
from households.forms import ConsentForm, HomeForm, PassphraseForm, PlaceForm, RestoreHomeForm, WordsForm
from households.models import Household
from households.selectors.households import owner_home
from households.services.households import consent_give, consent_present, household_create
from households.services.wallets import WORDS_ASKED, wallet_confirm_words, wallet_open
from households.views.access import owner_page, refusal_text, show
from households.views.places import CellFacts, cell_facts
from households.views.texts import paragraphs
from marketplace.accounts.models import Kind
from marketplace.accounts.permissions import role_required
from marketplace.common.errors import HearthError
from marketplace.common.licences import CONSENT, COPY, current

WORDS_COUNT = 24
STEPS = ("Home and wallet", "Note the words", "Confirm them", "Agree to sharing", "First device")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@role_required(Kind.OWNER)
def start(request: HttpRequest) -> HttpResponse:
    """A new home with a new wallet. The answer to the form shows the words: they are on no other page."""
    if owner_home(_user_id(request)) is not None:
        return _further(request)
    form = HomeForm(request.POST or None)
    if request.method == "POST" and "check" in request.POST:
        return _form_page(request, PlaceForm(request.POST), form=HomeForm(initial=request.POST.dict()))
    if request.method == "POST" and form.is_valid():
        return _create(request, form)
    return _form_page(request, form, form=form)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@role_required(Kind.OWNER)
def restore(request: HttpRequest) -> HttpResponse:
    """A new home for a wallet that exists already."""
    if owner_home(_user_id(request)) is not None:
        return _further(request)
    form = RestoreHomeForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _restored(request, form):
        messages.success(request, "The wallet is back.")
        return redirect("households:start_consent")
    return _form_page(request, form, form=form, restoring=True)


@require_GET
@role_required(Kind.OWNER)
def cell(request: HttpRequest) -> HttpResponse:
    """The fragment that says which cell was chosen and how many homes share it."""
    form = PlaceForm(request.GET)
    found = cell_facts(form.cleaned_data["cell"]) if form.is_valid() and form.cleaned_data["cell"] else None
    return show(request, "households/parts/cell.html", {"cell": found, "form": form})


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@role_required(Kind.OWNER)
def confirm(request: HttpRequest) -> HttpResponse:
    """Type some of the words. Which ones are asked is drawn anew for each visit."""
    home = owner_home(_user_id(request))
    if home is None or home.state != Household.State.NEW:
        return _further(request)
    form = WordsForm(_positions(request), request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            wallet_confirm_words(household=home, positions=form.words(), passphrase=form.cleaned_data["passphrase"])
        except HearthError as error:
            form.add_error(None, refusal_text(error))
        else:
            return redirect("households:start_consent")
    context = {"form": form, "again": PassphraseForm(prefix="again"), "steps": _steps(2)}
    return show(request, "households/start/confirm.html", context)


@never_cache
@sensitive_post_parameters()
@sensitive_variables("words")
@require_POST
@role_required(Kind.OWNER)
def words_again(request: HttpRequest) -> HttpResponse:
    """Before they are confirmed, and only then, the words can be had once more for the passphrase."""
    home = owner_home(_user_id(request))
    if home is None or home.state != Household.State.NEW:
        return _further(request)
    form = PassphraseForm(request.POST, prefix="again")
    if form.is_valid():
        try:
            words = wallet_open(household=home, passphrase=form.cleaned_data["passphrase"])
        except HearthError as error:
            form.add_error("passphrase", refusal_text(error))
        else:
            return _words_page(request, words)
    context = {"form": WordsForm(_positions(request)), "again": form, "steps": _steps(2)}
    return show(request, "households/start/confirm.html", context)


@require_http_methods(["GET", "POST"])
@owner_page
def consent(request: HttpRequest, home: Household) -> HttpResponse:
    """The text on sharing and the buyers' licence, both to be read; without a yes nothing ever leaves."""
    text, licence = current(CONSENT), current(COPY)
    form = ConsentForm(request.POST or None, initial={"text": text.name})
    if request.method == "POST" and form.is_valid():
        try:
            consent_give(household=home, text_name=form.cleaned_data["text"])
        except HearthError as error:
            form.add_error(None, refusal_text(error))
        else:
            messages.success(request, "Thank you. Nothing is shared until you say what, on the page Sharing.")
            return redirect("households:devices")
    context = {
        "form": form,
        "given": consent_present(home),
        "consent_text": text,
        "consent_points": paragraphs(text.body),
        "licence_text": licence,
        "licence_points": paragraphs(licence.body),
        "steps": _steps(3),
    }
    return show(request, "households/start/consent.html", context)


@sensitive_variables("words")
def _create(request: HttpRequest, form: HomeForm) -> HttpResponse:
    data = form.cleaned_data
    try:
        _, words = household_create(
            owner_id=_user_id(request), cell=data["cell"], passphrase=data["passphrase"], name=data["name"]
        )
    except HouseholdExists:
        return _further(request)
    except HearthError as error:
        form.add_error(None, refusal_text(error))
        return _form_page(request, form, form=form)
    return _words_page(request, words)


@sensitive_variables("words")
def _restored(request: HttpRequest, form: RestoreHomeForm) -> bool:
    """Who types all the words has shown that they are written down."""
    data = form.cleaned_data
    try:
        words = words_normalise(data["words"])
        home, _ = household_create(
            owner_id=_user_id(request),
            cell=data["cell"],
            passphrase=data["passphrase"],
            name=data["name"],
            words=words,
        )
    except HearthError as error:
        form.add_error(None, refusal_text(error))
        return False
    first = dict(enumerate(words.split()[:WORDS_ASKED], start=1))
    wallet_confirm_words(household=home, positions=first, passphrase=data["passphrase"])
    return True


@sensitive_variables("words")
def _words_page(request: HttpRequest, words: str) -> HttpResponse:
    context = {"words": words.split(), "steps": _steps(1)}
    return render(request, "households/start/words.html", context)


def _form_page(request: HttpRequest, place: PlaceForm, *, form: HomeForm, restoring: bool = False) -> HttpResponse:
    """The form; what is known of the chosen cell stands in it once a place was chosen."""
    found: CellFacts | None = None
    if place.is_bound and place.is_valid() and place.cleaned_data["cell"]:
        found = cell_facts(place.cleaned_data["cell"])
    context = {"form": form, "cell": found, "restoring": restoring, "steps": _steps(0)}
    return show(request, "households/start/home.html", context)


def _positions(request: HttpRequest) -> list[int]:
    """The words that the sent form was asked for, or fresh ones."""
    sent = [name.removeprefix("word_") for name in request.POST if name.startswith("word_")]
    places = sorted({int(place) for place in sent if place.isdecimal() and 1 <= int(place) <= WORDS_COUNT})
    if len(places) == WORDS_ASKED:
        return places
    return sorted(secrets.SystemRandom().sample(range(1, WORDS_COUNT + 1), WORDS_ASKED))


def _further(request: HttpRequest) -> HttpResponse:
    """To where the setting-up of this owner's home stands."""
    home = owner_home(_user_id(request))
    if home is None:
        return redirect("households:start")
    if home.state == Household.State.NEW:
        return redirect("households:start_confirm")
    return redirect("households:overview" if consent_present(home) else "households:start_consent")


def _steps(now: int) -> list[dict[str, Any]]:
    states = ("done", "now", "todo")
    return [
        {"name": name, "state": states[(number > now) - (number < now) + 1], "number": number + 1}
        for number, name in enumerate(STEPS)
    ]


def _user_id(request: HttpRequest) -> int:
    return int(request.user.pk or 0)
