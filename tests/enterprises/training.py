"""Both ledgers in process, homes that learn as a hub does, and an enterprise's desk: a job without the network.

The coordinator, the ledgers, the board's REST API, the outbox and the hubs' rounds are the real ones; the mailbox is
the channel in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
from numpy.typing import NDArray

from chain.contracts import CONTRACT_SETS
from chain.contracts.crossing import job_id_of, training_order_id_of
from chain.contracts.ledgers import Trust, trusted_roles
from chain.contracts.market.ids import preview_indices
from chain.contracts.market.rows import BEACONS
from chain.contracts.market.training_rows import (
    POOLS,
    TRAININGS,
    AcceptTraining,
    ClaimBonus,
    DeclineTraining,
    PoolRow,
    ReleaseRound,
    TrainingRow,
)
from chain.contracts.peers import PEERS, ROUND_KEYS, PeerRow, RegisterPeer, round_keys_id
from chain.contracts.service_models.rows import (
    JOBS,
    SERVICES,
    VERSIONS,
    JobRow,
    ServiceRow,
    ShowAccreditation,
    VersionRow,
)
from chain.core.blocks import header_hash
from chain.core.codec import decode, encode
from chain.core.types import Genesis, Header
from chain.crypto.hashing import sha256, tagged
from chain.crypto.prg import SeededRandom
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.proofs import TxProof
from chain.stores.memory import MemoryStore
from chain.wallets.signer import Signer
from enterprises.checkout.market import market_of
from enterprises.checkout.models import Enterprise
from enterprises.checkout.wallets import market_token
from enterprises.training.ports import Desk
from fedlearn.learners.plan import plan_hash
from fedlearn.learners.table import Table
from fedlearn.runtime.datasets import Mock
from fedlearn.runtime.errors import PeerNotApproved
from fedlearn.runtime.jobs import HubRecord, HubWorld, JobTerms, hub_begin, hub_take
from fedlearn.runtime.jobs.errors import RoundIsOld
from fedlearn.runtime.memory import MemoryPost
from fedlearn.runtime.names import identity_of, job_path, round_of, tag_of
from fedlearn.runtime.offers import (
    TERMS,
    JobOffer,
    LotsOffer,
    mock_files,
    mock_name,
    offer_of_hub,
    offer_to_hub,
)
from fedlearn.runtime.ports import Incoming, Pins
from fedlearn.runtime.simulate import Willing
from fedlearn.transport import BoardClient
from marketplace.common import licences
from marketplace.common.errors import NotFound
from tests.enterprises import market as in_process
from tests.enterprises.board import BUNDLE, DjangoTransport, Party, hub_new
from tests.enterprises.ledger import T0, SharedLedger, signer_of
from tests.enterprises.market import InProcessMarket
from tests.pure.chain.contracts.world import TestLot, make_lot, secret_of

_numbers = count(1)


class ModelsLedger(SharedLedger):
    """The service-model ledger: one block for each call and an empty one after it. ``ModelsLedger`` of the ports."""

    ledger = "service_models-1"

    def __init__(self, shared: SharedLedger) -> None:
        self.validator, self.operator = signer_of("models-validator"), shared.operator
        names = trusted_roles(shared.ledger, (shared.validator.public_key,))
        genesis = Genesis(
            ledger=self.ledger,
            kind="service_models",
            time_ms=T0,
            validators=(self.validator.public_key,),
            params=(),
            roles=tuple(sorted((("operator", self.operator.public_key), *names))),
        )
        self.engine = Ledger(genesis, CONTRACT_SETS["service_models"], MemoryStore(self.ledger))
        self.proofs: dict[bytes, TxProof] = {}
        self.params = {}
        self.turn(1)

    def submit(self, raw: bytes) -> TxProof:
        before = self.engine.height
        proof = super().submit(raw)
        if self.engine.height > before:
            self.turn(1)
        return proof

    def header(self, height: int) -> Header | None:
        return next((block.header for block in self.engine.store.blocks(height)), None)

    def service(self, service: bytes) -> ServiceRow:
        return self._row(SERVICES, service)

    def peer(self, address: bytes) -> PeerRow:
        return self._row(PEERS, address)

    def job(self, job: bytes) -> JobRow:
        return self._row(JOBS, job)

    def job_seed(self, job: bytes) -> bytes | None:
        return self._hash_after(self.proofs[self.job(job).tx_id].header.height)

    def versions(self) -> list[VersionRow]:
        return [row for _, row in self.engine.state.scan(VERSIONS)]

    def round_block_after(self, leader: bytes, round_id: bytes, keys_root: bytes) -> bytes | None:
        row = self.engine.state.get(ROUND_KEYS, round_keys_id(leader, round_id))
        if row is None:
            return None
        assert row.keys_root == keys_root
        return self._hash_after(row.height)

    def _hash_after(self, height: int) -> bytes | None:
        header = self.header(height + 1)
        return None if header is None else header_hash(header)

    def _row(self, table: Any, key: bytes) -> Any:
        row = self.engine.state.get(table, key)
        if row is None:
            raise NotFound
        return row


class TwinLedger(SharedLedger):
    """The shared ledger with the other one beside it; whoever is accredited here is shown there."""

    ledger = "shared-1"

    def __init__(self) -> None:
        super().__init__()
        self.models = ModelsLedger(self)
        trust = Trust(self.models.ledger, (self.models.validator.public_key,))
        assert not self.call(self.operator, "ledgers.trust", trust).receipt.code

    def accredit(self, address: bytes, until_ms: int) -> None:
        super().accredit(address, until_ms)
        proof = list(self.proofs.values())[-1]
        shown = self.models.call(self.operator, "service_models.accreditation_show", ShowAccreditation(proof))
        assert not shown.receipt.code, shown.receipt.code

    def training(self, order_id: bytes) -> TrainingRow | None:
        return self.engine.state.get(TRAININGS, order_id)


class ModelsClient:
    """The service-model ledger as the node reaches it: what is submitted can die like on the shared one."""

    def __init__(self, market: TrainingMarket, models: ModelsLedger) -> None:
        self._market, self._models = market, models

    def submit_and_wait(self, transaction: bytes) -> TxProof:
        self._market.before()
        proof = self._models.submit(transaction)
        self._market.after()
        return proof

    def proof(self, tx_id: bytes) -> TxProof:
        if tx_id not in self._models.proofs:
            raise NotFound
        return self._models.proofs[tx_id]

    def indexed_height(self) -> int:
        return self._models.height()

    def nonce(self, address: bytes) -> int:
        return self._models.engine.next_nonce(address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._models, name)


class TrainingMarket(InProcessMarket):
    """A market with both ledgers."""

    def models(self) -> ModelsClient:
        return ModelsClient(self, self._ledger.models)

    def training_row(self, order_id: bytes) -> TrainingRow:
        row = self._ledger.training(order_id)
        if row is None:
            raise NotFound
        return row

    def pool_row(self, job: bytes) -> PoolRow:
        row = self._ledger.engine.state.get(POOLS, job)
        if row is None:
            raise NotFound
        return row

    def lot_row(self, lot_id: bytes) -> Any:
        row = self._ledger.lot(lot_id)
        if row is None:
            raise NotFound
        return row

    def object_put(self, object_id: bytes, data: bytes) -> None:
        answer = self.api.put(
            f"/api/v1/market/objects/{object_id.hex()}",
            data,
            content_type="application/octet-stream",
            headers={"X-Object-Sha256": sha256(data).hex()},
        )
        assert answer.status_code == 201, answer.content


class MemoryNode:
    """``Post`` on the channel in memory: who is approved is what the hubs said."""

    def __init__(self, world: TrainingWorld, identity: str, pins: Pins) -> None:
        self._world, self._pins = world, pins
        self._channel = world.post.channel(identity)

    @property
    def identity(self) -> str:
        return self._channel.identity

    @property
    def fingerprint(self) -> str:
        return channel_of(self.identity)

    def request(self, peer: str) -> None:
        self._world.requests.add((self.identity, peer))

    def refresh(self) -> list[str]:
        return self.approved()

    def approved(self) -> list[str]:
        found = [peer for peer in self._world.hubs if self._world.post.connected(self.identity, peer)]
        return sorted(peer for peer in found if self._pins.get(peer) == channel_of(peer))

    def job_open(self, job: str, peers: Any) -> None:
        for peer in peers:
            if peer not in self.approved():
                raise PeerNotApproved

    def job_close(self, job: str) -> None:
        self._channel.prune(job, 10**9)

    def send(self, peer: str, path: str, data: bytes) -> None:
        self._channel.send(peer, path, data)

    def receive(self) -> Iterator[Incoming]:
        yield from self._channel.receive()

    def ack(self, incoming: Incoming) -> None:
        self._channel.ack(incoming)

    def prune(self, job: str, before_round: int) -> None:
        self._channel.prune(job, before_round)

    def mocks(self, owner: str | None = None) -> list[Mock]:
        return [
            Mock(name, mock_name("next_hour_load"), "", (), tuple(files))
            for name, files in sorted(self._world.mocks.items())
            if owner in (None, name)
        ]

    def mock_arrays(self, owner: str, name: str) -> dict[str, NDArray[Any]]:
        return self._world.mocks[owner]


@dataclass
class TrainingHub:
    """A home's hub as a job sees it. ``silent`` says in which rounds it does not answer; ``willing`` if it accepts."""

    world: TrainingWorld
    table: Table
    lots: list[TestLot]
    willing: bool = True
    silent: Any = lambda sequence: False
    party: Party = field(default_factory=hub_new)
    record: HubRecord | None = None
    job: bytes = b""
    offered: JobOffer | None = None
    paid: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        name = f"training-hub-{next(_numbers)}"
        self.key, self.job_key = signer_of(name), signer_of(f"{name}-job")
        self.random = SeededRandom(tagged("test/hub", name.encode()))
        self.identity = identity_of("hub", self.key.address.hex())
        self.channel = self.world.post.channel(self.identity)

    @property
    def fingerprint(self) -> str:
        return channel_of(self.identity)

    def answer(self, digest: bytes) -> None:
        """Take part: keys on the ledger, the answer on the board."""
        self.party.board.pseudonym_register(self.key.secret)
        args = RegisterPeer(bytes.fromhex(self.fingerprint), self.job_key.public_key)
        self.world.models.call(self.key, "peers.register", args)
        self.party.board.answer(digest, self.key.address, BUNDLE)

    def turn(self) -> None:
        """Read and answer what has come."""
        self._approve()
        for message in self.channel.receive():
            self._take(message)
        self._accept()

    def _approve(self) -> None:
        for enterprise, peer in list(self.world.requests):
            if peer == self.identity:
                self.world.post.connect(enterprise, peer)

    def _share(self, enterprise: str) -> None:
        """Let the enterprise have the mock."""
        self.world.mocks[self.identity] = mock_files(self.table)

    def _take(self, message: Incoming) -> None:
        place = round_of(message.path)
        name = message.path.rsplit("/", 1)[1]
        if place is None:
            self._told(message)
        elif name == TERMS:
            terms = decode(JobTerms, message.data)
            seed = self.world.models.job_seed(self.job)
            assert seed is not None
            self.record = hub_begin(
                message.data, plan_hash(terms.declared), self.job, seed, public_key(self.job_key.secret)
            )
        elif self.record is not None and not self.silent(place[1]):
            world = HubWorld(
                self.job_key.secret, HubBeacon(self.world, message.peer), Willing(), lambda: self.table, self.random
            )
            try:
                self.record, answers = hub_take(self.record, name, message.data, world)
            except RoundIsOld:
                return  # sent again by a coordinator that had died; a hub drops it
            for answer in answers:
                path = job_path(self.job.hex(), "out", place[1], answer.stage)
                self.channel.send(message.peer, path, answer.data)

    def _told(self, message: Incoming) -> None:
        """A job's offer, or what pays a round or a bonus."""
        if "release." in message.path or "bonus." in message.path:
            kind = ReleaseRound if "release." in message.path else ClaimBonus
            call = "market.release_round" if kind is ReleaseRound else "market.claim_bonus"
            proof = self.world.shared.call(self.key, call, decode(kind, message.data))
            self.paid.append(proof.receipt.code or call)
            return
        self.offered = decode(JobOffer, message.data)
        assert message.path == offer_to_hub(self.offered.job.hex())
        wallet = bytes.fromhex(tag_of(message.peer))
        assert job_id_of(wallet, sha256(self.offered.plan), self.offered.nonce) == self.offered.job
        self.job = self.offered.job
        self._share(message.peer)
        lots = tuple(lot.lot_id for lot in self.lots)
        self.channel.send(
            message.peer, offer_of_hub(self.job.hex()), encode(LotsOffer(self.job, lots, len(self.table)))
        )

    def _accept(self) -> None:
        for lot in self.lots:
            row = self.world.shared.training(training_order_id_of(self.job, lot.lot_id)) if self.job else None
            if row is None or row.status != "FUNDED":
                continue
            args: Any = AcceptTraining(row.order_id) if self.willing else DeclineTraining(row.order_id, "not_allowed")
            call = "market.accept_training" if self.willing else "market.decline_training"
            assert not self.world.shared.call(Signer(secret_of(lot.payee)), call, args).receipt.code


