"""What may be learnt from: readings that the devices approved, on the ledger, licensed for training, and allowed."""

from __future__ import annotations

import numpy as np
import pytest
from django.utils import timezone

from chain.contracts.devices import rows as calls
from chain.contracts.market.rows import LotRow
from chain.core.codec import decode, encode
from chain.exchange.certificate import QuorumCertificate
from fedlearn.learners.table import LACKS_DEVICES, NotSuited, Table
from fedlearn.learners.templates import template
from households.consensus.readings import SignedSegment
from households.home.models import StoredSegment
from households.learning.errors import LotNotForTraining, RowsDoNotMatch
from households.learning.lots import classes_present, lots_for_training, quantities_present, stock_of
from households.learning.source import MOCK_ROWS, mock_series_of, mock_table_of, series_of, table_of, utc_offset_min
from households.models import Batch, Household, Lot
from households.services.devices import device_set_permissions
from households.services.schedules import schedule_set
from households.services.voting import ledger_advance
from tests.households.learning import QUANTITIES, TASK, day_listed, home_for_training, licensed, lot_ids
from tests.households.market import MemoryMarket
from tests.households.world import DAY_MS, START_MS, TestDevice, everybody_votes

pytestmark = pytest.mark.django_db(databases="__all__")
CLIMATE = frozenset({"climate"})


@pytest.fixture
def trained(market: MemoryMarket) -> tuple[Household, list[TestDevice]]:
    """A home with two days of lots for training."""
    home, devices = home_for_training()
    day_listed(home, devices, 0)
    day_listed(home, devices, 1)
    return home, devices


def test_the_ledger_knows_the_lots_as_lots_for_training(
    trained: tuple[Household, list[TestDevice]], market: MemoryMarket
) -> None:
    home, _ = trained
    rows: list[LotRow] = [market.lot(lot_id) for lot_id in lot_ids(home)]
    assert len(rows) == 4 and {row.digest.licence_kind for row in rows} == {"training"}
    assert {bytes(lot.licence) for lot in Lot.objects.using("home").all()} == {row.digest.licence for row in rows}


def test_the_rows_are_the_raw_readings_of_all_batches_in_units_and_in_order(
    trained: tuple[Household, list[TestDevice]],
) -> None:
    home, _ = trained
    series = series_of(home, lot_ids(home), CLIMATE)
    assert [(one.device_class, one.quantity) for one in series] == [("climate", name) for name in sorted(QUANTITIES)]
    for one in series:
        assert len(one.times_ms) == 2 * 288 and one.times_ms[0] == START_MS
        assert one.times_ms[-1] == START_MS + 2 * DAY_MS - 300_000
        assert one.values[1] == (QUANTITIES[one.quantity] + 7919 % 23) / 100
    table = table_of(home, template(TASK), lot_ids(home), CLIMATE, timezone.now())
    assert isinstance(table, Table) or table.code == "home_lacks_rows"


def test_a_template_gets_its_table(market: MemoryMarket) -> None:
    home, devices = home_for_training()
    for day in range(3):
        day_listed(home, devices, day)
    table = table_of(home, template(TASK), lot_ids(home), CLIMATE, timezone.now())
    assert isinstance(table, Table) and len(table) >= 48 and np.isfinite(table.x).all()
    missing = table_of(home, template("occupancy"), lot_ids(home), CLIMATE, timezone.now())
    assert isinstance(missing, NotSuited) and missing.code == LACKS_DEVICES


def test_a_series_that_the_devices_rejected_never_appears(market: MemoryMarket) -> None:
    home, devices = home_for_training(devices=4)
    batch = day_listed(home, devices, shifts={3: 2_500})
    assert batch.series_rejected == 2
    liar = devices[3].row
    lots = lot_ids(home, batch=batch)
    with pytest.raises(LotNotForTraining):
        series_of(home, lots, CLIMATE)
    rejected = lot_ids(home, device=liar)
    assert len(rejected) == 2
    for lot_id in rejected:
        with pytest.raises(LotNotForTraining):
            series_of(home, [lot_id], CLIMATE)
    good = series_of(home, sorted(set(lots) - set(rejected)), CLIMATE)
    assert len(good) == 6 and max(float(one.values.max()) for one in good if one.quantity == "temperature") < 22
    assert liar.pk not in {lot.device_id for lot in lots_for_training(home)}
    Lot.objects.using("home").filter(device=liar).update(state=Lot.State.LISTED, anchored_height=1)
    for lot_id in rejected:
        with pytest.raises(RowsDoNotMatch):
            series_of(home, [lot_id], CLIMATE)


def test_lots_to_copy_foreign_lots_and_lots_not_yet_on_the_ledger_are_refused(
    trained: tuple[Household, list[TestDevice]],
) -> None:
    home, devices = trained
    licensed(home, "climate", "copy")
    copies = day_listed(home, devices, 2)
    neighbour, _ = home_for_training()
    for ids, who in ((lot_ids(home, batch=copies), home), (lot_ids(home)[:1], neighbour), ([bytes(32)], home)):
        with pytest.raises(LotNotForTraining):
            series_of(who, ids, CLIMATE)
    Lot.objects.using("home").filter(household=home).update(state=Lot.State.UPLOADED)
    assert classes_present(home) == frozenset()
    with pytest.raises(LotNotForTraining):
        series_of(home, lot_ids(home), CLIMATE)


