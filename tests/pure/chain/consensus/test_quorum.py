"""Quorums, labels, votes: the numbers of the protocol, and who can't vote."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.consensus.quorum import domain_count, fault_bound, has_quorum, label_for, quorum_size
from chain.consensus.validators import DoubleVote, VoteBox, double_vote_proven, vote_sign, votes_check
from chain.core.finality import BadVote, NoQuorum, commit_of
from chain.core.types import Commit, Header, Validator, Vote
from chain.crypto.secp256k1 import public_key
from tests.pure.chain.toy import secret


def header(height: int = 1, time_ms: int = 5) -> Header:
    return Header("l", height, bytes(32), time_ms, bytes(32), bytes(32), bytes(32), bytes(32), bytes(33))


def voters(*domains: str) -> tuple[Validator, ...]:
    return tuple(Validator(public_key(secret(number)), domain) for number, domain in enumerate(domains))


def votes(*numbers: int, on: Header | None = None, round: int = 0, extra: bytes = b"") -> tuple[Vote, ...]:
    return tuple(vote_sign(secret(number), on or header(), round=round, extra=extra) for number in numbers)


@pytest.mark.parametrize(("n", "size"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7), (100, 67)])
def test_quorum_sizes_are_those_of_the_protocol(n: int, size: int) -> None:
    assert quorum_size(n) == size


@given(st.integers(1, 2_000))
def test_two_quorums_share_an_honest_voter_and_the_honest_are_a_quorum(n: int) -> None:
    assert 2 * quorum_size(n) - n > fault_bound(n)
    if n != 2:
        assert quorum_size(n) <= n - fault_bound(n)


@pytest.mark.parametrize(
    ("n", "label"),
    [(1, "self-attested"), (2, "pair-checked"), (3, "majority-checked"), (4, "bft-verified"), (40, "bft-verified")],
)
def test_labels_are_those_of_the_protocol(n: int, label: str) -> None:
    assert label_for(n) == label


@pytest.mark.parametrize("n", range(1, 8))
def test_exactly_the_quorums_of_n_voters_make_a_block_final(n: int) -> None:
    validators = voters(*[""] * n)
    for size in range(n + 1):
        for numbers in combinations(range(n), size):
            commit = commit_of(votes(*numbers))
            if size >= quorum_size(n):
                votes_check(validators, header(), commit)
            else:
                with pytest.raises(NoQuorum):
                    votes_check(validators, header(), commit)


def test_voters_of_one_domain_count_as_one() -> None:
    validators = voters("hub", "hub", "hub", "", "kitchen")
    keys = [validator.key for validator in validators]
    assert domain_count(validators) == 3
    assert not has_quorum(validators, {keys[0], keys[1], keys[2]})
    assert has_quorum(validators, {keys[0], keys[1], keys[3]})
    assert not has_quorum(validators, {keys[0], keys[3]}), "one of three does not speak for its domain"
    assert has_quorum(validators, {keys[3], keys[4]})


def test_nobody_enrolled_means_nothing_is_final() -> None:
    with pytest.raises(NoQuorum):
        votes_check((), header(), Commit(()))


@pytest.mark.parametrize(
    "commit",
    [
        Commit((*votes(0), *votes(0))),
        Commit(tuple(reversed(commit_of(votes(0, 1)).votes))),
        commit_of((*votes(0), *votes(1, round=1))),
        commit_of(votes(0, 1, 9)),
        commit_of((*votes(0), *votes(1, on=header(2)))),
        commit_of((*votes(0, 1), Vote(public_key(secret(2)), 0, b"", bytes(64)))),
    ],
    ids=["twice", "out of order", "two rounds", "stranger", "other block", "a wrong one beyond the quorum"],
)
def test_every_vote_of_a_commit_must_be_right(commit: Commit) -> None:
    with pytest.raises(BadVote):
        votes_check(voters("", "", ""), header(), commit)


def test_what_else_a_vote_says_is_signed_too() -> None:
    vote = votes(0, extra=b"roots and verdicts")[0]
    votes_check(voters(""), header(), Commit((vote,)))
    with pytest.raises(BadVote):
        votes_check(voters(""), header(), Commit((Vote(vote.validator, vote.round, b"others", vote.signature),)))


def test_a_vote_box_counts_until_the_quorum() -> None:
    box = VoteBox(voters("", "", "", ""), header())
    assert not box.add(votes(2)[0])
    assert not box.add(votes(2)[0]), "the same vote again counts once"
    assert not box.add(votes(0)[0])
    assert set(box.missing) == {public_key(secret(1)), public_key(secret(3))}
    assert box.add(votes(3)[0])
    votes_check(voters("", "", "", ""), header(), Commit(box.votes))


@pytest.mark.parametrize(
    "vote",
    [votes(9)[0], votes(1, round=1)[0], votes(1, on=header(2))[0], votes(0, extra=b"second thoughts")[0]],
    ids=["stranger", "other round", "other block", "second vote"],
)
def test_a_vote_box_refuses_what_does_not_count(vote: Vote) -> None:
    box = VoteBox(voters("", "", ""), header())
    box.add(votes(0)[0])
    with pytest.raises(BadVote):
        box.add(vote)
    assert box.votes == votes(0)


def test_two_votes_of_one_round_prove_a_fault_and_two_rounds_do_not() -> None:
    first, other = header(), header(time_ms=6)
    both = DoubleVote(first, votes(0)[0], other, votes(0, on=other)[0])
    assert double_vote_proven(both)
    assert double_vote_proven(DoubleVote(first, votes(0)[0], first, votes(0, extra=b"other")[0]))
    assert not double_vote_proven(DoubleVote(first, votes(0)[0], first, votes(0)[0])), "the same vote twice"
    assert not double_vote_proven(DoubleVote(first, votes(0)[0], other, votes(0, on=other, round=1)[0]))
    assert not double_vote_proven(DoubleVote(first, votes(0)[0], other, votes(1, on=other)[0]))
    forged = Vote(public_key(secret(0)), 0, b"", bytes(64))
    assert not double_vote_proven(DoubleVote(first, votes(0)[0], other, forged))