@dataclass(frozen=True)
class HubBeacon:
    """The service-model ledger as a hub reads it."""

    world: TrainingWorld
    leader: str

    def keys_commit(self, round_id: bytes, keys_root: bytes) -> None:
        raise AssertionError("only the leader commits")

    def block_after(self, round_id: bytes, keys_root: bytes) -> bytes | None:
        return self.world.models.round_block_after(bytes.fromhex(tag_of(self.leader)), round_id, keys_root)


class TrainingWorld:
    """The ledgers, the channel, and the hubs by their names."""

    def __init__(self, shared: TwinLedger) -> None:
        self.shared, self.models = shared, shared.models
        self.post = MemoryPost()
        self.requests: set[tuple[str, str]] = set()
        self.hubs: dict[str, TrainingHub] = {}
        self.mocks: dict[str, dict[str, NDArray[Any]]] = {}
        self.now_ms = T0

    def hub(self, table: Table, *, price: int = 6, lots: int = 1, **changes: Any) -> TrainingHub:
        """A hub with lots that are listed for training."""
        found = [self.listed(price) for _ in range(lots)]
        hub = TrainingHub(self, table, found, **changes)
        self.hubs[hub.identity] = hub
        return hub

    def listed(self, price: int) -> TestLot:
        licence = licences.current(licences.TRAINING).digest
        lot = make_lot(
            f"training-{next(_numbers)}", licence_kind="training", licence=licence, price=price, expires_ms=T0 * 2
        )
        payee = Signer(secret_of(lot.payee))
        assert not self.shared.call(payee, "market.publish", lot.digest).receipt.code
        self.shared.turn(10)
        self.shared.turn(10)
        row = self.shared.lot(lot.lot_id)
        assert row is not None
        beacon = self.shared.engine.state.get(BEACONS, row.anchored_height.to_bytes(8, "big"))
        assert beacon is not None
        chosen = preview_indices(beacon.hash, lot.lot_id, lot.digest.chunk_count, 2)
        opened = self.shared.call(payee, "market.open_preview", lot.preview(chosen))
        assert not opened.receipt.code, opened.receipt.code
        return lot

    def turn(self) -> None:
        """A second passes: every hub reads its mail."""
        self.now_ms += 1_000
        for hub in self.hubs.values():
            hub.turn()


