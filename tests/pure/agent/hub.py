"""A small hub in memory that speaks the agents' protocol over real WebSockets, on the simulator's ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from chain.consensus.validators import vote_sign
from chain.contracts.devices.rows import ALL_PERMISSIONS, Join
from chain.core.codec import encode
from chain.core.types import Validator
from chain.crypto.hashing import address_of, tagged
from chain.crypto.secp256k1 import public_key, verify
from chain.crypto.x509 import authority_create, certificate_issue
from households.consensus.batch import BatchData
from households.consensus.messages import (
    BatchEnd,
    BatchFetch,
    BatchHead,
    BatchPart,
    BlockNotice,
    BlocksFetch,
    Challenge,
    FaultNotice,
    FromAgent,
    FromHub,
    Hello,
    Pending,
    ProposalNotice,
    Prove,
    Refusal,
    SegmentAck,
    SegmentUpload,
    VoteAck,
    VoteCast,
    Welcome,
    from_agent,
    message_encode,
    prove_digest,
)  # fmt: skip
from households.consensus.proposal import Proposal
from households.consensus.readings import Signer, segment_accept, segment_parse
from households.consensus.round import Round, vote_parse
from households.consensus.voter import Voter
from households.privacy.classes import DEVICE_CLASSES
from marketplace.common.errors import HearthError
from tests.pure.consensus.simulator import LEDGER, Device, SimHome, encode_empty, secret

CODE = "let-me-in"
YEAR_MS = 365 * 86_400_000
Send = Callable[[FromHub], Awaitable[None]]


@dataclass
class Stored:
    """What the hub holds of one device."""

    join: Join
    account: bytes
    certificate: bytes
    next_sequences: dict[str, int] = field(default_factory=dict)
    segments: list[bytes] = field(default_factory=list)
    acks: list[str] = field(default_factory=list)


class TestHub:
    """One home's hub. ``votes`` has every vote as it came, (height, raw); ``drop_acks`` acknowledgements are lost."""

    __test__ = False

    def __init__(self, now_ms: int) -> None:
        self.home = SimHome([])
        self.now_ms = now_ms
        self.authority = authority_create(secret("authority"), "00aa11bb22cc", now_ms - 1000, now_ms + YEAR_MS)
        self.stored: dict[bytes, Stored] = {}
        self.sockets: dict[bytes, ServerConnection] = {}
        self.proposal: Proposal | None = None
        self.batch: BatchData | None = None
        self.round: Round | None = None
        self.votes: list[tuple[int, bytes]] = []
        self.faults: list[bytes] = []
        self.refuse_with = ""
        self.drop_acks = 0
        self.changed = asyncio.Condition()
        self.joining = asyncio.Lock()

    async def serve(self, port: int = 0) -> tuple[Server, str]:
        server = await serve(self.talk, "127.0.0.1", port, max_size=1 << 20, compression=None)
        return server, f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"

    async def until(self, condition: Callable[[], bool], timeout_s: float = 30) -> None:
        """Wait on a condition that messages can change."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(condition), timeout_s)

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def talk(self, socket: ServerConnection) -> None:
        async def send(message: FromHub) -> None:
            await socket.send(message_encode(message))

        try:
            key = await self.admit(socket, send)
            if key is None:
                return
            self.sockets[key] = socket
            await self.notify()
            if self.proposal is not None:
                await send(ProposalNotice(encode(self.proposal)))
            async for data in socket:
                assert isinstance(data, bytes)
                await self.on_message(key, from_agent(data), send)
                await self.notify()
        except ConnectionClosed:
            return

    async def admit(self, socket: ServerConnection, send: Send) -> bytes | None:
        hello = from_agent(await socket.recv(decode=False))
        assert isinstance(hello, Hello)
        key, nonce = hello.public_key, tagged("hearth/test-nonce", hello.public_key)
        await send(Challenge(LEDGER, self.home.ledger.genesis_hash, nonce, self.now_ms))
        prove = from_agent(await socket.recv(decode=False))
        assert isinstance(prove, Prove)
        signed = verify(key, prove_digest(LEDGER, nonce, key, prove.facts), prove.signature)
        if self.refuse_with or not signed or (key not in self.stored and prove.code != CODE):
            await send(Refusal(self.refuse_with or "enrolment_refused", "no", True))
            return None
        async with self.joining:
            if key not in self.stored:
                await send(Pending("the home is deciding"))
                await self.enrol(key, prove)
        stored = self.stored[key]
        sequences = tuple(sorted(stored.next_sequences.items()))
        await send(
            Welcome(
                address_of(key),
                stored.account,
                stored.certificate,
                self.authority,
                public_key(self.home.hub),
                encode(self.home.genesis),
                self.home.ledger.height,
                sequences,
                100,
                100,
            )
        )
        return key

    async def enrol(self, key: bytes, prove: Prove) -> None:
        number, facts = len(self.stored), prove.facts
        certificate = certificate_issue(
            secret("authority"),
            self.authority,
            key,
            number + 2,
            self.now_ms - 1000,
            self.now_ms + YEAR_MS,
            f"d{number}",
        )
        join = Join(
            key, tagged("hearth/test", certificate), number, facts.device_class, facts.area, f"d{number}", True, b"",
            ALL_PERMISSIONS,
        )  # fmt: skip
        await self.decide(self.home.proposal([self.home.transaction("devices.join", join)]))
        self.stored[key] = Stored(join, tagged("hearth/test-account", address_of(key))[:20], certificate)

    async def decide(self, proposal: Proposal, batch: BatchData | None = None) -> Round:
        """Put a proposal before the agents, wait for its quorum, and spread the block."""
        round = self.open(proposal, batch)
        if round.judges == (Validator(public_key(self.home.owner)),):
            round.add(vote_sign(self.home.owner, proposal.body.header, extra=encode_empty()))
        await self.broadcast(ProposalNotice(encode(proposal)))
        await self.until(lambda: round.final)
        await self.finish()
        return round

    def open(self, proposal: Proposal, batch: BatchData | None = None) -> Round:
        self.proposal, self.batch = proposal, batch
        self.round = Round(proposal, self.home.judges(proposal), batch.terms if batch else None)
        return self.round

    async def finish(self) -> None:
        assert self.proposal is not None and self.round is not None
        self.home.commit(self.proposal, self.round)
        self.proposal = None
        await self.broadcast(BlockNotice(self.home.blocks[-1]))

    async def on_message(self, key: bytes, message: FromAgent, send: Send) -> None:
        if isinstance(message, SegmentUpload):
            await self.on_segment(key, message, send)
        elif isinstance(message, BlocksFetch):
            for raw in self.home.blocks[message.after_height :]:
                await send(BlockNotice(raw))
            if self.proposal is not None:
                await send(ProposalNotice(encode(self.proposal)))
        elif isinstance(message, BatchFetch) and self.batch is not None:
            await self.send_batch(self.batch, send)
        elif isinstance(message, VoteCast):
            await self.on_vote(message, send)
        elif isinstance(message, FaultNotice):
            self.faults.append(message.evidence)

    async def on_vote(self, message: VoteCast, send: Send) -> None:
        vote, code = vote_parse(message.vote), ""
        self.votes.append((message.height, message.vote))
        try:
            assert self.round is not None
            self.round.add(vote)
        except HearthError as error:
            code = error.code
        await send(VoteAck(message.height, vote.round, code))

    async def on_segment(self, key: bytes, message: SegmentUpload, send: Send) -> None:
        stored = self.stored[key]
        segment = segment_parse(message.segment).segment
        units = {q.name: q.unit for q in DEVICE_CLASSES[stored.join.device_class].quantities}
        signers = {address_of(key): Signer(address_of(key), key, stored.account, True, units)}
        expected, code = stored.next_sequences.get(segment.quantity, 1), ""
        try:
            segment_accept(message.segment, LEDGER, signers, expected, time.time_ns() // 1_000_000)
        except HearthError as error:
            code = error.code
        if not code:
            stored.segments.append(message.segment)
            stored.next_sequences[segment.quantity] = segment.last_sequence + 1
        stored.acks.append(code)
        if self.drop_acks:
            self.drop_acks -= 1
            return
        following = stored.next_sequences.get(segment.quantity, 1)
        await send(SegmentAck(segment.quantity, segment.first_sequence, code, following))

    async def send_batch(self, batch: BatchData, send: Send) -> None:
        batch_id = batch.terms.batch_id
        await send(BatchHead(batch_id, encode(batch.terms), len(batch.segments)))
        for begin in range(0, len(batch.segments), 20):
            await send(BatchPart(batch_id, begin, batch.segments[begin : begin + 20]))
        await send(BatchEnd(batch_id))

    async def broadcast(self, message: FromHub) -> None:
        for socket in list(self.sockets.values()):
            try:
                await socket.send(message_encode(message))
            except ConnectionClosed:
                continue

    def propose_stored(self, number: int, opened_ms: int, closed_ms: int) -> tuple[Proposal, BatchData]:
        """A proposal that closes a batch of everything stored."""
        segments = [raw for stored in self.stored.values() for raw in stored.segments]
        self.home.devices = [self._as_device(stored.join) for stored in self.stored.values()]
        batch, closing = self.home.batch(segments, number=number, opened_ms=opened_ms, closed_ms=closed_ms)
        self.home.devices = []
        return self.home.proposal([self.home.transaction("devices.close_batch", closing, self.home.hub)]), batch

    def _as_device(self, join: Join) -> Device:
        voter: Voter = self.home._voter(secret("nobody"))
        voter.device_id = address_of(join.identity_key)
        return Device("", secret("nobody"), voter, join.device_class)
