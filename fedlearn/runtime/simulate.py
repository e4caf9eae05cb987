"""A training job among simulated homes: the very code of a deployment, on the channel in memory, in one process.

Everybody's chance comes from one seed, so two runs with one seed are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from chain.core.codec import decode, encode
from chain.crypto.hashing import sha256, tagged
from chain.crypto.prg import SeededRandom
from chain.crypto.secp256k1 import public_key
from fedlearn.learners.attacks import Attack
from fedlearn.learners.families import family
from fedlearn.learners.plan import TrainingPlan, plan_encode, plan_hash
from fedlearn.learners.plan_check import plan_check
from fedlearn.learners.table import Floats, Table
from fedlearn.protocol.accounting import Release
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
from fedlearn.runtime.jobs.hub import Train, local_update
from fedlearn.runtime.memory import MemoryChannel, MemoryPost
from fedlearn.runtime.names import identity_of, job_path, round_of

ENTERPRISE = identity_of("enterprise", "00" * 20)
TICK_MS = 1_000


@dataclass
class Chain:
    """A ledger with a block after every root, known to all at once."""

    roots: dict[bytes, bytes] = field(default_factory=dict)

    def keys_commit(self, round_id: bytes, keys_root: bytes) -> None:
        """See ``Beacon``."""
        self.roots.setdefault(round_id, keys_root)

    def block_after(self, round_id: bytes, keys_root: bytes) -> bytes | None:
        """See ``Beacon``."""
        if self.roots.get(round_id) != keys_root:
            return None
        return tagged("hearth/simulated-block", keys_root)


class Willing:
    """A home that joins every round."""

    def allow(self, sequence: int, release: Release | None) -> None:
        """See ``RoundGuard``."""

    def spend(self, sequence: int) -> None:
        """See ``RoundGuard``."""

    def over(self, sequence: int, outcome: str) -> None:
        """See ``RoundGuard``."""


@dataclass
class Home:
    """A simulated hub. ``absent`` says whether it falls silent in a round, by the round's number."""

    table: Table
    secret: bytes
    channel: MemoryChannel
    random: SeededRandom
    absent: Callable[[int], bool]
    record: HubRecord | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a simulated job ended, and how many bytes hubs sent and got, by the job's own messages."""

    job: JobRecord
    sent_bytes: int
    received_bytes: int

    @property
    def bytes_a_home_and_round(self) -> float:
        """Bytes in both directions, for each home and round."""
        rounds = max(1, len(self.job.reports))
        return (self.sent_bytes + self.received_bytes) / (rounds * len(self.job.terms.cohort))


class Simulation:
    """A job over tables of homes.

    ``dropout`` (0..1) is the chance that a home falls silent in a round; ``parameters`` those to start from.
    """

    def __init__(
        self,
        plan: TrainingPlan,
        tables: Sequence[Table],
        *,
        seed: int = 0,
        dropout: float = 0.0,
        parameters: Floats | None = None,
        attack: Attack | None = None,
    ) -> None:
        """Raises what ``plan_check`` raises."""
        plan_check(plan)
        self.attack = attack
        self.plan, self.chain, self.post = plan, Chain(), MemoryPost()
        self._root = tagged("hearth/simulation", seed.to_bytes(8, "big"))
        self._job = tagged("hearth/simulated-job", self._root, plan_hash(plan))
        self._now_ms = 0
        self.homes = [self._home(index, table, dropout) for index, table in enumerate(tables)]
        self.terms = JobTerms(
            job=self._job,
            plan=plan_encode(plan),
            seed=sha256(self._root),
            cohort=tuple(public_key(home.secret) for home in self.homes),
            peers=tuple(home.channel.identity for home in self.homes),
        )
        if parameters is None:
            parameters = family(plan.family).parameters_new(plan, np.random.default_rng(plan.seed))
        self._channel = self.post.channel(ENTERPRISE)
        self._coordinator = job_encode(job_begin(self.terms, parameters, 0))
        self.sent_bytes = self.received_bytes = 0

    @property
    def record(self) -> JobRecord:
        """The coordinator's record, from its bytes as after a restart."""
        return job_decode(self._coordinator)

    def run(self, progress: Callable[[JobRecord], None] = lambda record: None) -> Outcome:
        """Run the job to its end; ``progress`` is told the record after each turn."""
        terms = encode(self.terms)
        for home in self.homes:
            key = public_key(home.secret)
            home.record = hub_begin(terms, plan_hash(self.plan), self._job, self.terms.seed, key)
        record = self.record
        while record.phase == RUNNING:
            record = self._turn(record)
            for index, home in enumerate(self.homes):
                self._home_turn(index, home)
            progress(record)
        self._coordinator = job_encode(record)
        return Outcome(record, self.sent_bytes, self.received_bytes)

    def _turn(self, record: JobRecord) -> JobRecord:
        """The coordinator reads its mail, goes on, and sends."""
        self._now_ms += TICK_MS
        for message in self._channel.receive():
            place = round_of(message.path)
            assert place is not None
            record = job_take(record, message.peer, message.path.rsplit("/", 1)[1], message.data, place[1])
        before = record.sequence
        record = job_tick(record, self._now_ms, self.chain)
        if record.sequence != before:
            self._channel.prune(self._job.hex(), before)
        for peer, sequence, name, data in job_outgoing(record):
            self.received_bytes += len(data)
            self._channel.send(peer, job_path(self._job.hex(), "in", sequence, name), data)
        return job_sent(record)

    def _home_turn(self, index: int, home: Home) -> None:
        train = local_update if self.attack is None else self._trains_as(index, self.attack)
        world = HubWorld(home.secret, self.chain, Willing(), lambda: home.table, home.random, train)
        for message in home.channel.receive():
            place = round_of(message.path)
            assert place is not None and home.record is not None
            if home.absent(place[1]):
                continue
            home.record, answers = hub_take(home.record, message.path.rsplit("/", 1)[1], message.data, world)
            home.record = decode(HubRecord, encode(home.record))
            for answer in answers:
                self.sent_bytes += len(answer.data)
                home.channel.send(ENTERPRISE, job_path(self._job.hex(), "out", place[1], answer.stage), answer.data)

    @staticmethod
    def _trains_as(index: int, attack: Attack) -> Train:
        """How a home of an attack makes its update: of turned labels, or of an honest update that it turns round."""

        def train(plan: TrainingPlan, parameters: Floats, table: Table, chance: np.random.Generator) -> Floats:
            binary = family(plan.family).shape(plan).binary
            turned = replace(table, y=attack.labels(index, table.y, binary=binary))
            return attack.update(index, local_update(plan, parameters, turned, chance))

        return train

    def _home(self, index: int, table: Table, dropout: float) -> Home:
        own = tagged("hearth/simulated-home", self._root, index.to_bytes(4, "big"))
        identity = identity_of("hub", own[:20].hex())
        self.post.connect(ENTERPRISE, identity)
        return Home(
            table=table,
            secret=tagged("hearth/simulated-key", own),
            channel=self.post.channel(identity),
            random=SeededRandom(own),
            absent=lambda sequence: _chance(own, sequence) < dropout,
        )


def figures_of(record: JobRecord) -> Mapping[str, float]:
    """The figures of the final model."""
    return {figure.name: figure.micro / 1e6 for figure in record.reports[-1].figures}


def _chance(own: bytes, sequence: int) -> float:
    return int.from_bytes(tagged("hearth/simulated-absence", own, sequence.to_bytes(4, "big"))[:6], "big") / 2**48
