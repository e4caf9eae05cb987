"""A training job around one real home: both ledgers in memory, a notice board, and an enterprise that leads the rounds.

The other homes of the cohort are the code of jobs alone, on made-up rows. The channel is the one in memory; see
``test_participation_syft.py`` for Syft's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from django.utils import timezone

from chain.contracts import CONTRACT_SETS, SERVICE_MODELS, SHARED
from chain.contracts.crossing import COMPLETED, ROUND, JobEnd, Round, job_id_of, training_order_id_of
from chain.contracts.ledgers import trusted_roles
from chain.contracts.market.ids import preview_indices
from chain.contracts.market.rows import LotRow
from chain.contracts.market.training_rows import BONUSES, POOLS, TRAININGS, PoolRow, ReleaseRound, TrainingRow
from chain.contracts.peers import PEERS, ROUND_KEYS, PeerRow, RegisterPeer, RoundKeys, round_keys_id
from chain.contracts.service_models import rows
from chain.core.blocks import header_hash
from chain.core.codec import decode, encode
from chain.core.merkle import EMPTY_ROOT
from chain.core.proofs import TxProof
from chain.core.state import Table as StateTable
from chain.crypto.hashing import address_of, sha256
from chain.crypto.prg import SeededRandom
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.exchange.learning import BonusShares, Participants, training_fundings
from chain.stores.memory import MemoryStore
from chain.wallets.signer import Signer
from enterprises.board.errors import NoticeClosed
from fedlearn.learners.families import family
from fedlearn.learners.plan import Hyper, Privacy, TrainingPlan, plan_encode, plan_hash
from fedlearn.learners.table import HOUR_MS, Table
from fedlearn.learners.templates import template
from fedlearn.protocol.strategy import Strategy
from fedlearn.runtime.jobs import (
    RUNNING,
    HubRecord,
    HubWorld,
    JobRecord,
    JobTerms,
    hub_begin,
    hub_take,
    job_begin,
    job_decode,
    job_encode,
    job_outgoing,
    job_sent,
    job_take,
    job_tick,
)
from fedlearn.runtime.jobs.terms import TRAIN
from fedlearn.runtime.memory import MemoryChannel, MemoryPost
from fedlearn.runtime.names import identity_of, job_path, round_of
from fedlearn.runtime.offers import (
    TERMS,
    JobOffer,
    LotsOffer,
    bonus_path,
    offer_to_hub,
    release_path,
)
from fedlearn.runtime.ports import Incoming, Pins
from fedlearn.runtime.rounds import OPENED
from fedlearn.runtime.simulate import Willing
from fedlearn.transport import Notice
from households.learning.participation.advance import learning_advance
from households.learning.participation.port import Connection, HomeNode
from households.models import (
    Batch,
    Household,
    LearningCursor,
    Lot,
    Participation,
    ParticipationClaim,
    ParticipationOrder,
)
from households.services.market_port import EventPage, MarketEvent
from households.services.voting import ledger_advance
from households.uploads.services.batches import batch_close
from households.uploads.services.pipeline import uploads_advance
from marketplace.common.errors import HearthError, NotFound
from tests.households.learning import QUANTITIES, home_for_training
from tests.households.market import OPERATOR, VALIDATOR, MemoryMarket
from tests.households.world import DAY_MS, START_MS, everybody_votes
from tests.pure.chain.contracts.world import make_lot, secret_of

ACME = sha256(b"acme's wallet")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
TASK = "comfort"
SERVICE = "comfort-advice"
MODELS_ID = "service_models-test"
TICK_MS = 1_000


class TrainingMarket(MemoryMarket):
    """The shared ledger, which takes receipts of the tests' service-model ledger."""

    def __init__(self) -> None:
        super().__init__()
        roles = (*self._genesis.roles, *trusted_roles(MODELS_ID, (public_key(VALIDATOR),)))
        self._genesis = msgspec.structs.replace(self._genesis, roles=roles)
        self._ledger = Ledger(self._genesis, CONTRACT_SETS[SHARED], MemoryStore("shared-test"))

    def events(self, after_height: int) -> EventPage:
        """As the index tells them: the subjects of an event are sorted."""
        page = super().events(after_height)
        told = (MarketEvent(e.height, e.tx_id, e.kind, tuple(sorted(e.subjects))) for e in page.events)
        return EventPage(tuple(told), page.up_to_height)

    def training_row(self, order_id: bytes) -> TrainingRow:
        return self._row(TRAININGS, order_id)

    def pool_row(self, job: bytes) -> PoolRow:
        return self._row(POOLS, job)

    def bonus(self, order_id: bytes) -> int:
        row = self._ledger.state.get(BONUSES, order_id)
        return row.amount if row else 0

    def _row(self, table: StateTable[Any], key: bytes) -> Any:
        row = self._ledger.state.get(table, key)
        if row is None:
            raise NotFound
        return row


