"""The hub's side of one round: gathering votes until the quorum, and proving who voted twice.

Pure; the hub keeps the votes. A proposal stays open until ``final``; more votes may come after the quorum, and the
hub may wait for them as long as it likes, since silence counts against a series and never for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chain.consensus.ballot import BallotExtra, ballot_decode
from chain.contracts.devices.rows import BatchLot, DoubleVote, SeenVote
from chain.core.blocks import header_hash
from chain.core.codec import decode
from chain.core.errors import Malformed
from chain.core.finality import has_quorum, vote_valid
from chain.core.types import Validator, Vote
from households.consensus.batch import BatchTerms
from households.consensus.config import CheckConfig
from households.consensus.errors import VoteBadSignature, VoteFromStranger, VoteMalformed
from households.consensus.membership import Membership
from households.consensus.proposal import Proposal, close_batch_of
from households.consensus.tally import BatchOutcome, tally


class Round:
    """The votes on one proposal."""

    def __init__(self, proposal: Proposal, judges: Sequence[Validator], terms: BatchTerms | None) -> None:
        """``judges`` are ``Replica.judges_of`` or the ledger's validators; ``terms`` those of the batch it closes, if
        any."""
        self.proposal = proposal
        self.judges = tuple(judges)
        self._terms = terms
        self._votes: dict[bytes, Vote] = {}
        self._ballots: dict[bytes, BallotExtra] = {}

    @property
    def votes(self) -> tuple[Vote, ...]:
        """The valid votes so far, by rising key: the block's commit."""
        return tuple(self._votes[key] for key in sorted(self._votes))

    @property
    def final(self) -> bool:
        """Whether the votes make the block final."""
        return has_quorum(self.judges, set(self._votes))

    @property
    def silent(self) -> tuple[bytes, ...]:
        """The keys that have not voted."""
        return tuple(judge.key for judge in self.judges if judge.key not in self._votes)

    def add(self, vote: Vote) -> DoubleVote | None:
        """Count a vote; a repeated one is passed over. A second, different one of the same voter is not counted: the
        proof comes back, for ``devices.quarantine``. Raises ``VoteFromStranger``, ``VoteBadSignature`` or
        ``VoteMalformed``.
        """
        header = self.proposal.body.header
        if vote.validator not in {judge.key for judge in self.judges}:
            raise VoteFromStranger()
        if vote.round != self.proposal.body.round or not vote_valid(header, vote):
            raise VoteBadSignature()
        held = self._votes.get(vote.validator)
        if held is not None:
            return None if held.extra == vote.extra else self._proof(held, vote)
        self._ballots[vote.validator] = self._ballot(vote)
        self._votes[vote.validator] = vote
        return None

    def outcome(self, members: Membership, config: CheckConfig) -> BatchOutcome | None:
        """What the votes so far say of the batch, or None if the block closes none. ``members`` before the block."""
        closing = close_batch_of(self.proposal)
        if closing is None or self._terms is None:
            return None
        series = tuple((entry.series_id, entry.device_id, entry.quantity) for entry in self._terms.series)
        return tally(series, closing.lots, self._ballots, members, config)

    def all_heard(self) -> bool:
        """Whether everybody who may vote has."""
        return not self.silent

    def _ballot(self, vote: Vote) -> BallotExtra:
        """The ballot, which must name series and lots of this batch only."""
        try:
            ballot = ballot_decode(vote.extra)
        except Malformed as error:
            raise VoteMalformed() from error
        series = {entry.series_id for entry in self._terms.series} if self._terms else set()
        closing = close_batch_of(self.proposal)
        lots: tuple[BatchLot, ...] = closing.lots if closing else ()
        named = {verdict.series_id for verdict in ballot.verdicts}
        rooted = {root.series_id for root in ballot.plain_roots}
        if named != series or not {lot.series_id for lot in lots} >= rooted:
            raise VoteMalformed()
        return ballot

    def _proof(self, first: Vote, second: Vote) -> DoubleVote:
        header = self.proposal.body.header
        seen = [SeenVote(header.previous, header_hash(header), vote.extra, vote.signature) for vote in (first, second)]
        return DoubleVote(first.validator, header.height, first.round, seen[0], seen[1])


def vote_parse(raw: bytes) -> Vote:
    """A vote as it arrives from an agent; raises ``VoteMalformed``."""
    try:
        return decode(Vote, raw)
    except Malformed as error:
        raise VoteMalformed() from error
