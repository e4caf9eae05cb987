"""WebSockets of the home role: the devices' agents (binary msgpack), and the owner's live pages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils import timezone

from households.consensus import messages as wire
from households.consensus.errors import MessageOutOfTurn
from households.errors import DeviceRefused, InboxFull, ProposalUnknown
from households.models import Device, Household
from households.services import agents, pairing, voting
from households.services.nudges import agents_group
from households.uploads.services.intake import Stored, segments_store
from marketplace.accounts.live import LiveConsumer
from marketplace.accounts.models import Kind, User
from marketplace.common.errors import HearthError, InputError, NotAllowed
from marketplace.common.events import owner_group
from marketplace.common.types import to_ms

log = logging.getLogger(__name__)
HELLO_TIMEOUT_S = 10.0
WAIT_TIMEOUT_S = 600.0
GATHER_S = 0.02
NONCE_BYTES = 32
TEXT_MAX = 500
BAD_MESSAGES_MAX = 20
CLOSE_NO_HOME = 4404
CLOSE_REFUSED = 4403
CLOSE_TOO_SLOW = 4408
T = TypeVar("T")


class OwnerLive(LiveConsumer):
    """The owner's pages: which of them should fetch themselves again. Ids only; before there is a home, nothing."""

    def groups_of(self, user: User) -> tuple[str, ...]:
        return (owner_group(user.pk),) if user.kind == Kind.OWNER else ()


