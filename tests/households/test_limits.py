"""The owner tunes the checks, on the page and by REST; the devices judge by it from the next batch on."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from households.consensus.batch import terms_parse
from households.consensus.errors import LimitOutOfBounds, LimitUnknown
from households.consensus.limits import TUNABLES, Limit
from households.models import Activity, Batch, Household, TunedLimit
from households.selectors.checks import limit_rows
from households.services.checks import limits_of, limits_reset, limits_set
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.intake import segments_store
from households.uploads.services.pipeline import uploads_advance
from marketplace.accounts.models import User
from tests.households.market import MemoryMarket
from tests.households.world import DAY_MS, START_MS, devices_new, everybody_votes, home_new, share

pytestmark = pytest.mark.django_db(databases="__all__")
PAGE, RESET, API = "households:checks", "households:checks_reset", "/api/v1/home/checks"
LEVEL = "temperature.level"


@pytest.fixture
def home(market: MemoryMarket, owner: User) -> Household:
    return home_new(owner_id=owner.pk)


@pytest.fixture
def client(home: Household, owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.fixture
def api(home: Household, owner: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


def form_of(client: Client, **changes: str) -> dict[str, str]:
    """What the browser would send: every field as it stands, but for the changes."""
    form = client.get(reverse(PAGE)).context["form"]
    return {name: str(field.initial) for name, field in form.fields.items()} | changes


def closed(home: Household, day: int = 0) -> Batch:
    batch = batch_close(household=home, cut_ms=START_MS + (day + 1) * DAY_MS)
    assert batch is not None
    uploads_advance(home)
    ledger_advance(home)
    batch.refresh_from_db()
    return batch


def test_a_moved_limit_decides_the_next_batch_and_no_batch_before_it(home: Household) -> None:
    devices = devices_new(home, 4)
    share(home, "climate")
    for day, rejected in ((0, 1), (1, 0)):
        for number, device in enumerate(devices):
            device.measure("temperature", day=day, shift=450 if number == 3 else day * 7 + number)
        batch = closed(home, day)
        limits_set(household=home, values={LEVEL: 6_000})
        everybody_votes(devices)
        batch.refresh_from_db()
        assert (batch.state, batch.series_rejected) == ("certified", rejected)
        assert terms_parse(bytes(batch.terms)).limits == ((Limit(LEVEL, 6_000),) if day else ())


def test_limits_stand_in_order_and_a_refused_one_changes_nothing(home: Household) -> None:
    limits_set(household=home, values={LEVEL: 4_000, "home.energy_share": 200})
    with pytest.raises(LimitOutOfBounds):
        limits_set(household=home, values={"home.plugs_share": 200, LEVEL: 99_000})
    with pytest.raises(LimitUnknown):
        limits_set(household=home, values={"home.copy_bits": 1})
    assert limits_of(home) == (Limit("home.energy_share", 200), Limit(LEVEL, 4_000))
    assert limits_set(household=home, values={LEVEL: TUNABLES[LEVEL].default}) == (Limit("home.energy_share", 200),)
    assert limits_reset(household=home) == () and not TunedLimit.objects.using("home").exists()
    assert Activity.objects.using("home").filter(kind="checks.set").count() == 3


def test_the_hub_takes_readings_within_the_tuned_tolerance_of_its_clock(home: Household) -> None:
    (device,) = devices_new(home, 1)
    late = START_MS + 600_000
    first = device.segment("temperature", [START_MS], [2_000], backfilled=False)
    assert segments_store(device=device.row, raws=[first], received_ms=late)[0].code == "segment_out_of_time"
    limits_set(household=home, values={"home.clock_tolerance_ms": 900_000})
    assert segments_store(device=device.row, raws=[first], received_ms=late)[0].code == ""


def test_the_page_saves_all_limits_and_says_which_are_looser(client: Client, home: Household) -> None:
    changes = {LEVEL: "4.5", "home.clock_tolerance_ms": "2", "climate.temperature.low": "-30"}
    page = client.post(reverse(PAGE), form_of(client, **changes), follow=True).content.decode()
    assert "Saved." in page and "2 limits let more pass" in page
    assert {limit.name: limit.value for limit in limits_of(home)} == {
        LEVEL: 4_500, "home.clock_tolerance_ms": 120_000, "climate.temperature.low": -30_00,
    }  # fmt: skip
    assert "You have set 3 of the limits" in client.get(reverse("households:settings")).content.decode()
    client.post(reverse(RESET))
    assert limits_of(home) == ()


@pytest.mark.parametrize("wrong", ["99", "0", "x", "", "NaN", "1e400"])
def test_the_page_marks_a_wrong_limit_and_saves_nothing(client: Client, home: Household, wrong: str) -> None:
    answer = client.post(reverse(PAGE), form_of(client, **{LEVEL: wrong, "home.energy_share": "20"}))
    assert answer.status_code == 422 and answer.context["form"].errors[LEVEL]
    assert limits_of(home) == ()


def test_the_page_marks_a_range_whose_ends_cross(client: Client) -> None:
    crossed = {"climate.temperature.low": "30", "climate.temperature.high": "20"}
    answer = client.post(reverse(PAGE), form_of(client, **crossed))
    assert answer.status_code == 422 and answer.context["form"].errors["climate.temperature.low"]


def test_limits_of_devices_in_the_home_come_first(client: Client, home: Household) -> None:
    devices_new(home, 1)
    here = {row.scope for row in limit_rows(home) if row.here}
    assert here == {"home", "temperature", "humidity", "climate.temperature", "climate.humidity"}
    answer = client.get(reverse(PAGE))
    assert [group.title for group in answer.context["here"]] == [
        "The whole home", "Devices in one room", "Climate sensor",
    ]  # fmt: skip


def test_rest_shows_moves_and_resets_limits(api: APIClient, home: Household) -> None:
    shown = {row["name"]: row for row in api.get(API).json()}
    assert shown.keys() == TUNABLES.keys()
    assert (shown[LEVEL]["value"], shown[LEVEL]["tuned"]) == ("3.000", False)
    moved = api.patch(API, {"limits": {LEVEL: "4.5"}}, format="json").json()
    assert [row["value"] for row in moved if row["tuned"]] == ["4.500"]
    assert [row["name"] for row in moved if row["looser"]] == [LEVEL]
    assert not any(row["tuned"] for row in api.delete(API).json()) and limits_of(home) == ()


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({LEVEL: 99}, "limit_out_of_bounds"),
        ({"climate.temperature.low": Decimal("1.234")}, "limit_out_of_bounds"),
        ({"nothing": 1}, "limit_unknown"),
        ({LEVEL: "x"}, "input_invalid"),
        ({}, "input_invalid"),
    ],
)
def test_rest_refuses_with_a_code(api: APIClient, home: Household, limits: dict[str, object], code: str) -> None:
    answer = api.patch(API, {"limits": limits}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert limits_of(home) == ()
