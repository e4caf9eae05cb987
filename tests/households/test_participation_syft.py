"""A whole job with Syft's own peers, envelopes, permissions and datasets, on a store of files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from chain.contracts.peers import RegisterPeer
from chain.crypto.secp256k1 import public_key
from fedlearn.learners.templates import template
from fedlearn.runtime.jobs import COMPLETED
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.offers import mock_name, mock_table
from fedlearn.runtime.peers import Verdict
from fedlearn.runtime.stores import DirectoryStore
from households.learning.participation.connect import syft_nodes
from households.learning.participation.home import LedgerPins
from households.learning.participation.joining import SAMPLE
from households.learning.participation.port import Connection
from households.learning.source import table_of
from households.models import Participation
from tests.households.learning import consent, lot_ids
from tests.households.market import MemoryConnector
from tests.households.participation import (
    ACME,
    TASK,
    Enterprise,
    TrainingMarket,
    World,
    home_turn,
    home_with_rows,
    lead,
)

pytestmark = pytest.mark.django_db(databases="__all__")


class SyftWorld(World):
    """The home's node is Syft's, on a folder that stands for the market's store."""

    def __init__(self, market: TrainingMarket, root: Path) -> None:
        super().__init__(market)
        self.root, self.store = root, DirectoryStore.create(root / "store")

    def connection(self) -> Connection:
        nodes = syft_nodes(lambda identity: self.store)
        return Connection(self.market, self.market, self.models, self.board, nodes)


class SyftEnterprise(Enterprise):
    """Acme and the other homes with nodes of their own."""

    def __init__(self, world: SyftWorld, stack: ExitStack) -> None:
        super().__init__(world)
        pins = LedgerPins(world.models)

        def opened(kind: type, identity: str) -> EnterpriseNode | HubNode:
            return stack.enter_context(kind.opened(world.root / identity[:12], identity, world.store, pins))

        self.node = opened(EnterpriseNode, self.identity)
        self.channel = self.node  # type: ignore[assignment]
        self.tell("peers.register", RegisterPeer(bytes.fromhex(self.node.fingerprint), public_key(ACME)))
        for each in self.neighbours:
            each.channel = opened(HubNode, each.channel.identity)  # type: ignore[assignment]
            self.tell("peers.register", RegisterPeer(bytes.fromhex(each.channel.fingerprint), each.key), each.account)

    def ask(self) -> None:
        self.node.request(self.home)
        for each in self.neighbours:
            self.node.request(each.channel.identity)
            assert each.channel.answer_requests(lambda peer: Verdict.APPROVE)
            each.channel.job_open(self.job.hex(), [self.identity])

    def offer(self, **changes: object) -> None:
        assert self.home in self.node.refresh()
        super().offer(**changes)

    def begin(self, **changes: object) -> None:
        self.node.job_open(self.job.hex(), [self.home, *(each.channel.identity for each in self.neighbours)])
        super().begin(**changes)


@pytest.fixture
def world(settings: Settings, tmp_path: Path) -> SyftWorld:
    settings.HEARTH_TRAINING_CONNECTOR = "tests.households.participation.TestConnector"
    settings.HEARTH_VAR = tmp_path / "var"
    MemoryConnector.market = TrainingMarket()
    return SyftWorld(MemoryConnector.market, tmp_path)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def test_a_whole_job_over_syft_and_a_store_that_sees_envelopes_only(
    world: SyftWorld, stack: ExitStack, settings: Settings
) -> None:
    home = home_with_rows(days=6)
    consent(home)
    acme = SyftEnterprise(world, stack)
    acme.post()
    home_turn(home, 2)
    acme.ask()
    home_turn(home)
    acme.offer()
    home_turn(home)
    acme.mail()
    (mock,) = acme.node.mocks()
    told = mock_table(TASK, acme.node.mock_arrays(mock.owner, mock_name(TASK)))
    row = Participation.objects.using("home").get()
    table = table_of(home, template(TASK), lot_ids(home), frozenset({"climate"}), row.asked_at)
    assert mock.summary == SAMPLE and len(told) <= len(table) / 2
    assert not np.array_equal(told.x, table.x[-len(told) :])
    var = settings.HEARTH_VAR / "home" / "learning" / home.pk.hex
    private = [path for path in var.rglob("x.npy") if "private" in path.parts]
    assert private and all(path.stat().st_mode & 0o077 == 0 for path in (*private, var / bytes(row.pseudonym).hex()))

    acme.open(acme.fund())
    home_turn(home, 3)
    acme.begin()
    lead(acme, home)
    assert acme.record.phase == COMPLETED
    assert all(report.survivors == (0, 1, 2) for report in acme.record.reports)
    secrets = [line.tobytes() for line in table.x[:60]] + [bytes(row.plan), b"comfort", b"Opening"]
    for path in (world.root / "store").rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert not any(secret in data for secret in secrets), path.name
    acme.end()
    home_turn(home, 6)
    done = Participation.objects.using("home").get()
    assert done.state == Participation.State.DONE and done.closed_at is not None
    assert not (var / bytes(row.pseudonym).hex()).exists()
