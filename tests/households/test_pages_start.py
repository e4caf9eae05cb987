"""Setting a home up: the words are shown once, are in no cache and no session, and must be confirmed."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from households.models import Consent, HomeWallet, Household
from households.services.wallets import wallet_words_new
from marketplace.accounts.models import User
from marketplace.common.licences import CONSENT, current
from tests.households.market import MemoryMarket
from tests.households.world import PASSPHRASE

pytestmark = pytest.mark.django_db(databases="__all__")
HOME = {
    "name": "Rose Cottage", "near": "london", "size": "coarse", "passphrase": PASSPHRASE, "again": PASSPHRASE,
}  # fmt: skip
WORD = re.compile(r"<li>([a-z]+)</li>")


@pytest.fixture
def client(market: MemoryMarket, owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def created(client: Client) -> list[str]:
    return WORD.findall(client.post(reverse("households:start"), HOME).content.decode())


def confirm(client: Client, words: list[str], places: tuple[int, ...] = (2, 11, 24), **changes: str) -> Household:
    fields = {f"word_{place}": words[place - 1] for place in places} | {"passphrase": PASSPHRASE} | changes
    client.post(reverse("households:start_confirm"), fields)
    return Household.objects.using("home").get()


def test_the_words_stand_on_the_answer_to_the_form_and_on_no_page_afterwards(client: Client) -> None:
    answer = client.post(reverse("households:start"), HOME)
    words = WORD.findall(answer.content.decode())
    assert len(words) == 24
    assert "no-store" in answer["Cache-Control"]
    home = Household.objects.using("home").get()
    assert (home.state, home.cell) == ("new", "g50:103:-1")
    for name in ("start", "start_confirm", "overview", "wallet"):
        body = client.get(reverse(f"households:{name}"), follow=True).content.decode()
        assert WORD.findall(body) == [], name
    again = client.post(reverse("households:start"), HOME)
    assert again.status_code == 302 and WORD.findall(again.content.decode()) == []
    kept = " ".join(str(session.get_decoded()) for session in Session.objects.all())
    assert not any(f"'{word}'" in kept for word in words)


def test_three_right_words_make_the_home_active_and_then_the_words_are_shown_no_more(client: Client) -> None:
    words = created(client)
    assert confirm(client, words, word_11="zebra").state == "new"
    assert confirm(client, words, passphrase="another-lantern").state == "new"
    assert confirm(client, words).state == "active"
    assert HomeWallet.objects.using("home").get().words_confirmed_at is not None
    answer = client.post(reverse("households:start_words"), {"again-passphrase": PASSPHRASE})
    assert answer.status_code == 302


def test_before_they_are_confirmed_the_passphrase_shows_the_words_once_more(client: Client) -> None:
    words = created(client)
    wrong = client.post(reverse("households:start_words"), {"again-passphrase": "not-the-passphrase"})
    assert WORD.findall(wrong.content.decode()) == []
    right = client.post(reverse("households:start_words"), {"again-passphrase": PASSPHRASE})
    assert WORD.findall(right.content.decode()) == words
    assert "no-store" in right["Cache-Control"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"again": "something-else"}, "differ"),
        ({"passphrase": "short", "again": "short"}, "at least"),
        ({"near": ""}, "required"),
        ({"near": "elsewhere"}, "Give latitude and longitude"),
        ({"near": "elsewhere", "latitude": "95", "longitude": "0"}, "less than or equal to 90"),
        ({"near": "atlantis"}, "not one of the available choices"),
        ({"size": "exactly-here"}, "not one of the available choices"),
        ({"name": ""}, "required"),
    ],
)
def test_a_wrong_field_is_said_and_no_home_is_made(client: Client, changes: dict[str, str], said: str) -> None:
    answer = client.post(reverse("households:start"), HOME | changes)
    assert said in answer.content.decode()
    assert not Household.objects.using("home").exists()
    assert PASSPHRASE not in answer.content.decode()


def test_a_home_is_restored_from_words_and_needs_no_confirming(client: Client) -> None:
    words = wallet_words_new()
    answer = client.post(reverse("households:start_restore"), HOME | {"words": f"  {words.upper()} "})
    assert answer.status_code == 302 and answer["Location"] == reverse("households:start_consent")
    assert Household.objects.using("home").get().state == "active"
    assert HomeWallet.objects.using("home").get().words_confirmed_at is not None


def test_words_that_are_none_are_refused(client: Client) -> None:
    answer = client.post(reverse("households:start_restore"), HOME | {"words": "one two three"})
    assert answer.status_code == 200 and not Household.objects.using("home").exists()


def test_consent_needs_both_ticks_and_the_text_that_was_shown(client: Client) -> None:
    confirm(client, created(client))
    page, text = reverse("households:start_consent"), current(CONSENT).name
    assert current(CONSENT).title in client.get(page).content.decode()
    client.post(page, {"text": text, "consent": "on"})
    client.post(page, {"text": "consent-0", "consent": "on", "licence": "on"})
    assert not Consent.objects.using("home").exists()
    client.post(page, {"text": text, "consent": "on", "licence": "on"})
    assert Consent.objects.using("home").get().text == text


def test_the_fragment_of_the_area_says_how_many_homes_share_it(client: Client) -> None:
    page = reverse("households:start_cell")
    body = client.get(page, {"near": "london", "size": "coarse"}, headers={"HX-Request": "true"}).content.decode()
    assert "3 homes share" in body and "51.5° N" in body
    assert "without a place" in client.get(page, {"near": "nowhere", "size": "coarse"}).content.decode()
    assert "Choose a place" in client.get(page).content.decode()
