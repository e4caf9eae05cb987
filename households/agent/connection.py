"""One device's life: connect, prove who it is, send readings, vote; and again whenever the connection ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from households.agent.ballots import Ballots
from households.agent.faults import Faults
from households.agent.files import StateDir
from households.agent.identity import HubChanged, RefusedByHub, handshake
from households.agent.keyfile import key_load_or_create
from households.agent.outbox import Outbox
from households.agent.sources import Reading, quantities_of, replayed, simulated_now
from households.agent.spec import AgentSpec, Replay
from households.consensus.messages import (
    MAX_MESSAGE_BYTES,
    RETRY_CODES,
    BatchEnd,
    BatchHead,
    BatchPart,
    BlockNotice,
    BlocksFetch,
    FromAgent,
    FromHub,
    ProposalNotice,
    Refusal,
    SegmentAck,
    SegmentUpload,
    Settings,
    VoteAck,
    Welcome,
    from_hub,
    message_encode,
)
from households.consensus.readings import segment_parse
from marketplace.common.errors import HearthError

log = logging.getLogger("hearth.agent")
FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 30.0
KEPT_SEGMENTS = 8


def now_ms() -> int:
    """The device's clock."""
    return time.time_ns() // 1_000_000


class SocketLink:
    """Messages over a WebSocket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def send(self, message: FromAgent) -> None:
        """Send one frame; raises ``ConnectionClosed``."""
        await self._socket.send(message_encode(message))

    async def receive(self) -> FromHub:
        """The next message; raises ``ConnectionClosed``, or ``MessageRefused`` for anything that is none."""
        data = await self._socket.recv(decode=False)
        return from_hub(data)


class Agent:
    """The running device."""

    def __init__(self, spec: AgentSpec, clock: Callable[[], int] = now_ms) -> None:
        self._spec = spec
        self._clock = clock
        self._state = StateDir(Path(spec.state_dir))
        self._secret = key_load_or_create(self._state.path)
        self._quantities = quantities_of(spec)
        self._faults = Faults(spec, clock())
        self._interval_ms, self._upload_ms = spec.interval_ms, spec.upload_ms
        self._outbox: Outbox | None = None
        self._ballots: Ballots | None = None
        self._old: deque[bytes] = deque(maxlen=KEPT_SEGMENTS)
        self._nudge = asyncio.Event()
        self._exhausted = False
        self._logged: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Stay connected until cancelled. Returns only when the hub refuses for good or is not the pinned one."""
        measuring = asyncio.create_task(self._measure())
        backoff_s = FIRST_BACKOFF_S
        try:
            while True:
                began = time.monotonic()
                try:
                    await self._connection()
                except (RefusedByHub, HubChanged) as refusal:
                    log.error("%s: %s (%s)", self._spec.name, refusal.code, refusal.detail)
                    if not isinstance(refusal, RefusedByHub) or refusal.final:
                        return
                except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
                    log.info("%s: not connected (%s)", self._spec.name, type(error).__name__)
                except HearthError as refusal:
                    log.warning("%s: connection ended: %s", self._spec.name, refusal.code)
                if time.monotonic() - began > LONGEST_BACKOFF_S:
                    backoff_s = FIRST_BACKOFF_S
                await asyncio.sleep(backoff_s * random.uniform(0.5, 1.0))
                backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)
        finally:
            measuring.cancel()
            if self._ballots is not None:
                self._ballots.close()

    async def _connection(self) -> None:
        async with connect(self._spec.url, max_size=MAX_MESSAGE_BYTES, compression=None) as socket:
            link = SocketLink(socket)
            welcome = await handshake(link, self._spec, self._secret, self._state, self._clock())
            self._begin(welcome)
            assert self._ballots is not None
            await link.send(BlocksFetch(self._ballots.height))
            sending = asyncio.create_task(self._send_readings(link))
            try:
                while True:
                    await self._on_message(await link.receive(), link)
            finally:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await sending
                self._ballots.connection_lost()

    def _begin(self, welcome: Welcome) -> None:
        """Take over what the welcome says; the queue of an earlier connection goes on."""
        self._interval_ms = self._spec.interval_ms or welcome.interval_ms
        self._upload_ms = self._spec.upload_ms or welcome.upload_ms
        pins = self._state.pins()
        assert pins is not None
        if self._ballots is None:
            self._ballots = Ballots(
                name=self._spec.name,
                secret=self._secret,
                device_id=welcome.device_id,
                genesis=welcome.genesis,
                state=self._state,
                votes=lambda: self._faults.votes(self._clock()),
            )
        if self._outbox is None:
            self._outbox = Outbox(
                secret=self._secret,
                ledger=pins.ledger,
                device_id=welcome.device_id,
                account=welcome.account,
                units={entry.name: entry.unit for entry in self._quantities},
                next_sequences=dict(welcome.next_sequences),
                backfilled=isinstance(self._spec.source, Replay),
            )
        else:
            self._outbox.restarted(dict(welcome.next_sequences))
        self._nudge.set()

    async def _on_message(self, message: FromHub, link: SocketLink) -> None:
        assert self._ballots is not None and self._outbox is not None
        if isinstance(message, SegmentAck):
            self._outbox.acked(message.quantity, message.first_sequence, message.code, message.next_sequence)
            self._log_once("readings not taken", message.code)
            if message.code not in RETRY_CODES:  # those wait for the next upload, or they would come back at once
                self._nudge.set()
        elif isinstance(message, BlockNotice):
            await self._ballots.on_block(message, link.send)
        elif isinstance(message, ProposalNotice):
            await self._ballots.on_proposal(message, link.send)
        elif isinstance(message, BatchHead | BatchPart | BatchEnd):
            await self._ballots.on_batch(message, link.send)
        elif isinstance(message, Settings):
            self._interval_ms, self._upload_ms = message.interval_ms, message.upload_ms
        elif isinstance(message, VoteAck):
            self._log_once("vote not counted", message.code)
        elif isinstance(message, Refusal):
            raise RefusedByHub(message)

    def _log_once(self, what: str, code: str) -> None:
        """Log a refusal the first time its code comes; a device that is refused is refused many times."""
        if code and (what, code) not in self._logged:
            self._logged.add((what, code))
            log.warning("%s: %s: %s", self._spec.name, what, code)

    async def _send_readings(self, link: SocketLink) -> None:
        """Send what is ready whenever something changes, and at least every ``upload_ms`` what is not full yet."""
        while True:
            assert self._outbox is not None
            flush = self._exhausted or not isinstance(self._spec.source, Replay)
            for raw in self._outbox.to_send(self._clock(), flush=flush):
                await link.send(SegmentUpload(raw))
                await self._resend(raw, link)
            self._nudge.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), max(self._upload_ms, 50) / 1000)

    async def _resend(self, raw: bytes, link: SocketLink) -> None:
        """The fault of sending an old segment again, as it was."""
        segment = segment_parse(raw).segment
        if self._old and self._faults.resends(segment.quantity, segment.times_ms[0]):
            await link.send(SegmentUpload(self._old[0]))
        if segment.quantity in self._faults.resent:
            self._old.append(raw)

    async def _measure(self) -> None:
        """Fill the queue: a file as fast as it is acknowledged, curves by the clock."""
        while self._outbox is None:
            await self._nudge.wait()
            self._nudge.clear()
        source = self._spec.source
        if isinstance(source, Replay):
            if self._faults.measures(self._clock()):
                await self._replay(replayed(source, self._quantities), self._outbox)
            return
        while self._faults.measures(self._clock()):
            for reading in simulated_now(self._spec, source, self._quantities, self._clock()):
                self._outbox.add(self._faults.applied(reading))
            interval_ms = max(self._interval_ms, 50)
            await asyncio.sleep((interval_ms - self._clock() % interval_ms) / 1000)

    async def _replay(self, readings: Iterator[Reading], outbox: Outbox) -> None:
        for reading in readings:
            outbox.add(self._faults.applied(reading))
            if outbox.full:
                self._nudge.set()
            while outbox.full:
                await asyncio.sleep(0.005)
        self._exhausted = True
        self._nudge.set()