def channel_of(identity: str) -> str:
    """The fingerprint of a node's key."""
    return sha256(b"channel", identity.encode()).hex()


_worlds: dict[str, TrainingWorld] = {}


def training_world() -> TrainingWorld:
    """A fresh world, with the clients of the tests pointed at it."""
    shared = TwinLedger()
    in_process.world_set(shared)
    _worlds["now"] = TrainingWorld(shared)
    return _worlds["now"]


def connect(token: str = "") -> TrainingMarket:
    """``HEARTH_BUYER_MARKET`` of these tests."""
    clients = in_process._world["clients"]
    if token not in clients:
        clients[token] = TrainingMarket(in_process._world["ledger"], token)
    return clients[token]


def desk(enterprise: Enterprise) -> Desk:
    """``HEARTH_TRAINING_DESK`` of these tests."""
    world = _worlds["now"]
    http = httpx.Client(transport=DjangoTransport(), base_url="http://market.test")
    board = BoardClient(http, market_token(enterprise), pause=lambda _: None)

    @contextmanager
    def post(pins: Pins) -> Iterator[MemoryNode]:
        yield MemoryNode(world, identity_of("enterprise", enterprise.wallet.address), pins)

    return Desk(enterprise, market_of(enterprise), board, post, lambda: world.now_ms)


def load_tables(homes: int, rows: int = 120, seed: int = 7) -> list[Table]:
    """Tables of a task that a linear model can learn."""
    from tests.pure.fedlearn.jobs.homes import tables

    return tables(homes, rows, seed=seed)
