"""The agent's side of a vote: blocks as they come, proposals as they stand, and the batch between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from chain.core.codec import decode, encode
from chain.core.types import Block, Vote
from households.agent.files import StateDir
from households.consensus.batch import BatchData, BatchTerms, terms_parse
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.errors import BatchIncomplete, LedgerHalted, ProposalWrongPlace
from households.consensus.messages import (
    BatchEnd,
    BatchFetch,
    BatchHead,
    BatchPart,
    BlockNotice,
    BlocksFetch,
    FaultNotice,
    FromAgent,
    ProposalNotice,
    VoteCast,
)
from households.consensus.proposal import Proposal, proposal_parse
from households.consensus.replica import Replica
from households.consensus.voter import Voter
from households.consensus.voting import HubFaultFound
from marketplace.common.errors import HearthError

log = logging.getLogger("hearth.agent")
Send = Callable[[FromAgent], Awaitable[None]]


class Ballots:
    """Holds the voter and answers what the hub sends about blocks, proposals and batches."""

    def __init__(
        self, *, name: str, secret: bytes, device_id: bytes, genesis: bytes, state: StateDir, votes: Callable[[], bool]
    ) -> None:
        """Open the logs and replay the blocks kept so far. Nothing is cast while ``votes()`` is false, which is a fault
        for demo and tests.

        Raises ``LedgerFault`` or ``Malformed`` if the kept blocks do not hold.
        """
        self._name, self._votes, self._state = name, votes, state
        self._blocks, self._vote_log = state.block_log(), state.vote_log()
        replica = Replica(genesis)
        for raw in self._blocks.records:
            replica.take(raw)
        self._blocks.records.clear()
        self.voter = Voter(
            secret=secret,
            device_id=device_id,
            replica=replica,
            log=self._vote_log,
            memory=state.memory(),
            config=DEFAULT_CONFIG,
            memory_saved=state.memory_save,
            fault=state.fault(),
        )
        self._open: Proposal | None = None
        self._head: BatchHead | None = None
        self._segments: list[bytes] = []

    @property
    def height(self) -> int:
        """The height of the newest block held."""
        return self.voter.replica.height

    def close(self) -> None:
        """Give the files back."""
        self._blocks.close()
        self._vote_log.close()

    def connection_lost(self) -> None:
        """Forget what was half done: the hub sends its proposal again on the next connection."""
        self._open, self._head, self._segments = None, None, []

    async def on_block(self, notice: BlockNotice, send: Send) -> None:
        """Take a block that follows; ask for those before it when one is missing; pass over one that is held."""
        height = decode(Block, notice.block).header.height
        if height > self.height + 1:
            await send(BlocksFetch(self.height))
        if height != self.height + 1:
            return
        await asyncio.to_thread(self.voter.take_block, notice.block)
        self._blocks.append(notice.block)
        self.connection_lost()

    async def on_proposal(self, notice: ProposalNotice, send: Send) -> None:
        """Vote, or fetch the batch first. A proposal that was voted on gets the very same vote again."""
        proposal = proposal_parse(notice.proposal)
        if proposal.body.header.height > self.height + 1:
            await send(BlocksFetch(self.height))
            return
        try:
            known = self.voter.vote_known(proposal)
            if known is not None:
                await self._cast(proposal, known, send)
                return
            wanted = self.voter.batch_wanted(proposal)
        except HubFaultFound as found:
            self._state.fault_save(found.fault)
            log.error("%s: %s", self._name, found.code)
            await send(FaultNotice(encode(found.fault)))
            return
        except (LedgerHalted, ProposalWrongPlace) as refusal:
            log.info("%s: %s", self._name, refusal.code)
            return
        if wanted is None:
            await self._cast(proposal, self.voter.vote(proposal, None), send)
            return
        if self._open is not None and self._open.body == proposal.body:
            return
        self._open, self._head, self._segments = proposal, None, []
        await send(BatchFetch(proposal.body.header.height, proposal.body.round, wanted.batch_id))

    async def on_batch(self, message: BatchHead | BatchPart | BatchEnd, send: Send) -> None:
        """Collect the batch that was asked for and, when it is whole, judge and vote. Parts of others are passed
        over."""
        if self._open is None:
            return
        if isinstance(message, BatchHead):
            self._head, self._segments = message, []
            return
        if self._head is None or message.batch_id != self._head.batch_id:
            return
        if isinstance(message, BatchPart):
            if message.first_index != len(self._segments):
                raise BatchIncomplete("a part is missing")
            self._segments.extend(message.segments)
            return
        proposal, head, segments = self._open, self._head, tuple(self._segments)
        self._open = None
        if len(segments) != head.segment_count:
            raise BatchIncomplete("segments are missing")
        await self._judge(proposal, terms_parse(head.terms), segments, send)

    async def _judge(self, proposal: Proposal, terms: BatchTerms, segments: tuple[bytes, ...], send: Send) -> None:
        try:
            vote = await asyncio.to_thread(self.voter.vote, proposal, BatchData(terms, segments))
        except HearthError as refusal:
            log.warning("%s: no vote at height %s: %s", self._name, proposal.body.header.height, refusal.code)
            return
        await self._cast(proposal, vote, send)

    async def _cast(self, proposal: Proposal, vote: Vote, send: Send) -> None:
        if self._votes():
            await send(VoteCast(proposal.body.header.height, encode(vote)))
