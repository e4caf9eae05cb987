"""What an owner does on the pages: devices, rules, schedule, uploads, wallet, and what a wrong form says."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from households.models import Batch, Candidate, Device, Household, MembershipChange, SharingRule, UploadSchedule
from households.services.households import consent_withdraw
from households.uploads.models import Lot
from marketplace.accounts.models import User
from tests.households.market import MemoryMarket
from tests.households.world import PASSPHRASE, TestDevice, devices_new, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")
CODE = re.compile(r'<code class="secret-once pairing">([A-Z0-9]+)</code>')


@pytest.fixture
def home(market: MemoryMarket, owner: User) -> Household:
    return home_new(owner_id=owner.pk)


@pytest.fixture
def client(home: Household, owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def messages_of(client: Client, address: str, data: dict[str, object] | None = None) -> str:
    return client.post(address, data or {}, follow=True).content.decode()


def test_a_found_device_is_let_in_with_one_click_and_another_turned_away(client: Client, home: Household) -> None:
    TestDevice(home, 1).greet()
    TestDevice(home, 2).greet()
    page = client.get(reverse("households:devices")).content.decode()
    assert "2 found" in page
    first, second = Candidate.objects.using("home").order_by("created_at")
    client.post(reverse("households:accept", args=[first.pk]))
    client.post(reverse("households:refuse", args=[second.pk]))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("accepted", "refused")
    assert Device.objects.using("home").count() == 1
    assert client.post(reverse("households:accept", args=[first.pk])).status_code == 404


def test_a_pairing_code_is_shown_on_one_answer_only(client: Client) -> None:
    shown = CODE.findall(client.post(reverse("households:pairing_code")).content.decode())
    assert len(shown) == 1 and len(shown[0]) == 10
    assert CODE.findall(client.get(reverse("households:devices")).content.decode()) == []


def test_permissions_are_asked_for_and_an_unknown_one_is_refused(client: Client, home: Household) -> None:
    device = devices_new(home, 2)[1].row
    address = reverse("households:device_permissions", args=[device.pk])
    assert client.post(address, {"permissions": ["fly"]}).status_code == 422
    client.post(address, {"permissions": ["vote", "read"]})
    change = MembershipChange.objects.using("home").get(device=device, call="devices.set_permissions")
    assert change.state == "queued"
    assert "Another change" in messages_of(client, address, {"permissions": ["vote"]})


def test_the_switch_asks_for_upload_and_sell_and_returns_only_to_our_own_pages(client: Client, home: Household) -> None:
    share(home, "climate")
    device = devices_new(home, 1)[0].row
    address = reverse("households:device_share", args=[device.pk])
    answer = client.post(address, {"on": "0", "next": "https://elsewhere.example/"})
    assert answer["Location"] == reverse("households:overview")
    assert MembershipChange.objects.using("home").filter(device=device, call="devices.set_permissions").exists()


@pytest.mark.parametrize(
    ("name", "call"), [("leave", "devices.leave"), ("revoke", "devices.revoke"), ("quarantine", "devices.quarantine")]
)
def test_changes_of_membership_are_queued_for_the_devices_vote(
    client: Client, home: Household, name: str, call: str
) -> None:
    device = devices_new(home, 1)[0].row
    client.post(reverse(f"households:device_{name}", args=[device.pk]))
    assert MembershipChange.objects.using("home").filter(device=device, call=call).exists()


def test_readmit_says_when_there_is_nothing_to_end(client: Client, home: Household) -> None:
    device = devices_new(home, 1)[0].row
    assert "not in quarantine" in messages_of(client, reverse("households:device_readmit", args=[device.pk]))


def test_rename_refuses_an_empty_name(client: Client, home: Household) -> None:
    device = devices_new(home, 1)[0].row
    address = reverse("households:device_rename", args=[device.pk])
    assert client.post(address, {"name": " "}).status_code == 422
    client.post(address, {"name": "Hall"})
    device.refresh_from_db()
    assert device.name == "Hall"


def test_a_names_angle_brackets_stay_text(client: Client, home: Household) -> None:
    device = devices_new(home, 1)[0].row
    client.post(reverse("households:device_rename", args=[device.pk]), {"name": "<b onload=x>"})
    body = client.get(reverse("households:device", args=[device.pk])).content.decode()
    assert "<b onload" not in body and "&lt;b onload=x&gt;" in body


@pytest.mark.parametrize(
    "changes",
    [{"price": "0"}, {"price": "-4"}, {"price": "much"}, {"level": "naked"}, {"expiry_days": "0"}, {"level": ""}],
)
def test_a_wrong_rule_changes_nothing_and_says_so(client: Client, changes: dict[str, str]) -> None:
    good = {"share": "on", "level": "coarse", "price": "5", "expiry_days": "30"}
    answer = client.post(reverse("households:rule", args=["climate"]), good | changes)
    assert answer.status_code == 422 and b"form-error" in answer.content
    assert not SharingRule.objects.using("home").exists()


def test_a_rule_is_saved_and_sharing_without_consent_is_refused(client: Client, home: Household) -> None:
    address = reverse("households:rule", args=["climate"])
    rule = {"share": "on", "level": "fine", "price": "7", "expiry_days": "30"}
    client.post(address, rule)
    saved = SharingRule.objects.using("home").get()
    assert (saved.share, saved.level, saved.price) == (True, "fine", 7)
    consent_withdraw(household=home)
    answer = client.post(address, rule)
    assert answer.status_code == 422 and "agreed" in answer.content.decode()
    assert client.post(reverse("households:rule", args=["teapot"]), rule).status_code == 404


def test_examples_show_a_reading_before_and_after_each_level(client: Client) -> None:
    body = client.get(reverse("households:sharing")).content.decode()
    assert "07:31:12 · 21.37 °C" in body
    assert "07:00 to 08:00 · 21.50 °C" in body


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": "every", "count": "15", "unit": "m"}, "every 15m"),
        ({"kind": "daily", "times": "03:00, 15:30"}, "daily 03:00, 15:30"),
        ({"kind": "cron", "cron": "0 */6 * * *"}, "cron 0 */6 * * *"),
    ],
)
def test_each_kind_of_schedule_is_saved(client: Client, fields: dict[str, str], text: str) -> None:
    client.post(reverse("households:schedule"), {"zone": "Europe/London", "enabled": "on", **fields})
    saved = UploadSchedule.objects.using("home").get()
    assert (saved.text, saved.zone, saved.enabled) == (text, "Europe/London", True)
    assert client.get(reverse("households:uploads")).status_code == 200


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "every"},
        {"kind": "daily", "times": "25:00"},
        {"kind": "cron", "cron": "* * *"},
        {"kind": "sometimes"},
        {"kind": "every", "count": "1", "unit": "m", "zone": "Mars/Base"},
    ],
)
def test_a_wrong_schedule_is_said_and_changes_nothing(client: Client, fields: dict[str, str]) -> None:
    answer = client.post(reverse("households:schedule"), {"zone": "UTC", "enabled": "on", **fields})
    assert answer.status_code == 422
    assert UploadSchedule.objects.using("home").get().text == "daily 03:00"


def test_upload_now_closes_a_batch_or_says_that_nothing_waits(client: Client, home: Household) -> None:
    assert "no new readings" in messages_of(client, reverse("households:upload_now"))
    devices_new(home, 1)[0].measure("temperature")
    assert "is closed" in messages_of(client, reverse("households:upload_now"))
    assert Batch.objects.using("home").count() == 1


def test_the_preview_shows_before_and_after_of_what_waits(client: Client, home: Household) -> None:
    share(home, "climate", level="coarse")
    devices_new(home, 1)[0].measure("temperature")
    body = client.get(reverse("households:data")).content.decode()
    assert "Would leave" in body and "What a buyer reads" in body and "of 100 points" in body
    staying = client.get(reverse("households:data"), {"series": "nothing.here"})
    assert staying.status_code == 200


def test_void_says_when_no_round_is_open(client: Client) -> None:
    assert "No proposal is open" in messages_of(client, reverse("households:void"))


def test_a_move_needs_the_tick_that_its_warning_was_read(client: Client) -> None:
    address = reverse("households:wallet_move")
    assert "Confirm that you have read the warning" in messages_of(client, address)
    assert "No micro-wallet holds credits" in messages_of(client, address, {"understood": "on"})
    assert client.post(address, {"device": "not-a-uuid", "understood": "on"}).status_code == 404


def test_restore_refuses_the_words_of_another_wallet(client: Client) -> None:
    other = "abandon " * 23 + "art"
    answer = client.post(
        reverse("households:wallet_restore"), {"words": other, "passphrase": PASSPHRASE, "again": PASSPHRASE}
    )
    assert "belong to another wallet" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_recover_is_refused_while_the_voters_are_not_silent(client: Client, home: Household) -> None:
    device = devices_new(home, 1)[0].row
    answer = client.post(reverse("households:recover"), {"voters": [str(device.pk)], "passphrase": PASSPHRASE})
    assert answer.status_code == 200 and "refused" in answer.content.decode()
    wrong = client.post(reverse("households:recover"), {"voters": [str(device.pk)], "passphrase": "not-this-one"})
    assert wrong.status_code == 200 and "passphrase" in wrong.content.decode()


def test_a_lot_that_is_not_on_offer_cannot_be_taken_down(client: Client, home: Household) -> None:
    assert client.post(reverse("households:take_down", args=[home.pk])).status_code == 404
    assert not Lot.objects.using("home").exists()


def test_settings_are_saved_within_bounds(client: Client, home: Household) -> None:
    address = reverse("households:settings")
    client.post(address, {"name": "Rose Cottage", "interval_s": "5", "upload_s": "10"})
    home.refresh_from_db()
    assert (home.name, home.interval_ms, home.upload_ms, home.auto_accept) == ("Rose Cottage", 5_000, 10_000, False)
    answer = client.post(address, {"name": "", "interval_s": "0", "upload_s": "never"})
    assert answer.status_code == 200 and answer.content.decode().count("form-error") == 3