class DeviceConsumer(AsyncWebsocketConsumer):
    """One agent's connection, as ``households.consensus.messages`` says. It checks the turn, calls one service,
    answers.

    Nothing that an agent sends changes anything before it has proved its key and the owner has let it in. A bad
    message is answered with its code; too many of them end the connection.
    """

    household: Household
    device: Device | None = None
    public_key: bytes = b""
    nonce: bytes = b""
    proved: bool = False
    sent_height: int = 0
    bad_messages: int = 0

    async def connect(self) -> None:
        household = await _run(agents.household_find, str(self.scope["url_route"]["kwargs"]["home_id"]))
        self._timer: asyncio.Task[None] | None = None
        self._gathered: list[bytes] = []
        self._gathering: asyncio.Task[None] | None = None
        if household is None:
            await self.close(code=CLOSE_NO_HOME)
            return
        self.household = household
        await self.accept()
        self._deadline(HELLO_TIMEOUT_S)

    async def disconnect(self, code: int) -> None:
        for task in (self._timer, self._gathering):
            if task is not None:
                task.cancel()
        if self.public_key:
            await self.channel_layer.group_discard(agents_group(self.household.pk), self.channel_name)
        if self.device is not None:
            await _run(agents.device_disconnected, device=self.device, connection=self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = wire.from_agent(bytes_data or b"")
            await self._handle(message)
        except HearthError as error:
            await self._bad(error)

    async def _handle(self, message: wire.FromAgent) -> None:
        if isinstance(message, wire.Hello):
            await self._hello(message)
        elif isinstance(message, wire.Prove):
            await self._prove(message)
        elif self.device is None:
            raise MessageOutOfTurn()
        elif isinstance(message, wire.SegmentUpload):
            self._gather(message.segment)
        elif isinstance(message, wire.BlocksFetch):
            self.sent_height = message.after_height
            await self._send_blocks()
            await self._send_proposal()
        elif isinstance(message, wire.BatchFetch):
            await self._send_batch(message)
        elif isinstance(message, wire.VoteCast):
            await self._vote(message)
        else:
            await _run(voting.fault_notice, household=self.household, raw=message.evidence)

    async def _hello(self, message: wire.Hello) -> None:
        if self.public_key:
            raise MessageOutOfTurn()
        if message.version != wire.PROTOCOL_VERSION:
            raise InputError("The hub speaks another version of the protocol")
        self.public_key, self.nonce = message.public_key, secrets.token_bytes(NONCE_BYTES)
        await self._send(await _run(agents.challenge_for, self.household, self.nonce, to_ms(timezone.now())))

    async def _prove(self, message: wire.Prove) -> None:
        if not self.nonce or self.proved:
            raise MessageOutOfTurn()
        nonce, self.nonce = self.nonce, b""
        try:
            known = await _run(
                pairing.device_proved, household=self.household, public_key=self.public_key, nonce=nonce, prove=message
            )
            self.proved = True
            await self.channel_layer.group_add(agents_group(self.household.pk), self.channel_name)
            await self._greet(await _run(agents.greet, self.household, known))
        except HearthError as error:
            await self._refuse(error)

    async def _greet(self, greeting: agents.Greeting) -> None:
        if greeting.welcome is None or greeting.device is None:
            self._deadline(WAIT_TIMEOUT_S)
            await self._send(wire.Pending(greeting.waiting))
            return
        if not await _run(agents.device_connected, device=greeting.device, connection=self.channel_name):
            raise DeviceRefused()
        self._deadline(None)
        self.device = greeting.device
        self.device.household = self.household
        self.sent_height = greeting.welcome.head_height
        await self._send(greeting.welcome)

    async def agents_poke(self, event: dict[str, Any]) -> None:
        """Something changed in the home. What a device may do is asked of the ledger when it does it."""
        what = event["what"]
        try:
            if self.device is None:
                await self._greet(await _run(agents.greet_again, self.household, self.public_key))
            elif what in ("member", "settings"):
                await self._look_again(what)
            elif what == "block":
                await self._send_blocks()
            elif what == "proposal":
                await self._send_proposal()
        except HearthError as error:
            await self._refuse(error)

    async def _look_again(self, what: str) -> None:
        """The device's own row may have changed: another key, or no member any more."""
        self.device = await _run(agents.member_again, self.household, self.public_key)
        self.household = self.device.household
        if what == "settings":
            await self._send(wire.Settings(self.household.interval_ms, self.household.upload_ms))

    def _gather(self, segment: bytes) -> None:
        """Segments that arrive together are stored in one transaction."""
        self._gathered.append(segment)
        if self._gathering is None or self._gathering.done():
            self._gathering = asyncio.create_task(self._store())

    async def _store(self) -> None:
        while self._gathered:
            if len(self._gathered) < wire.WINDOW:
                await asyncio.sleep(GATHER_S)
            raws, self._gathered = self._gathered[: wire.WINDOW], self._gathered[wire.WINDOW :]
            now_ms = to_ms(timezone.now())
            answers: list[Stored] = await _run(segments_store, device=self._own(), raws=raws, received_ms=now_ms)
            for answer in answers:
                await self._send(
                    wire.SegmentAck(answer.quantity, answer.first_sequence, answer.code, answer.next_sequence)
                )

    async def _vote(self, message: wire.VoteCast) -> None:
        code, round = "", 0
        try:
            row = await _run(
                voting.vote_record,
                household=self.household,
                device=self._own(),
                height=message.height,
                raw=message.vote,
            )
            round = row.round
        except HearthError as error:
            code = error.code
        await self._send(wire.VoteAck(message.height, round, code))
        if not code:
            await _run(voting.open_proposal_try, self.household)

    async def _send_blocks(self) -> None:
        while blocks := await _run(agents.blocks_after, self.household, self.sent_height):
            for block in blocks:
                await self._send(wire.BlockNotice(block))
            self.sent_height += len(blocks)

    async def _send_proposal(self) -> None:
        proposal = await _run(agents.proposal_for, self.household, self.public_key)
        if proposal is not None:
            await self._send(wire.ProposalNotice(proposal))

    async def _send_batch(self, message: wire.BatchFetch) -> None:
        try:
            parts = await _run(lambda: list(agents.batch_parts(self.household, self._own(), message)))
        except ProposalUnknown:
            return  # it became final or void meanwhile, and the agent hears of that too
        for part in parts:
            await self._send(part)

    async def _bad(self, error: HearthError) -> None:
        """Answer a message that changed nothing; a connection that sends many is ended."""
        self.bad_messages += 1
        await self._send(wire.Refusal(error.code, error.detail[:TEXT_MAX], False))
        if self.device is None or self.bad_messages > BAD_MESSAGES_MAX:
            await self.close(code=CLOSE_REFUSED)

    async def _refuse(self, error: HearthError) -> None:
        final = isinstance(error, NotAllowed) and not isinstance(error, InboxFull)
        await self._send(wire.Refusal(error.code, error.detail[:TEXT_MAX], final))
        await self.close(code=CLOSE_REFUSED)

    async def _send(self, message: wire.Message) -> None:
        await self.send(bytes_data=wire.message_encode(message))

    def _own(self) -> Device:
        if self.device is None:
            raise MessageOutOfTurn()
        return self.device

    def _deadline(self, seconds: float | None) -> None:
        """End the connection unless it gets on within so many seconds."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.create_task(self._expire(seconds)) if seconds is not None else None

    async def _expire(self, seconds: float) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(seconds)
            await self.close(code=CLOSE_TOO_SLOW)


async def _run(service: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Call a service in a thread; readings and keys are handled there, never in the event loop."""
    return await database_sync_to_async(service)(*args, **kwargs)
