"""One vote for a height and round, written down before it is sent (protocols.md 1).

``VoteLog`` is what must survive a crash. ``vote_once`` is the only way to a signature: it gives the same vote again
for the same proposal, and never a second one.
"""

from __future__ import annotations

from typing import Protocol

from chain.consensus.ballot import BallotExtra, ballot_decode, ballot_encode
from chain.consensus.validators import vote_sign
from chain.core.codec import decode, encode
from chain.core.types import Record, Uint, Vote
from households.consensus.errors import HubEquivocated, VoteAlreadySigned
from households.consensus.proposal import HubFault, Proposal, ProposalBody, hub_fault_of


class Signed(Record):
    """One line of a vote log: what was voted on and the vote. The proposal stays without its transactions."""

    height: Uint
    round: Uint
    proposal: Proposal
    vote: Vote


class VoteLog(Protocol):
    """What a voter has signed. ``write`` returns only when the line survives a crash."""

    def find(self, height: int, round: int) -> Signed | None: ...

    def highest_round(self, height: int) -> int | None: ...

    def write(self, signed: Signed) -> None: ...


class HubFaultFound(HubEquivocated):
    """Carries the proof of the hub's fault."""

    def __init__(self, fault: HubFault) -> None:
        super().__init__()
        self.fault = fault


def vote_before(log: VoteLog, proposal: Proposal) -> Vote | None:
    """The vote that was signed for this very proposal, or None if none was signed at its height and round.

    Raises ``HubFaultFound`` if the log holds another proposal of the hub for that height and round, and
    ``VoteAlreadySigned`` if a later round of the height was voted on.
    """
    place = (proposal.body.header.height, proposal.body.round)
    highest = log.highest_round(place[0])
    signed = log.find(*place)
    if signed is None:
        if highest is not None and highest > place[1]:
            raise VoteAlreadySigned("A later round of this height was voted on")
        return None
    if signed.proposal.body == proposal.body:
        return signed.vote
    fault = hub_fault_of(signed.proposal, proposal)
    if fault is None:
        raise VoteAlreadySigned()
    raise HubFaultFound(fault)


def ballot_before(log: VoteLog, height: int) -> BallotExtra | None:
    """The last ballot that was signed at a height, or None. Raises ``Malformed`` for a damaged log."""
    highest = log.highest_round(height)
    signed = log.find(height, highest) if highest is not None else None
    return ballot_decode(signed.vote.extra) if signed is not None else None


def vote_once(log: VoteLog, proposal: Proposal, extra: BallotExtra, secret: bytes) -> Vote:
    """Sign and write down, or give what was signed before. Raises as ``vote_before``."""
    before = vote_before(log, proposal)
    if before is not None:
        return before
    body = proposal.body
    vote = vote_sign(secret, body.header, round=body.round, extra=ballot_encode(extra))
    slim = Proposal(ProposalBody(body.header, body.round), (), proposal.voids, proposal.signature)
    log.write(Signed(body.header.height, body.round, slim, vote))
    return vote


def signed_encode(signed: Signed) -> bytes:
    """The bytes of a line."""
    return encode(signed)


def signed_decode(data: bytes) -> Signed:
    """Undo ``signed_encode``; raises ``Malformed``."""
    return decode(Signed, data)


class MemoryVoteLog:
    """A vote log that lasts as long as its object: for simulations."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], Signed] = {}

    def find(self, height: int, round: int) -> Signed | None:
        """The line of a height and round."""
        return self._lines.get((height, round))

    def highest_round(self, height: int) -> int | None:
        """The last round voted on at a height."""
        return max((place[1] for place in self._lines if place[0] == height), default=None)

    def write(self, signed: Signed) -> None:
        """Keep a line."""
        self._lines[(signed.height, signed.round)] = signed