class ModelsLedger(TrainingMarket):
    """The service-model ledger: the real contracts, a block for each transaction."""

    def __init__(self, shared: TrainingMarket) -> None:
        super().__init__()
        self._genesis = msgspec.structs.replace(
            shared.genesis(),
            ledger=MODELS_ID,
            kind=SERVICE_MODELS,
            params=(),
            roles=(("operator", public_key(OPERATOR)), *trusted_roles("shared-test", (public_key(VALIDATOR),))),
        )
        self._ledger = Ledger(self._genesis, CONTRACT_SETS[SERVICE_MODELS], MemoryStore(MODELS_ID))
        self.behind = False

    def job(self, job: bytes) -> rows.JobRow:
        return self._row(rows.JOBS, job)

    def version(self, version: bytes) -> rows.VersionRow:
        return self._row(rows.VERSIONS, version)

    def peer(self, address: bytes) -> PeerRow:
        return self._row(PEERS, address)

    def job_seed(self, job: bytes) -> bytes | None:
        return self._after(self.proof(self.job(job).tx_id))

    def round_block_after(self, leader: bytes, round_id: bytes, keys_root: bytes) -> bytes | None:
        row = self._ledger.state.get(ROUND_KEYS, round_keys_id(leader, round_id))
        return None if row is None or row.keys_root != keys_root else self._after(self.proof(row.tx_id))

    def _after(self, proof: TxProof) -> bytes | None:
        if self.behind:
            return None
        header = self.header(proof.header.height + 1)
        assert header is not None
        return header_hash(header)


@dataclass
class MemoryBoard:
    """The market's board: notices in their order, one answer of the home for each."""

    posted: dict[bytes, Notice] = field(default_factory=dict)
    answers: dict[bytes, tuple[bytes, bytes]] = field(default_factory=dict)
    pseudonyms: set[bytes] = field(default_factory=set)

    def pseudonym_register(self, key: bytes) -> bytes:
        self.pseudonyms.add(address_of(public_key(key)))
        return address_of(public_key(key))

    def pseudonym_leave(self, address: bytes) -> None:
        self.pseudonyms.discard(address)

    def notices(self, *, only_open: bool = True, template: str = "", after: int = 0) -> list[Notice]:
        found = [notice for notice in self.posted.values() if notice.number > after and (notice.open or not only_open)]
        return [msgspec_copy(notice, plan=b"") for notice in found]

    def notice(self, plan: bytes) -> Notice:
        return self.posted[plan]

    def answer(self, plan: bytes, address: bytes, bundle: bytes) -> None:
        if not self.posted[plan].open:
            raise NoticeClosed
        assert address in self.pseudonyms
        assert self.answers.setdefault(plan, (address, bundle)) == (address, bundle)

    def withdraw(self, plan: bytes) -> None:
        self.answers.pop(plan, None)

    def post(self, plan: TrainingPlan, enterprise: bytes, **changes: Any) -> Notice:
        notice = Notice(
            number=len(self.posted) + 1,
            plan_hash=plan_hash(plan),
            enterprise=enterprise,
            enterprise_name="Acme Analytics",
            template=plan.task,
            purpose="Tell when to air a room",
            device_classes=("climate",),
            open=True,
            closes_at=timezone.now() + timedelta(days=1),
            plan=plan_encode(plan),
        )
        self.posted[notice.plan_hash] = msgspec_copy(notice, **changes)
        return notice