def test_classes_that_the_owner_does_not_allow_are_left_out(trained: tuple[Household, list[TestDevice]]) -> None:
    home, _ = trained
    assert series_of(home, lot_ids(home), {"mains"}) == [] == mock_series_of(home, {"mains"})


def test_a_device_without_the_permission_to_train_is_left_out_at_once(
    trained: tuple[Household, list[TestDevice]],
) -> None:
    home, devices = trained
    assert quantities_present(home) == {("climate", "temperature"), ("climate", "humidity")}
    device_set_permissions(device=devices[0].row, permissions=calls.ALL_PERMISSIONS & ~calls.TRAIN)
    for _ in range(3):
        ledger_advance(home)
        everybody_votes(devices)
    assert quantities_present(home) == frozenset() and stock_of(home) == []
    assert series_of(home, lot_ids(home), CLIMATE) == []
    day = day_listed(home, devices, 2)
    assert lot_ids(home, batch=day) == [], "and none of its readings is offered for training"


def _forged(segment: StoredSegment) -> bytes:
    signed = decode(SignedSegment, bytes(segment.raw))
    values = (signed.segment.values[0] + 500, *signed.segment.values[1:])
    fields = {name: getattr(signed.segment, name) for name in signed.segment.__struct_fields__}
    return encode(SignedSegment(type(signed.segment)(**{**fields, "values": values}), signed.signature))


def test_readings_that_were_changed_or_removed_later_are_not_learnt_from(
    trained: tuple[Household, list[TestDevice]],
) -> None:
    home, _ = trained
    segment = StoredSegment.objects.using("home").filter(household=home, series__quantity="humidity").first()
    assert segment is not None
    whole = bytes(segment.raw)
    for change in (
        lambda rows: rows.update(raw=_forged(segment)),
        lambda rows: rows.update(batch_key=None),
    ):
        change(StoredSegment.objects.using("home").filter(pk=segment.pk))
        with pytest.raises(RowsDoNotMatch):
            series_of(home, lot_ids(home), CLIMATE)
        StoredSegment.objects.using("home").filter(pk=segment.pk).update(raw=whole, batch_key=segment.batch_key)
    assert series_of(home, lot_ids(home), CLIMATE)


def test_a_certificate_that_the_devices_did_not_sign_is_not_believed(
    trained: tuple[Household, list[TestDevice]],
) -> None:
    home, _ = trained
    for batch in Batch.objects.using("home").filter(household=home):
        found = decode(QuorumCertificate, bytes(batch.certificate))
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        forged = encode(QuorumCertificate(**{**fields, "round": found.round + 1}))
        Batch.objects.using("home").filter(pk=batch.pk).update(certificate=forged)
    with pytest.raises(RowsDoNotMatch):
        series_of(home, lot_ids(home), CLIMATE)


def test_the_mock_holds_rows_of_the_lots_as_the_owners_rule_made_them_and_never_raw_ones(
    market: MemoryMarket,
) -> None:
    home, devices = home_for_training()
    licensed(home, "climate", level="coarse")
    day_listed(home, devices)
    mock = mock_series_of(home, CLIMATE)
    assert [one.quantity for one in mock] == ["humidity", "temperature"]
    for one in mock:
        assert len(one.times_ms) == 24 and set(np.diff(one.times_ms)) == {3_600_000}
    assert set(mock[1].values * 2 % 1) == {0.0}, "temperatures in halves of a degree"
    assert mock_table_of(home, template(TASK), CLIMATE, timezone.now()).code == "home_lacks_rows"  # type: ignore[union-attr]
    licensed(home, "climate", level="fine")
    day_listed(home, devices, 1)
    assert {len(one.times_ms) for one in mock_series_of(home, CLIMATE)} == {MOCK_ROWS}


def test_of_too_many_readings_those_of_the_newest_lots_are_taken(trained: tuple[Household, list[TestDevice]]) -> None:
    home, _ = trained
    series = series_of(home, lot_ids(home), CLIMATE, limit=2 * 288)
    assert [one.times_ms[0] for one in series] == [START_MS + DAY_MS] * 2
    assert series_of(home, lot_ids(home), CLIMATE, limit=100) == []


def test_the_homes_clock_is_that_of_its_schedule_without_summer_time(
    trained: tuple[Household, list[TestDevice]],
) -> None:
    home, _ = trained
    assert utc_offset_min(home, timezone.now()) == 0
    schedule_set(household=home, text="daily 03:00", zone="Europe/Berlin", enabled=True)
    july = timezone.now().replace(month=7, day=1)
    assert utc_offset_min(home, july) == 60 == utc_offset_min(home, july.replace(month=1))
