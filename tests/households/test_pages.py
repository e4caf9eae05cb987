"""Who may see each page of a home, in whole and in part; that pages of full and of empty homes come up."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse

from households.models import Batch, BlockProposal, Device, Household, Lot
from households.services.devices import device_leave
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from households.views.devices import PATIENCE
from marketplace.accounts.models import User
from tests import factories
from tests.households.market import MemoryMarket
from tests.households.world import DAY_MS, START_MS, TestDevice, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")

HTMX = {"HX-Request": "true"}
PAGES = (
    "overview", "devices", "data", "sharing", "uploads", "wallet", "wallet_restore", "recover", "settings",
    "start_consent",
)  # fmt: skip
OF_DEVICE = ("device", "wallet_micro")
PARTS = {
    "overview": ("figures", "chart", "devices", "side"),
    "devices": ("body", "inbox", "vote"),
    "uploads": ("next", "batches"),
    "data": ("",),
    "wallet": ("",),
}
ACTIONS = (
    "pairing_code", "consent_withdraw", "schedule", "upload_now", "void", "wallet_move", "start_words",
)  # fmt: skip
DEVICE_ACTIONS = (
    "device_rename", "device_permissions", "device_share", "device_readmit", "device_quarantine", "device_rotate",
    "device_leave", "device_revoke",
)  # fmt: skip


@dataclass
class Furnished:
    """A home of four devices, one of which lies, with a batch that was voted on."""

    owner: User
    home: Household
    devices: list[TestDevice]
    batch: Batch

    @property
    def liar(self) -> Device:
        return self.devices[3].row


@pytest.fixture
def furnished(market: MemoryMarket, owner: User) -> Furnished:
    home = home_new(owner_id=owner.pk)
    devices = devices_new(home, 4)
    share(home, "climate")
    for number, device in enumerate(devices):
        device.measure("temperature", shift=900 if number == 3 else 0)
    batch = batch_close(household=home, cut_ms=START_MS + DAY_MS)
    assert batch is not None
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    for _ in range(4):
        Lot.objects.using("home").update(next_try_at=batch.created_at)
        uploads_advance(home)
    batch.refresh_from_db()
    return Furnished(owner, home, devices, batch)


def as_user(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def addresses(furnished: Furnished) -> list[str]:
    device = furnished.devices[0].row.pk
    return [
        *(reverse(f"households:{name}") for name in PAGES),
        *(reverse(f"households:{name}", args=[device]) for name in OF_DEVICE),
        reverse("households:batch", args=[furnished.batch.pk]),
    ]


def test_the_owner_sees_every_page_of_a_furnished_home_and_none_is_kept_by_a_cache(furnished: Furnished) -> None:
    client = as_user(furnished.owner)
    for address in addresses(furnished):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "no-store" in answer["Cache-Control"], address


def test_every_part_of_a_page_comes_alone_for_htmx(furnished: Furnished) -> None:
    client = as_user(furnished.owner)
    asked = [(f"households:{name}", part, []) for name, parts in PARTS.items() for part in parts]
    device = furnished.devices[0].row.pk
    asked += [("households:device", part, [device]) for part in ("top", "readings", "standing")]
    asked += [("households:batch", "", [furnished.batch.pk]), ("households:wallet_micro", "", [device])]
    for name, part, args in asked:
        answer = client.get(reverse(name, args=args), {"part": part}, headers=HTMX)
        body = answer.content.decode()
        assert answer.status_code == 200, (name, part)
        assert "<html" not in body and "hx-get" in body, (name, part)


def test_an_unknown_part_is_taken_as_the_first_one(furnished: Furnished) -> None:
    answer = as_user(furnished.owner).get(reverse("households:overview"), {"part": "../../secrets"}, headers=HTMX)
    assert answer.status_code == 200 and b'id="figures"' in answer.content


def test_members_and_operators_are_refused_and_strangers_sent_to_the_log_in(
    furnished: Furnished, member: User, operator: User
) -> None:
    for address in [*addresses(furnished), reverse("households:start"), reverse("households:start_cell")]:
        for user in (member, operator):
            assert as_user(user).get(address).status_code == 403, address
            assert as_user(user).get(address, headers=HTMX).status_code == 403, address
        stranger = as_user(None).get(address)
        assert stranger.status_code == 302 and stranger["Location"].startswith("/accounts/login/"), address
        fragment = as_user(None).get(address, headers=HTMX)
        assert fragment.status_code == 204 and fragment["HX-Redirect"].startswith("/accounts/login/"), address


def test_another_owner_finds_nothing_of_this_home(furnished: Furnished, other_owner: User) -> None:
    home_new(owner_id=other_owner.pk)
    client = as_user(other_owner)
    device, lot = furnished.devices[0].row.pk, Lot.objects.using("home").first()
    assert lot is not None
    for name in OF_DEVICE:
        assert client.get(reverse(f"households:{name}", args=[device])).status_code == 404, name
        assert client.get(reverse(f"households:{name}", args=[device]), headers=HTMX).status_code == 404, name
    assert client.get(reverse("households:batch", args=[furnished.batch.pk])).status_code == 404
    for name in DEVICE_ACTIONS:
        assert client.post(reverse(f"households:{name}", args=[device])).status_code == 404, name
    assert client.post(reverse("households:take_down", args=[lot.pk])).status_code == 404
    assert client.post(reverse("households:wallet_move"), {"device": str(device)}).status_code == 404
    name = furnished.devices[0].row.name
    for page in PAGES:
        assert name not in client.get(reverse(f"households:{page}")).content.decode(), page


def test_nobody_but_an_owner_may_act(furnished: Furnished, member: User, operator: User) -> None:
    device = furnished.devices[0].row.pk
    everything = [reverse(f"households:{name}") for name in ACTIONS]
    everything += [reverse(f"households:{name}", args=[device]) for name in DEVICE_ACTIONS]
    everything += [reverse("households:rule", args=["climate"]), reverse("households:accept", args=[uuid.uuid4()])]
    for address in everything:
        assert as_user(member).post(address).status_code == 403, address
        assert as_user(operator).post(address).status_code == 403, address
        assert as_user(None).post(address).status_code == 302, address
        assert as_user(furnished.owner).get(address).status_code == 405, address


def test_an_owner_without_a_home_is_sent_to_the_start_from_every_page(owner: User) -> None:
    client = as_user(owner)
    for name in PAGES:
        answer = client.get(reverse(f"households:{name}"))
        assert answer.status_code == 302 and answer["Location"] == reverse("households:start"), name
    fragment = client.get(reverse("households:overview"), headers=HTMX)
    assert fragment["HX-Redirect"] == reverse("households:start")


def test_pages_of_an_empty_home_say_what_to_do_first(market: MemoryMarket, owner: User) -> None:
    home_new(owner_id=owner.pk)
    client = as_user(owner)
    for name in PAGES:
        assert client.get(reverse(f"households:{name}")).status_code == 200, name
    body = client.get(reverse("households:overview")).content.decode()
    assert "Let the first device in" in body and "No devices yet" in body


def test_the_lying_device_is_named_with_the_reason_on_overview_device_and_batch(furnished: Furnished) -> None:
    client = as_user(furnished.owner)
    said = "far from what the other devices in the room measure"
    for address in (
        reverse("households:overview"),
        reverse("households:device", args=[furnished.liar.pk]),
        reverse("households:batch", args=[furnished.batch.pk]),
        reverse("households:uploads"),
    ):
        assert said in client.get(address).content.decode(), address


def test_a_batch_shows_every_voters_verdict(furnished: Furnished) -> None:
    body = as_user(furnished.owner).get(reverse("households:batch", args=[furnished.batch.pk])).content.decode()
    assert body.count('data-verdict="reject"') >= 3
    assert body.count('data-verdict="approve"') >= 6
    assert "Corroborated" in body and "Left out" in body


def test_a_silent_and_an_absent_device_are_told_apart_and_explained(furnished: Furnished) -> None:
    rows = Device.objects.using("home").filter(household=furnished.home)
    rows.filter(pk=furnished.devices[0].row.pk).update(connected="channel")
    rows.filter(pk=furnished.devices[1].row.pk).update(last_seen_at=furnished.batch.created_at)
    for address in (reverse("households:overview"), reverse("households:devices")):
        body = as_user(furnished.owner).get(address).content.decode()
        assert 'data-status="silent"' in body and 'data-status="offline"' in body, address
        assert "Connected, but it sends no readings" in body, address
        assert "Without its vote too few are left: 3 of 4 are needed." in body, address
    rows.exclude(pk=furnished.devices[1].row.pk).update(connected="channel")
    body = as_user(furnished.owner).get(reverse("households:devices")).content.decode()
    assert "Not connected. The others decide without it; 3 of 4 voters are enough." in body


def test_a_vote_on_members_that_takes_long_is_shown_with_who_answered(furnished: Furnished) -> None:
    device_leave(device=furnished.devices[0].row)
    ledger_advance(furnished.home)
    BlockProposal.objects.using("home").filter(state="open").update(created_at=furnished.home.created_at - PATIENCE)
    body = as_user(furnished.owner).get(reverse("households:devices")).content.decode()
    assert "A vote takes long" in body and "0 of 3 voters have answered" in body


def test_a_halted_home_says_so_on_its_pages(furnished: Furnished) -> None:
    Household.objects.using("home").filter(pk=furnished.home.pk).update(state="halted", halted_code="hub_equivocated")
    client = as_user(furnished.owner)
    for name in ("overview", "devices", "uploads", "wallet"):
        assert "ledger has halted" in client.get(reverse(f"households:{name}")).content.decode(), name
    answer = client.post(reverse("households:upload_now"), follow=True)
    assert "halted" in answer.content.decode()


def test_users_of_the_same_kind_share_no_page(owner: User) -> None:
    second = factories.owner()
    home_new(owner_id=owner.pk, name="Rose Cottage")
    home_new(owner_id=second.pk, name="Mill Lane")
    assert "Rose Cottage" not in as_user(second).get(reverse("households:settings")).content.decode()