def msgspec_copy(notice: Notice, **changes: Any) -> Notice:
    fields = {name: getattr(notice, name) for name in notice.__dataclass_fields__}
    return Notice(**{**fields, **changes})


@dataclass
class MemoryNodes:
    """Nodes on the channel in memory. ``asks`` are the pairs (enterprise, hub) of requests that wait."""

    post: MemoryPost = field(default_factory=MemoryPost)
    asks: set[tuple[str, str]] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    mocks: dict[str, dict[str, bytes]] = field(default_factory=dict)
    opened_jobs: list[tuple[str, str]] = field(default_factory=list)
    sent: list[tuple[str, str, bytes]] = field(default_factory=list)
    fault: Callable[[str], None] = lambda what: None

    @contextmanager
    def node(self, folder: Path, identity: str, pins: Pins) -> Iterator[HomeNode]:
        folder.mkdir(parents=True, exist_ok=True)
        yield MemoryNode(self, identity, self.post.channel(identity))


class MemoryNode:
    """``HomeNode`` without files: mocks are kept as they were sent."""

    def __init__(self, nodes: MemoryNodes, identity: str, channel: MemoryChannel) -> None:
        self._nodes, self._identity, self._channel = nodes, identity, channel

    @property
    def fingerprint(self) -> str:
        return sha256(self._identity.encode()).hex()

    def bundle(self) -> bytes:
        return b'{"keys": "of a pseudonym"}'

    def approve(self, peer: str) -> bool:
        for asks, hub in list(self._nodes.asks):
            if hub == self._identity and asks != peer:
                self._nodes.refused.append(asks)
            elif hub == self._identity:
                self._nodes.post.connect(peer, self._identity)
        return self._nodes.post.connected(peer, self._identity)

    def dataset_give(self, name: str, mock: Path, private: Path, summary: str, peer: str) -> None:
        assert private.is_dir()
        self._nodes.mocks[summary] = {path.name: path.read_bytes() for path in mock.iterdir()}

    def dataset_remove(self, name: str) -> None:
        self._nodes.mocks.clear()

    def job_open(self, job: str, peer: str) -> None:
        self._nodes.opened_jobs.append((job, peer))

    def send(self, peer: str, path: str, data: bytes) -> None:
        self._nodes.fault("before send")
        self._channel.send(peer, path, data)
        self._nodes.sent.append((peer, path, data))
        self._nodes.fault("after send")

    def receive(self) -> Iterator[Incoming]:
        return self._channel.receive()

    def ack(self, incoming: Incoming) -> None:
        self._channel.ack(incoming)

    def prune(self, job: str, before_round: int) -> None:
        self._channel.prune(job, before_round)

    def leave(self, job: str, peer: str) -> None:
        self._nodes.post.disconnect(peer, self._identity)


class World:
    """What ``HEARTH_TRAINING_CONNECTOR`` reaches; one for each test."""

    current: World

    def __init__(self, market: TrainingMarket) -> None:
        World.current = self
        self.market, self.models = market, ModelsLedger(market)
        self.board, self.nodes = MemoryBoard(), MemoryNodes()

    def connection(self) -> Connection:
        return Connection(self.market, self.market, self.models, self.board, self.nodes.node)


class TestConnector:
    __test__ = False

    def connect(self, household: Household) -> Connection:
        return World.current.connection()


