"""Votes: how they are signed, gathered and checked, and the proofs that somebody signed twice (protocols.md 1)."""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.blocks import header_hash, vote_message
from chain.core.errors import LedgerFault
from chain.core.finality import BadVote, NoQuorum, commit_of, has_quorum, vote_valid, votes_check
from chain.core.types import Header, Record, Validator, Vote
from chain.crypto import secp256k1


class DoubleVote(Record):
    """Two votes of one validator for different blocks, or different extras, of one height and round."""

    first_header: Header
    first: Vote
    second_header: Header
    second: Vote


def vote_sign(secret: bytes, header: Header, *, round: int = 0, extra: bytes = b"") -> Vote:
    """One validator's vote for a block. The caller makes sure that it signs once for a height and round."""
    digest = vote_message(header.ledger, header.height, round, header.previous, header_hash(header), extra)
    return Vote(secp256k1.public_key(secret), round, extra, secp256k1.sign(secret, digest))


def double_vote_proven(evidence: DoubleVote) -> bool:
    """Whether the evidence shows that its validator signed two things for one height and round of a ledger."""
    first, second = evidence.first_header, evidence.second_header
    return (
        (first.ledger, first.height) == (second.ledger, second.height)
        and (evidence.first.validator, evidence.first.round) == (evidence.second.validator, evidence.second.round)
        and (first != second or evidence.first.extra != evidence.second.extra)
        and vote_valid(first, evidence.first)
        and vote_valid(second, evidence.second)
    )


class VoteBox:
    """Gathers the votes for one proposal until they are a quorum.

    Votes that are not by a validator, of another round, or wrongly signed raise ``BadVote`` and count for nothing; a
    validator's second vote is passed over if it is the same, and raises ``BadVote`` if it is not.
    """

    def __init__(self, validators: Sequence[Validator], header: Header, round: int = 0) -> None:
        self._validators = tuple(validators)
        self._known = {validator.key for validator in validators}
        self._header = header
        self._round = round
        self._votes: dict[bytes, Vote] = {}

    @property
    def votes(self) -> tuple[Vote, ...]:
        """The valid votes so far, in canonical order."""
        return commit_of(tuple(self._votes.values())).votes

    @property
    def has_quorum(self) -> bool:
        return has_quorum(self._validators, set(self._votes))

    @property
    def missing(self) -> tuple[bytes, ...]:
        """The keys of validators that have not voted."""
        return tuple(validator.key for validator in self._validators if validator.key not in self._votes)

    def add(self, vote: Vote) -> bool:
        """Count a vote, and say whether there is a quorum now."""
        height = self._header.height
        if vote.validator not in self._known:
            raise BadVote("a vote by somebody who is no validator", height=height)
        if vote.round != self._round:
            raise BadVote("a vote of another round", height=height)
        if not vote_valid(self._header, vote):
            raise BadVote("a vote whose signature is not over this block", height=height)
        held = self._votes.get(vote.validator)
        if held is not None and held.extra != vote.extra:
            raise BadVote("a second vote that says something else", height=height)
        self._votes.setdefault(vote.validator, vote)
        return self.has_quorum


__all__ = [
    "BadVote", "DoubleVote", "LedgerFault", "NoQuorum", "VoteBox", "double_vote_proven", "vote_sign", "votes_check",
]  # fmt: skip
