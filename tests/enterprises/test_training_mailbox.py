"""A job over the real mailbox: Syft's nodes, keys pinned to the ledger, envelopes on the market's store by REST."""

# ruff: noqa: F811
from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings

from enterprises.checkout.models import Enterprise
from enterprises.training.models import TrainingJob
from enterprises.training.ports import Desk
from fedlearn.runtime.names import tag_of
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.offers import mock_files, mock_name
from fedlearn.runtime.peers import Verdict
from fedlearn.runtime.ports import Pins
from marketplace.common.errors import NotFound
from tests.enterprises import training
from tests.enterprises.conftest import Buyer
from tests.enterprises.test_training import acme, confirmed, refunded, until  # noqa: F401
from tests.enterprises.training import TrainingHub, TrainingWorld, load_tables, training_world

pytestmark = pytest.mark.django_db
_folder: dict[str, Path] = {}


class SyftHub(TrainingHub):
    """A hub with a node of its own on the market's mailbox."""

    def node_open(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder / self.identity[:12]
        store = self.party.board.store(self.identity)
        self.channel: Any = stack.enter_context(
            HubNode.opened(self.folder, self.identity, store, LedgerPins(self.world))
        )

    @property
    def fingerprint(self) -> str:
        return str(self.channel.fingerprint)

    def answer(self, digest: bytes) -> None:
        super().answer(digest)
        self.answered = True

    def _approve(self) -> None:
        if getattr(self, "answered", False) and not self.job:
            self.channel.answer_requests(lambda peer: Verdict.APPROVE)

    def _share(self, enterprise: str) -> None:
        self.channel.job_open(self.job.hex(), [enterprise])
        mock, private = self.folder / "mock", self.folder / "private"
        for place in (mock, private):
            place.mkdir(exist_ok=True)
            for name, array in mock_files(self.table).items():
                np.save(place / name, array)
        name = mock_name("next_hour_load")
        self.channel.dataset_create(name, mock=mock, private=private)
        self.channel.dataset_share(name, [enterprise])
        self.channel.dataset_send(name, enterprise)


class LedgerPins:
    """What the service-model ledger says of a peer's keys."""

    def __init__(self, world: TrainingWorld) -> None:
        self.world = world

    def get(self, peer: str) -> str | None:

        try:
            return self.world.models.peer(bytes.fromhex(tag_of(peer))).channel.hex()
        except NotFound:
            return None


def desk(enterprise: Enterprise) -> Desk:
    """As in the other tests, but with Syft's node in a folder."""
    found = training.desk(enterprise)
    identity = f"ent-{enterprise.wallet.address}@hearth.invalid"

    def post(pins: Pins) -> AbstractContextManager[Any]:
        store = found.board.store(identity)  # type: ignore[attr-defined]
        return EnterpriseNode.opened(_folder["now"] / "enterprise", identity, store, pins)

    return replace(found, post=post)


@pytest.fixture
def world(settings: Settings, db: None, tmp_path: Path) -> Iterator[TrainingWorld]:
    settings.HEARTH_BUYER_MARKET = "tests.enterprises.training.connect"
    settings.HEARTH_TRAINING_DESK = "tests.enterprises.test_training_mailbox.desk"
    _folder["now"] = tmp_path
    yield training_world()


def test_a_job_over_syft_envelopes_and_the_markets_store_ends_in_a_version(
    world: TrainingWorld, acme: Buyer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        homes: list[TrainingHub] = []
        for table in load_tables(4, rows=60):
            hub = SyftHub(world, table, [world.listed(6)])
            hub.node_open(stack, tmp_path)
            world.hubs[hub.identity] = hub
            homes.append(hub)
        job = confirmed(world, acme, homes, rounds=1)
        assert job.rehearsal["homes"] == 4 and not job.rehearsal["fault"]
        until(world, job, "completed", "failed", most=60)
        assert (job.state, job.reason) == ("completed", "")
        refunded(world, job)
        assert job.version and all(home.paid == ["market.release_round", "market.claim_bonus"] for home in homes)
        row = TrainingJob.objects.get()
        assert row.happened["bytes_home_round"] < 3 * row.estimate["bytes_home_round"]