def home_with_rows(owner_id: int | None = None, days: int = 3) -> Household:
    """A home with some days of climate on offer for training, in one batch of two lots."""
    home, devices = home_for_training(owner_id)
    for day in range(days):
        for quantity, base in QUANTITIES.items():
            devices[0].measure(quantity, day=day, base=base, step_s=900)
    assert batch_close(household=home, cut_ms=START_MS + days * DAY_MS) is not None
    uploads_advance(home)
    ledger_advance(home)
    everybody_votes(devices)
    for _ in range(4):
        for model in (Batch, Lot):
            model.objects.using("home").update(next_try_at=LONG_AGO)
        uploads_advance(home)
    return home


def participation_new(home: Household) -> Participation:
    """A job that the home was asked about and has answered."""
    plan = plan_of_test()
    return Participation.objects.using("home").create(
        household=home,
        plan_hash=plan_hash(plan),
        plan=plan_encode(plan),
        task=plan.task,
        enterprise=Signer(ACME).address,
        enterprise_name="Harbour Energy",
        closes_at=timezone.now() + timedelta(days=1),
        pseudonym_index=1,
        state=Participation.State.ANSWERED,
    )


def everything_due() -> None:
    """As if every rest was over."""
    for model in (LearningCursor, Participation, ParticipationOrder, ParticipationClaim):
        model.objects.using("home").update(next_try_at=LONG_AGO)
        model.objects.using("home").update(lease_token=None, lease_until=None)


def states() -> str:
    """What all rows say, for a failing test."""
    rows = [*Participation.objects.using("home").all(), *ParticipationOrder.objects.using("home").all()]
    rows += [*ParticipationClaim.objects.using("home").all(), *LearningCursor.objects.using("home").all()]
    return "\n".join(
        f"{row} code={getattr(row, 'code', '')} error={row.last_error_code} {row.last_error}" for row in rows
    )


def home_turn(home: Household, times: int = 1) -> None:
    """The home's workers go on."""
    for _ in range(times):
        everything_due()
        learning_advance(home)


def plan_of_test(**changes: Any) -> TrainingPlan:
    """Three homes learn comfort in two noised rounds."""
    fields: dict[str, Any] = {
        "task": TASK,
        "family": "logistic",
        "hyper": Hyper(learning_rate_micro=10_000),
        "strategy": Strategy("fedavg"),
        "rounds": 2,
        "epochs": 1,
        "batch_size": 32,
        "cohort": 3,
        "minimum": 3,
        "deadline_s": 40,
        "clip_micro": 1_000_000,
        "seed": 1,
        "privacy": Privacy(1_000_000, 10),
        "reward_credits": 10,
        "bonus_credits": 9,
        "budget_credits": 2_000,
    }
    return TrainingPlan(**{**fields, **changes})


def rows_made_up(count: int = 60) -> Table:
    rng, names = np.random.default_rng(5), template(TASK).names
    x = rng.normal(0, 0.5, (count, len(names)))
    y = (x[:, 0] > 0).astype(np.float64)
    return Table(x, y, np.arange(count, dtype=np.int64) * HOUR_MS, np.full(count, 0.5), names)


@dataclass
class Neighbour:
    """A home of the cohort that is nothing but the job's code; it has no lots and is paid nothing."""

    account: bytes
    secret: bytes
    channel: MemoryChannel
    random: SeededRandom
    record: HubRecord | None = None

    @property
    def key(self) -> bytes:
        return public_key(self.secret)


