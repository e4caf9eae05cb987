"""When a block is final: enough of a ledger's validators signed it (protocols.md 1).

One rule for all ledgers, from one validator to many. Validators of one failure domain count as one: a domain has
signed when more than half of its validators have, so two blocks of one round can't both have it unless one of them
signed twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chain.core.blocks import header_hash, vote_message
from chain.core.errors import LedgerFault
from chain.core.types import Commit, Header, Validator, Vote
from chain.crypto.secp256k1 import verify


class BadVote(LedgerFault):
    """A vote is not by a validator, is there twice, is of another round, or its signature is wrong."""

    code = "vote_invalid"
    title = "A vote of the block is not valid"


class NoQuorum(LedgerFault):
    """Too few validators signed."""

    code = "no_quorum"
    title = "Too few validators signed the block"


def fault_bound(n: int) -> int:
    """How many of n voters may be faulty in any way: floor((n-1)/3)."""
    return max(0, (n - 1) // 3)


def quorum_size(n: int) -> int:
    """How many of n voters must sign: ceil((n+f+1)/2), so that two quorums share an honest voter. Never under one."""
    if n < 1:
        return 1
    return (n + fault_bound(n) + 2) // 2


def domain_of(validator: Validator) -> str:
    """The failure domain that the validator counts under."""
    return validator.domain or f"key:{validator.key.hex()}"


def domain_count(validators: Sequence[Validator]) -> int:
    """How many voters the validators count as."""
    return len({domain_of(validator) for validator in validators})


def vote_valid(header: Header, vote: Vote) -> bool:
    """Whether the vote's signature is its validator's over this block, whoever may vote."""
    digest = vote_message(header.ledger, header.height, vote.round, header.previous, header_hash(header), vote.extra)
    return verify(vote.validator, digest, vote.signature)


def domains_signed(validators: Sequence[Validator], voters: set[bytes]) -> int:
    """How many failure domains have the votes of more than half of their validators."""
    members = Counter(domain_of(validator) for validator in validators)
    signed = Counter(domain_of(validator) for validator in validators if validator.key in voters)
    return sum(1 for domain, count in signed.items() if 2 * count > members[domain])


def has_quorum(validators: Sequence[Validator], voters: set[bytes]) -> bool:
    """Whether the votes of these keys make a block final; says nothing of signatures."""
    return domains_signed(validators, voters) >= quorum_size(domain_count(validators))


def votes_check(validators: Sequence[Validator], header: Header, commit: Commit) -> None:
    """Raise unless every vote of the commit is valid and together they are a quorum.

    Also a vote beyond the quorum must be right, in its place and of the same round, so that no stored byte is free.
    Raises ``BadVote`` or ``NoQuorum`` with the block's height.
    """
    known = {validator.key for validator in validators}
    keys = [vote.validator for vote in commit.votes]
    if keys != sorted(set(keys)):
        raise BadVote("votes are repeated or out of order", height=header.height)
    if len({vote.round for vote in commit.votes}) > 1:
        raise BadVote("votes of different rounds", height=header.height)
    for vote in commit.votes:
        if vote.validator not in known:
            raise BadVote("a vote by somebody who is no validator", height=header.height)
        if not vote_valid(header, vote):
            raise BadVote("a vote whose signature is not over this block", height=header.height)
    if not has_quorum(validators, set(keys)):
        raise NoQuorum(f"{len(keys)} votes for {len(known)} validators", height=header.height)


def commit_of(votes: Sequence[Vote]) -> Commit:
    """A commit of the votes in canonical order."""
    return Commit(tuple(sorted(votes, key=lambda vote: vote.validator)))
