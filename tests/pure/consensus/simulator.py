"""A home in memory: a real device ledger, a real hub's rounds and real voters, with faults where a test asks for them.

Nothing is mocked: the hub signs proposals, voters execute them on their own replicas and judge, and blocks become final
by the engine's own rule. Time and chance are arguments.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from chain.consensus.validators import vote_sign
from chain.contracts import CONTRACT_SETS, DEVICE
from chain.contracts.devices.rows import (
    ALL_PERMISSIONS,
    DOUBLE_VOTE,
    BatchLot,
    CloseBatch,
    DoubleVote,
    Join,
    Leave,
    Quarantine,
    Revoke,
)
from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Genesis, Record, Validator, Vote
from chain.crypto.hashing import address_of, tagged
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.stores.memory import MemoryStore
from households.consensus.batch import (
    BatchData,
    BatchTerms,
    LotTerms,
    SeriesTerms,
    batch_order,
    readings_root,
    series_id,
)
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.judge import Evidence, examine
from households.consensus.limits import Limit
from households.consensus.memory import Memory
from households.consensus.proposal import Proposal, proposal_sign, void_sign
from households.consensus.readings import Segment, segment_parse, segment_sign
from households.consensus.replica import Replica
from households.consensus.roots import series_chunks, series_roots
from households.consensus.round import Round
from households.consensus.tally import BatchOutcome
from households.consensus.voter import Voter
from households.consensus.voting import MemoryVoteLog
from households.privacy.classes import quantity_of
from households.privacy.levels import rule_encode, rule_for

LEDGER = "home-sim"
DAY_MS = 86_400_000
START_MS = 1_700_000_000_000 // DAY_MS * DAY_MS
STEP_MS = 30_000

Values = Sequence[int]
Times = Sequence[int]


def secret(label: str) -> bytes:
    """A fixed secret key for a name."""
    return tagged("hearth/test", label.encode())


@dataclass
class Device:
    """One simulated device with its voter. ``silent`` devices never vote; ``rewrite`` may replace a vote before it is
    sent (a Byzantine voter)."""

    name: str
    secret: bytes
    voter: Voter
    device_class: str
    silent: bool = False
    rewrite: Callable[[Vote, Proposal], Vote] | None = None
    next_sequence: dict[str, int] = field(default_factory=dict)

    @property
    def device_id(self) -> bytes:
        return self.voter.device_id

    @property
    def key(self) -> bytes:
        return public_key(self.secret)

    @property
    def account(self) -> bytes:
        return tagged("hearth/test-account", self.device_id)[:20]

    def segments(self, quantity: str, times: Times, values: Values, backfilled: bool = False) -> list[bytes]:
        """Sign readings in segments of up to 60, with sequences that go on from the last ones."""
        unit = quantity_of(self.device_class, quantity).unit
        raws = []
        for begin in range(0, len(values), 60):
            first = self.next_sequence.get(quantity, 1)
            part = tuple(values[begin : begin + 60])
            times_ms = tuple(times[begin : begin + 60])
            segment = Segment(LEDGER, self.device_id, self.account, quantity, unit, first, backfilled, times_ms, part)
            raws.append(segment_sign(segment, self.secret))
            self.next_sequence[quantity] = first + len(part)
        return raws


class SimHome:
    """A home with its hub, owner and devices."""

    def __init__(self, classes: Sequence[str], *, area: str = "room", domains: Sequence[str] | None = None) -> None:
        self.owner, self.hub = secret("owner"), secret("hub")
        roles = (
            ("hub", public_key(self.hub)),
            ("master", public_key(secret("master"))),
            ("owner", public_key(self.owner)),
        )
        self.genesis = Genesis(LEDGER, DEVICE, START_MS - DAY_MS, (), (), roles)
        self.ledger = Ledger(self.genesis, CONTRACT_SETS[DEVICE], MemoryStore(LEDGER))
        self.time_ms = self.genesis.time_ms
        self.devices: list[Device] = []
        self.blocks: list[bytes] = []
        self.proofs: list[DoubleVote] = []
        for number, device_class in enumerate(classes):
            domain = domains[number] if domains else f"simulated-{number}"
            self.join(device_class, area, domain)

    def join(self, device_class: str, area: str, domain: str, *, bridge: bytes = b"", voter: bool = True) -> Device:
        """Enrol a device by a block of its own, judged by the voters before it."""
        number = len(self.devices)
        key = secret(f"device-{number}")
        args = Join(
            public_key(key), tagged("hearth/test", f"cert-{number}".encode()), number, device_class, area, domain,
            voter, bridge, ALL_PERMISSIONS,
        )  # fmt: skip
        assert self.change("devices.join", args) == ""
        device = Device(f"d{number}", key, self._voter(key), device_class)
        self.devices.append(device)
        return device

    def _voter(self, key: bytes) -> Voter:
        replica = Replica(encode(self.genesis))
        for raw in self.blocks:
            replica.take(raw)
        return Voter(
            secret=key,
            device_id=address_of(public_key(key)),
            replica=replica,
            log=MemoryVoteLog(),
            memory=Memory(),
            config=DEFAULT_CONFIG,
        )

    def proposal(
        self, transactions: Sequence[bytes], *, round: int = 0, voids: tuple[bytes, ...] = (), time_ms: int = 0
    ) -> Proposal:
        """What the hub proposes on the present head."""
        self.time_ms = max(self.time_ms + 1000, time_ms)
        prepared = [self.ledger.check(raw) for raw in transactions]
        executed = self.ledger.execute(prepared, self.time_ms, public_key(self.hub))
        return proposal_sign(executed.header, round, tuple(transactions), voids, self.hub)

    def transaction(self, call: str, args: Record, signer: bytes | None = None) -> bytes:
        """A signed transaction, by the owner unless told."""
        key = signer or self.owner
        nonce = self.ledger.next_nonce(address_of(public_key(key)))
        tx = tx_new(ledger=LEDGER, sender=public_key(key), nonce=nonce, valid_until=10**9, call=call, args=args)
        return encode(tx_sign(tx, key))

    def change(self, call: str, args: Record, signer: bytes | None = None) -> str | None:
        """One membership change in a block of its own: the receipt's code, or None if it found no quorum."""
        proposal = self.proposal([self.transaction(call, args, signer)])
        round = self.run(proposal)
        if not round.final:
            return None
        self.commit(proposal, round)
        return self.last_receipt_code

    @property
    def last_receipt_code(self) -> str:
        block = self.ledger.store.block(self.ledger.height)
        assert block is not None
        return block.receipts[-1].code

    def judges(self, proposal: Proposal) -> tuple[Validator, ...]:
        """Who votes on this proposal; before there are voters, the owner."""
        prepared = [self.ledger.prepare(raw) for raw in proposal.transactions]
        return self.ledger.execute(prepared, proposal.body.header.time_ms, proposal.body.header.proposer).judges

    def run(self, proposal: Proposal, batch: BatchData | None = None) -> Round:
        """Send the proposal (and the batch) to all devices and gather their votes."""
        judges = self.judges(proposal)
        round = Round(proposal, judges, batch.terms if batch else None)
        if judges == (Validator(public_key(self.owner)),):
            round.add(vote_sign(self.owner, proposal.body.header, extra=encode_empty()))
        for device in self.devices:
            if device.silent or device.key not in {judge.key for judge in judges}:
                continue
            vote = device.voter.vote(proposal, batch)
            proof = round.add(vote)
            if device.rewrite is not None:
                proof = round.add(device.rewrite(vote, proposal))
            if proof is not None:
                self.proofs.append(proof)
        return round

    def commit(self, proposal: Proposal, round: Round) -> None:
        """Make the block final and give it to all replicas."""
        prepared = [self.ledger.prepare(raw) for raw in proposal.transactions]
        executed = self.ledger.execute(prepared, proposal.body.header.time_ms, proposal.body.header.proposer)
        raw = encode(self.ledger.commit(executed, round.votes))
        self.blocks.append(raw)
        for device in self.devices:
            device.voter.take_block(raw)

    def batch(
        self,
        segments: Sequence[bytes],
        *,
        number: int = 1,
        opened_ms: int = START_MS,
        closed_ms: int = START_MS + DAY_MS,
        shared: bool = True,
        limits: tuple[Limit, ...] = (),
        cell: str = "g10:5:6",
    ) -> tuple[BatchData, CloseBatch]:
        """What the hub makes of the segments: terms with salts and rules, and the transaction's arguments."""
        batch_id = tagged("hearth/test-batch", number.to_bytes(4, "big"))
        seed = tagged("hearth/test-seed", batch_id)
        parsed = [(segment_parse(raw).segment, raw) for raw in segments]
        ordered = batch_order((seg.device_id, seg.quantity, seg.first_sequence, raw) for seg, raw in parsed)
        devices = {device.device_id: device for device in self.devices}
        keys = sorted(
            (series_id(batch_id, device_id, quantity), device_id, quantity)
            for device_id, quantity in {(seg.device_id, seg.quantity) for seg, _ in parsed}
        )
        bare = tuple(
            SeriesTerms(sid, device_id, quantity, devices[device_id].account, 0, 0, None)
            for sid, device_id, quantity in keys
        )
        told = BatchTerms(LEDGER, batch_id, opened_ms, closed_ms, seed, bare, cell, limits)
        data = BatchData(told, tuple(ordered))
        lots: list[BatchLot] = []
        full: list[SeriesTerms] = []
        members = self.devices[0].voter.replica.members
        evidence = examine(data, members, Memory(), DEFAULT_CONFIG)
        for entry in bare:
            series = evidence.series.get(entry.series_id)
            if series is None or not shared:
                full.append(entry)
                continue
            rule = rule_encode(rule_for(devices[entry.device_id].device_class, entry.quantity, "fine"))
            count = len(series_chunks(series, rule, seed))
            lot = LotTerms(rule, tuple(tagged("hearth/test-salt", entry.series_id, bytes([i])) for i in range(count)))
            speakers = members.speakers(entry.device_id, entry.quantity, DEFAULT_CONFIG)
            root = series_roots(series, lot, told, speakers)
            lots.append(BatchLot(entry.series_id, entry.device_id, root.plain_root, root.batch_root))
            full.append(SeriesTerms(entry.series_id, entry.device_id, entry.quantity, entry.account, 0, 0, lot))
        terms = replace(told, series=tuple(full))
        whole = readings_root(encode(terms), ordered)
        return BatchData(terms, tuple(ordered)), CloseBatch(batch_id, whole, tuple(lots))

    def evidence(self, batch: BatchData) -> Evidence:
        """What the checks find in a batch, without memory."""
        return examine(batch, self.devices[0].voter.replica.members, Memory(), DEFAULT_CONFIG)

    def key_of(self, device_id: bytes) -> bytes:
        """The identity key of a device."""
        return next(device.key for device in self.devices if device.device_id == device_id)

    def propose_batch(self, segments: Sequence[bytes], **options: Any) -> tuple[Proposal, BatchData]:
        """A proposal that closes a batch of these segments."""
        batch, closing = self.batch(segments, **options)
        return self.proposal([self.transaction("devices.close_batch", closing, self.hub)]), batch

    def close(self, segments: Sequence[bytes], **options: Any) -> BatchOutcome:
        """Propose a batch, gather votes, commit if there is a quorum; what became of it."""
        proposal, batch = self.propose_batch(segments, **options)
        members = self.devices[0].voter.replica.members
        round = self.run(proposal, batch)
        outcome = round.outcome(members, DEFAULT_CONFIG)
        assert outcome is not None
        assert outcome.quorum == round.final
        if round.final:
            self.commit(proposal, round)
        return outcome

    def void(self, proposal: Proposal) -> bytes:
        """The owner's ``void`` of a proposal's round."""
        header = proposal.body.header
        return void_sign(LEDGER, header.height, proposal.body.round, header.previous, self.owner)

    def revoke(self, device: Device) -> str | None:
        return self.change("devices.revoke", Revoke(device.device_id, "faulty"))

    def leave(self, device: Device) -> str | None:
        return self.change("devices.leave", Leave(device.device_id), device.secret)

    def quarantine_double_vote(self, proof: DoubleVote) -> str | None:
        args = Quarantine(address_of(proof.voter), DOUBLE_VOTE, encode(proof))
        return self.change("devices.quarantine", args, self.hub)


def encode_empty() -> bytes:
    """The extra of a vote on a block without a batch."""
    from chain.consensus.ballot import ballot_encode, ballot_extra

    return ballot_encode(ballot_extra((), ()))


def room_curve(times: Times, seed: int, *, offset: int = 0, day_seed: int = 0) -> list[int]:
    """A room's temperature in hundredths of a degree as one sensor sees it: a common curve with a daily shape and
    random warmth that all sensors of the room share (``day_seed``), and the sensor's own noise (``seed``)."""
    shared, own = random.Random(day_seed), random.Random(seed)
    warmth, values = 0.0, []
    for time in times:
        hour = time % DAY_MS / 3_600_000
        warmth = 0.98 * warmth + shared.gauss(0, 2.5)
        shape = 120 * max(0.0, 1 - abs(hour - 15) / 8)
        values.append(round(2100 + offset + shape + warmth + own.gauss(0, 3)))
    return values


def times_of(count: int, start_ms: int = START_MS) -> list[int]:
    """Evenly spaced times."""
    return [start_ms + 1000 + i * STEP_MS for i in range(count)]