class Enterprise:
    """Acme: posts, funds, opens, leads, pays. ``job_encode`` of its record is what would be on disk."""

    def __init__(self, world: World, plan: TrainingPlan | None = None) -> None:
        self.world, self.plan = world, plan or plan_of_test()
        self.signer, self.nonce = Signer(ACME), sha256(b"nonce")
        self.address, self.identity = self.signer.address, identity_of("enterprise", self.signer.address.hex())
        self.job = job_id_of(self.address, plan_hash(self.plan), self.nonce)
        self.opened = self.ended = False
        if not any(event.kind == "registry.accredited" for event in world.market.events(0).events):
            self._introduce()
        self.channel = world.nodes.post.channel(self.identity)
        self.offers: list[LotsOffer] = []
        self.neighbours = [self._neighbour(number) for number in range(2)]
        self.terms: JobTerms | None = None
        self._record = b""
        self._now_ms = 0
        self.told_rounds = 0
        self.rounds: list[TxProof] = []
        self.release = True
        self.deadline_ms = world.market.head().time_ms + 10**8
        self.answers: list[tuple[str, bytes]] = []

    def _introduce(self) -> None:
        market = self.world.market
        market.buyer(ACME, 100_000)
        (accredited,) = (event for event in market.events(0).events if event.kind == "registry.accredited")
        proof = market.proof(accredited.tx_id)
        self.tell("service_models.accreditation_show", rows.ShowAccreditation(proof))
        self.tell("service_models.service_register", rows.ServiceRegister(SERVICE, "share", "Comfort of a room."))
        self.tell("peers.register", RegisterPeer(sha256(b"channel of acme"), public_key(ACME)))

    @classmethod
    def again(cls, world: World, plan: TrainingPlan) -> Enterprise:
        """Another job of the same enterprise, or its first."""
        return cls(world, plan)

    # Before the rounds.

    def pay_and_open(self) -> None:
        """Fund and open; both were done if the first was."""
        if not self.opened:
            self.opened = True
            self.open(self.fund())

    def end_once(self) -> None:
        if not self.ended:
            self.ended = True
            self.end()

    def tell(self, call: str, args: Any, secret: bytes = ACME) -> TxProof:
        proof = self.world.models.call(secret, call, args)
        assert not proof.receipt.code, proof.receipt.code
        return proof

    def pay(self, call: str, args: Any) -> TxProof:
        proof = self.world.market.call(ACME, call, args)
        assert not proof.receipt.code, proof.receipt.code
        return proof

    def post(self, **changes: Any) -> Notice:
        return self.world.board.post(self.plan, self.address, **changes)

    @property
    def home_address(self) -> bytes:
        assert self.world.board.answers, states()
        return self.world.board.answers[plan_hash(self.plan)][0]

    @property
    def home(self) -> str:
        return identity_of("hub", self.home_address.hex())

    def ask(self) -> None:
        """Ask the home that answered to be a peer, and name the job."""
        self.world.nodes.asks.add((self.identity, self.home))

    def offer(self, **changes: Any) -> None:
        told = {"job": self.job, "plan": plan_encode(self.plan), "nonce": self.nonce, **changes}
        self.channel.send(self.home, offer_to_hub(told["job"].hex()), encode(JobOffer(**told)))

    def mail(self) -> None:
        """Take what the home said before the job runs."""
        for message in self.channel.receive():
            self.offers.append(decode(LotsOffer, message.data))

    def fund(self, lots: list[bytes] | None = None, **changes: Any) -> TxProof:
        """Pay for the home's lots, and for one of each neighbour's."""
        chosen = [self.world.market.lot(lot) for lot in lots or self.offers[-1].lots]
        return self.fund_rows([*chosen, *map(self._neighbour_lot, range(2))], **changes)

    def fund_rows(self, chosen: list[LotRow], **changes: Any) -> TxProof:
        fields = {
            "plan": plan_hash(self.plan), "nonce": self.nonce, "rounds": self.plan.rounds,
            "deadline_ms": self.deadline_ms, "bonus": self.plan.bonus_credits,
        }  # fmt: skip
        (funding,) = training_fundings(chosen, **{**fields, **changes})
        return self.pay("market.fund_training", funding)

    def open(self, paid: TxProof, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "service": rows.service_id_of(SERVICE), "plan": plan_hash(self.plan), "nonce": self.nonce,
            "task": self.plan.task, "rounds": self.plan.rounds, "cohort_min": self.plan.minimum,
            "epsilon_micro": self.plan.privacy.epsilon_micro if self.plan.privacy else 0, "delta_micro": 10,
            "model": sha256(self.parameters.astype("<f8").tobytes()), "deadline_ms": self.deadline_ms,
            "proofs": (paid,),
        }  # fmt: skip
        self.tell("service_models.job_open", rows.JobOpen(**{**fields, **changes}))

    @property
    def parameters(self) -> np.ndarray:
        return family(self.plan.family).parameters_new(self.plan, np.random.default_rng(self.plan.seed))

    # Rounds.

    def begin(self, **changes: Any) -> None:
        """Send the terms to all, and make the record of the first round."""
        seed = self.world.models.job_seed(self.job)
        own = self.world.models.peer(self.home_address).job_key
        fields = {
            "job": self.job, "plan": plan_encode(self.plan), "seed": seed,
            "cohort": (own, *(each.key for each in self.neighbours)),
            "peers": (self.home, *(each.channel.identity for each in self.neighbours)),
        }  # fmt: skip
        self.terms = JobTerms(**{**fields, **changes})
        self.channel.send(self.home, job_path(self.job.hex(), "in", 0, TERMS), encode(self.terms))
        for each in self.neighbours:
            each.record = hub_begin(encode(self.terms), plan_hash(self.plan), self.job, self.terms.seed, each.key)
        self._record = job_encode(job_begin(self.terms, self.parameters, self._now_ms))

    @property
    def record(self) -> JobRecord:
        return job_decode(self._record)

    def turn(self, *, ms: int = TICK_MS) -> None:
        """Read the mail, go on, write the ledger, pay, send."""
        self._now_ms += ms
        record = self.record
        if record.phase != RUNNING:
            return
        for message in self.channel.receive():
            place = round_of(message.path)
            if place is not None:
                name = message.path.rsplit("/", 1)[1]
                self.answers.append((name, message.data))
                record = self._take(record, message.peer, name, message.data, place[1])
        record = job_tick(record, self._now_ms, self)
        for peer, sequence, name, data in job_outgoing(record):
            self.channel.send(peer, job_path(self.job.hex(), "in", sequence, name), data)
        record = job_sent(record)
        self._record = job_encode(record)
        for report in record.reports[self.told_rounds :]:
            if report.kind == TRAIN and report.outcome == OPENED:
                self._round(report)
        self.told_rounds = len(record.reports)
        for each in self.neighbours:
            self._neighbour_turn(each)

    def keys_commit(self, round_id: bytes, keys_root: bytes) -> None:
        """See ``Beacon``."""
        if self.world.models._ledger.state.get(ROUND_KEYS, round_keys_id(self.address, round_id)) is None:
            self.tell("peers.round_keys", RoundKeys(round_id, keys_root))

    def block_after(self, round_id: bytes, keys_root: bytes) -> bytes | None:
        """See ``Beacon``."""
        return self.world.models.round_block_after(self.address, round_id, keys_root)

    def orders(self) -> list[bytes]:
        return [training_order_id_of(self.job, lot) for lot in self.offers[-1].lots]

    def end(self, outcome: str = COMPLETED, reason: str = "") -> TxProof:
        """The job's end, and the home's share of the bonus: all of it."""
        whole = BonusShares(dict.fromkeys(self.orders(), 500000) if outcome == COMPLETED else {})
        proof = self.tell(
            "service_models.job_end",
            JobEnd(self.job, outcome, reason, whole.root if len(whole) else EMPTY_ROOT, len(whole)),
        )
        for call in whole.claims(proof) if len(whole) else []:
            self.channel.send(self.home, bonus_path(self.job.hex()), encode(call))
        return proof

    def publish(self, number: int) -> bytes:
        """A version of what a round left; its id."""
        proof = self.rounds[number - 1]
        done = decode(Round, proof.signed.tx.args)
        args = rows.Publish(self.job, number, done.model_after, b"", sha256(b"card"), (), sha256(b"object"), 4096)
        self.tell("service_models.version", args)
        return rows.version_id_of(self.job, number, done.model_after)

    def _round(self, report: Any) -> None:
        here = report.survivors.index(0) if 0 in report.survivors else None
        updates = dict.fromkeys(self.orders(), report.updates[here]) if here is not None else {}
        lots = [make_lot(f"neighbour-{n}").lot_id for n in range(2)]
        updates |= {
            training_order_id_of(self.job, lots[index - 1]): update
            for index, update in zip(report.survivors, report.updates, strict=True)
            if index
        }
        leaves = Participants(updates)
        args = Round(
            job=self.job, number=report.step, complete=True, reason="", model_before=report.model_before,
            model_after=report.model_after, joined=report.joined, survivors=len(report.survivors),
            leaf_count=len(leaves), root=leaves.root, epsilon_micro=report.epsilon_micro,
        )  # fmt: skip
        proof = self.tell(ROUND, args)
        self.rounds.append(proof)
        if self.release and here is not None:
            claims = tuple(leaves.claim(order) for order in self.orders())
            path = release_path(self.job.hex(), report.step)
            self.channel.send(self.home, path, encode(ReleaseRound(proof, claims)))

    def _neighbour_lot(self, number: int) -> LotRow:
        market, lot = self.world.market, make_lot(f"neighbour-{number}", licence_kind="training", expires_ms=10**15)
        if not market.lot_known(lot.lot_id):
            height = market.call(secret_of(lot.payee), "market.publish", lot.digest).header.height
            beacon = market.header(height + 1)
            assert beacon is not None
            chosen = preview_indices(header_hash(beacon), lot.lot_id, lot.digest.chunk_count, 2)
            market.call(secret_of(lot.payee), "market.open_preview", lot.preview(chosen))
        return market.lot(lot.lot_id)

    def _take(self, record: JobRecord, peer: str, name: str, data: bytes, sequence: int) -> JobRecord:
        try:
            return job_take(record, peer, name, data, sequence)
        except HearthError:
            return record

    def _neighbour(self, number: int) -> Neighbour:
        account = sha256(b"neighbour's account", bytes([number]))
        identity = identity_of("hub", Signer(account).address.hex())
        self.world.nodes.post.connect(self.identity, identity)
        secret = sha256(b"neighbour", bytes([number]))
        return Neighbour(account, secret, self.world.nodes.post.channel(identity), SeededRandom(secret))

    def _neighbour_turn(self, each: Neighbour) -> None:
        world = HubWorld(each.secret, self, Willing(), rows_made_up, each.random)
        for message in each.channel.receive():
            place = round_of(message.path)
            assert place is not None and each.record is not None
            each.record, answers = hub_take(each.record, message.path.rsplit("/", 1)[1], message.data, world)
            for answer in answers:
                each.channel.send(self.identity, job_path(place[0], "out", place[1], answer.stage), answer.data)


def acquainted(enterprise: Enterprise, home: Household) -> None:
    """From the notice to the home's offer of lots."""
    enterprise.post()
    home_turn(home, 2)
    enterprise.ask()
    home_turn(home)
    enterprise.offer()
    home_turn(home)
    enterprise.mail()


def licensed_job(enterprise: Enterprise, home: Household) -> None:
    """And on to the accepted licences."""
    acquainted(enterprise, home)
    enterprise.open(enterprise.fund())
    home_turn(home, 3)


def lead(enterprise: Enterprise, home: Household, turns: int = 60) -> None:
    """Rounds until the job is over."""
    for _ in range(turns):
        if enterprise.record.phase != RUNNING:
            break
        enterprise.turn()
        home_turn(home)
