"""Ballots: one order, one encoding, so that one opinion is one thing to sign."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.consensus.ballot import (
    APPROVE,
    OUTCOMES,
    REJECT,
    BallotExtra,
    BallotOrder,
    PlainRoot,
    Verdict,
    ballot_decode,
    ballot_encode,
    ballot_extra,
    plain_root_of,
    verdict_of,
)
from chain.core.codec import encode
from chain.core.errors import Malformed

IDS = st.lists(st.binary(min_size=32, max_size=32), unique=True, max_size=6)
A, B = b"a" * 32, b"b" * 32


@given(IDS, st.randoms(use_true_random=False))
def test_a_ballot_has_the_same_bytes_in_whatever_order_it_was_made(ids, chance):
    roots = [PlainRoot(series_id, A, B, A) for series_id in ids]
    verdicts = [Verdict(series_id, chance.choice(OUTCOMES), "reason") for series_id in ids]
    first = ballot_encode(ballot_extra(tuple(roots), tuple(verdicts)))
    chance.shuffle(roots)
    chance.shuffle(verdicts)
    assert ballot_encode(ballot_extra(tuple(roots), tuple(verdicts))) == first
    assert ballot_decode(first) == ballot_extra(tuple(roots), tuple(verdicts))


def test_what_a_ballot_says_of_a_series_is_found():
    ballot = ballot_extra((PlainRoot(A, A, B, B),), (Verdict(B, REJECT, "drift"),))
    assert verdict_of(ballot, B) == Verdict(B, REJECT, "drift") and verdict_of(ballot, A) is None
    assert plain_root_of(ballot, A) == PlainRoot(A, A, B, B) and plain_root_of(ballot, B) is None


@pytest.mark.parametrize(
    "ballot",
    [
        BallotExtra((), (Verdict(B, APPROVE), Verdict(A, APPROVE))),
        BallotExtra((), (Verdict(A, APPROVE), Verdict(A, REJECT))),
        BallotExtra((PlainRoot(A, A, A, A), PlainRoot(A, B, B, B)), ()),
    ],
)
def test_repeated_or_unsorted_series_are_refused(ballot):
    with pytest.raises(BallotOrder):
        ballot_decode(ballot_encode(ballot))


@pytest.mark.parametrize(
    "verdict",
    [Verdict(A, "maybe"), Verdict(A, APPROVE, "Anna's room"), Verdict(A, "approve\n"), Verdict(A[:31], APPROVE)],
)
def test_words_that_are_no_verdict_are_refused(verdict):
    with pytest.raises(Malformed):
        ballot_decode(encode(BallotExtra((), (verdict,))))
