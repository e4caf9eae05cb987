"""What never leaves the home's database: readings, rows, the record of a round, and reasons."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from chain.core.codec import encode
from fedlearn.learners.templates import template
from fedlearn.runtime.jobs import HubRecord
from households.learning.participation.home import RECORD, record_of
from households.learning.participation.joining import MADE_UP
from households.learning.participation.selectors import proof_file
from households.learning.participation.versions import version_proof, version_proof_check
from households.learning.source import table_of
from households.models import Household, Participation, VersionProof
from households.services.secrets import box_open
from marketplace.common.errors import HearthError, NotFound
from tests.households.learning import consent, lot_ids
from tests.households.market import MemoryConnector
from tests.households.participation import (
    Enterprise,
    TrainingMarket,
    World,
    home_turn,
    home_with_rows,
    lead,
    licensed_job,
)

pytestmark = pytest.mark.django_db(databases="__all__")
CLIMATE = frozenset({"climate"})


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> World:
    settings.HEARTH_TRAINING_CONNECTOR = "tests.households.participation.TestConnector"
    settings.HEARTH_VAR = tmp_path / "var"
    MemoryConnector.market = TrainingMarket()
    return World(MemoryConnector.market)


@pytest.fixture
def home(world: World) -> Household:
    found = home_with_rows()
    consent(found)
    return found


def only() -> Participation:
    return Participation.objects.using("home").get()


def test_neither_logs_nor_messages_nor_the_row_hold_the_record_or_a_row_of_the_table(
    world: World, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    acme = Enterprise(world)
    licensed_job(acme, home)
    acme.begin()
    records: set[bytes] = set()
    for _ in range(30):
        acme.turn()
        home_turn(home)
        row = only()
        if row.record:
            record = record_of(row)
            assert encode(record) not in bytes(row.record)
            if record.member:
                records.add(record.member)
    assert acme.record.phase == "completed" and len(records) > 6
    table = table_of(home, template("comfort"), lot_ids(home), CLIMATE, row.asked_at)
    secrets = [one[:200] for one in records] + [line.tobytes() for line in table.x[:40]]
    told = [data for _, _, data in world.nodes.sent] + [bundle for _, bundle in world.board.answers.values()]
    told += [mock for files in world.nodes.mocks.values() for mock in files.values()]
    text = caplog.text.encode()
    for secret in secrets:
        assert all(secret not in one for one in told) and secret.hex().encode() not in text and secret not in text
    assert str(float(table.x[7, 0])) not in caplog.text
    with pytest.raises(HearthError):
        box_open(home, RECORD, row.record)
    assert isinstance(record_of(row), HubRecord)


def test_a_home_with_few_rows_sends_a_made_up_mock_that_goes_with_the_dataset(world: World, home: Household) -> None:
    acme = Enterprise(world)
    licensed_job(acme, home)
    ((summary, files),) = world.nodes.mocks.items()
    assert summary == MADE_UP, "three days are too short for a sample of half a lot"
    assert set(files) == {"x.npy", "y.npy", "times_ms.npy", "baseline.npy"}
    row = only()
    table = table_of(home, template("comfort"), lot_ids(home), CLIMATE, row.asked_at)
    assert np.ascontiguousarray(table.x).tobytes() not in files["x.npy"]
    acme.begin()
    lead(acme, home)
    acme.end()
    home_turn(home, 4)
    assert not world.nodes.mocks


def test_the_owner_gets_a_proof_that_the_update_is_in_a_version_and_anybody_can_check_it(
    world: World, home: Household
) -> None:
    acme = Enterprise(world)
    licensed_job(acme, home)
    acme.begin()
    lead(acme, home)
    home_turn(home, 2)
    version = acme.publish(2)
    proof = version_proof(participation=only(), version=version, connection=world.connection())
    name, data = proof_file(proof)
    assert name.startswith("update-in-version-") and VersionProof.objects.using("home").count() == 1
    document, validators = json.loads(data), world.models.genesis().validators
    version_proof_check(document, validators)
    again = version_proof(participation=only(), version=version, connection=world.connection())
    assert again.pk == proof.pk
    for change in (
        {"version": "00" * 32},
        {"round": 1},
        {"enterprise": "00" * 20},
        {"leaves": []},
        {"leaves": [{**document["leaves"][0], "update": "00" * 32}]},
    ):
        with pytest.raises(HearthError):
            version_proof_check({**document, **change}, validators)
    with pytest.raises(HearthError):
        version_proof_check(document, (bytes([2]) * 33,))
    with pytest.raises(NotFound):
        version_proof(participation=only(), version=bytes(32), connection=world.connection())


def test_after_the_end_the_home_puts_everything_away(
    world: World, home: Household, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = Enterprise(world)
    licensed_job(acme, home)
    acme.begin()
    lead(acme, home)
    acme.end()
    home_turn(home, 6)
    row = only()
    assert row.closed_at is not None and not row.record
    assert not world.board.answers and not world.board.pseudonyms
    assert not list((settings.HEARTH_VAR / "home" / "learning").rglob(bytes(row.pseudonym).hex()))
    with pytest.raises(NotFound):
        world.models.peer(bytes(row.pseudonym))
    before = len(world.models.sent)
    home_turn(home, 2)
    assert len(world.models.sent) == before
