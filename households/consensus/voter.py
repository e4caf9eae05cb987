"""One voter, without its connection: takes blocks, proposals and batches, and gives votes.

The agent's process wraps this with a socket and files; the simulator runs many of them in memory. Nothing here waits or
reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chain.consensus.ballot import BallotExtra, ballot_decode, ballot_extra
from chain.contracts.devices.rows import CloseBatch
from chain.core.blocks import header_hash
from chain.core.types import Block, Vote
from households.consensus.again import judge_again
from households.consensus.batch import BatchData, batch_check
from households.consensus.config import CheckConfig
from households.consensus.errors import LedgerHalted, ProposalRefused
from households.consensus.judge import Evidence, examine, judge, remember_batch
from households.consensus.limits import limits_apply
from households.consensus.membership import Membership
from households.consensus.memory import Memory
from households.consensus.proposal import HubFault, Proposal, close_batch_of
from households.consensus.replica import Replica
from households.consensus.tally import BatchOutcome, tally
from households.consensus.voting import HubFaultFound, VoteLog, ballot_before, vote_before, vote_once


class Judged(msgspec.Struct, frozen=True):
    """A batch that was judged and whose block is not final yet: what is needed to remember it then."""

    batch: BatchData
    closing: CloseBatch
    evidence: Evidence
    config: CheckConfig


class Voter:
    """A device's part in its home's consensus."""

    def __init__(
        self,
        *,
        secret: bytes,
        device_id: bytes,
        replica: Replica,
        log: VoteLog,
        memory: Memory,
        config: CheckConfig,
        memory_saved: Callable[[Memory], None] = lambda memory: None,
        fault: HubFault | None = None,
    ) -> None:
        """``config`` has the limits of the checks, which a batch's terms may tune; ``memory_saved`` is called with each
        new memory; ``fault`` is a hub's fault proven earlier: it halts the
        voter."""
        self.device_id = device_id
        self.replica = replica
        self.config = config
        self.memory = memory
        self.fault = fault
        self._secret = secret
        self._log = log
        self._memory_saved = memory_saved
        self._judged: dict[bytes, Judged] = {}

    def vote_known(self, proposal: Proposal) -> Vote | None:
        """The vote already signed for this proposal. Raises ``LedgerHalted`` once the hub's fault is proven, now or
        before, and ``VoteAlreadySigned``."""
        self._require_sound()
        try:
            return vote_before(self._log, proposal)
        except HubFaultFound as found:
            self.fault = found.fault
            raise

    def batch_wanted(self, proposal: Proposal) -> CloseBatch | None:
        """Check a proposal; the batch that must be fetched before voting, or None if it closes none.

        Raises what ``Replica.check`` does, and ``ProposalRefused`` if this device has no vote on it.
        """
        self._require_sound()
        self.replica.check(proposal)
        if not self._has_vote(proposal):
            raise ProposalRefused("this device has no vote on the proposal")
        return close_batch_of(proposal)

    def vote(self, proposal: Proposal, batch: BatchData | None) -> Vote:
        """Judge and sign, once. ``batch`` is what ``batch_wanted`` asked for.

        Raises as ``vote_known`` and ``batch_wanted``, ``BatchIncomplete`` and ``LimitsRefused``.
        """
        known = self.vote_known(proposal)
        if known is not None and batch is None:
            return known
        closing = self.batch_wanted(proposal)
        if closing is None:
            return vote_once(self._log, proposal, ballot_extra((), ()), self._secret)
        if batch is None:
            raise ProposalRefused("the proposal closes a batch that was not fetched")
        extra = self._judge(proposal, closing, batch)
        return vote_once(self._log, proposal, extra, self._secret)

    def take_block(self, raw: bytes) -> Block:
        """Take a final block and, if it closed a batch that was judged here, remember the batch.

        Raises ``LedgerFault`` or ``Malformed``; nothing changes then.
        """
        members = self.replica.members
        block = self.replica.take(raw)
        judged = self._judged.get(header_hash(block.header))
        self._judged.clear()
        if judged is not None:
            self._remember(block, judged, members)
        return block

    def _judge(self, proposal: Proposal, closing: CloseBatch, batch: BatchData) -> BallotExtra:
        members = self.replica.members
        batch_check(batch, self.replica.ledger, closing.batch_id, closing.readings_root)
        if batch.terms.again:
            closed = self.replica.batch(batch.terms.again)
            said = ballot_before(self._log, closed.height) if closed else None
            return judge_again(batch, closing.lots, members, closed, said)
        config = limits_apply(batch.terms.limits, self.config)
        evidence = examine(batch, members, self.memory, config)
        self._judged[header_hash(proposal.body.header)] = Judged(batch, closing, evidence, config)
        return judge(batch, closing.lots, members, self.device_id, evidence, config)

    def _remember(self, block: Block, judged: Judged, members: Membership) -> None:
        outcome = outcome_of(block, judged.batch, judged.closing, members, judged.config)
        self.memory = remember_batch(self.memory, judged.evidence, outcome.approved, judged.config)
        self._memory_saved(self.memory)

    def _has_vote(self, proposal: Proposal) -> bool:
        own = self.replica.members.by_id.get(self.device_id)
        return own is not None and own.signs_with in {judge.key for judge in self.replica.judges_of(proposal)}

    def _require_sound(self) -> None:
        if self.fault is not None:
            raise LedgerHalted()


def outcome_of(
    block: Block, batch: BatchData, closing: CloseBatch, members: Membership, config: CheckConfig
) -> BatchOutcome:
    """What the votes in a final block say of its batch; ``members`` are those before the block. Raises
    ``Malformed``."""
    ballots = {vote.validator: ballot_decode(vote.extra) for vote in block.commit.votes}
    series = tuple((entry.series_id, entry.device_id, entry.quantity) for entry in batch.terms.series)
    return tally(series, closing.lots, ballots, members, config)
