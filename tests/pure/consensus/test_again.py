"""Lots sealed once more: voters repeat what they said of the very same rows, and nothing else comes in by this door."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from chain.consensus.ballot import ABSTAIN, APPROVE, REJECT, BallotExtra, ballot_decode, plain_root_of, verdict_of
from chain.contracts.devices.rows import BatchLot, CloseBatch
from chain.core.codec import encode
from chain.crypto.hashing import tagged
from households.consensus.again import NOT_JUDGED_BEFORE
from households.consensus.batch import BatchData, BatchTerms, SeriesTerms, readings_root, series_id, terms_parse
from households.consensus.errors import BatchIncomplete
from households.consensus.judge import NOTHING_TO_COMPARE, ROOT_MISMATCH
from households.consensus.proposal import Proposal, close_batch_of
from households.consensus.roots import salted_roots
from households.consensus.tally import APPROVED, CORROBORATED, REJECTED
from households.privacy.levels import rule_decode, rule_encode, rule_for
from tests.pure.consensus.simulator import SimHome
from tests.pure.consensus.test_quorums import placed, readings

replace = msgspec.structs.replace
Change = Callable[[BatchTerms], BatchTerms]


class Sealed:
    """A home that has closed a batch, and what its hub proposes when it seals the batch's lots again."""

    def __init__(self, faults: tuple[str, ...] = ()) -> None:
        self.home = SimHome(["climate"] * 4)
        self.proposal, self.batch = self.home.propose_batch(readings(self.home, placed(self.home, faults)))
        self.round = self.home.run(self.proposal, self.batch)
        assert self.round.final
        self.home.commit(self.proposal, self.round)

    def again(self, change: Change = lambda terms: terms, number: int = 2) -> tuple[Proposal, BatchData]:
        """The batch under other salts, with the terms changed as asked."""
        closing = close_batch_of(self.proposal)
        assert closing is not None
        batch_id = tagged("hearth/test-batch", number.to_bytes(4, "big"))
        series = []
        for entry in self.batch.terms.series:
            assert entry.lot is not None
            salts = tuple(tagged("hearth/test-other-salt", salt, bytes([number])) for salt in entry.lot.salts)
            series.append(replace(entry, lot=replace(entry.lot, salts=salts)))
        told = replace(self.batch.terms, batch_id=batch_id, again=self.batch.terms.batch_id, series=tuple(series))
        terms = change(told)
        lots = []
        evidence = self.home.evidence(self.batch)
        for entry in terms.series:
            assert entry.lot is not None
            root = salted_roots(evidence.series[entry.series_id], entry.lot, terms.seed, bytes(32))
            lots.append(BatchLot(entry.series_id, entry.device_id, root.plain_root, root.batch_root))
        args = CloseBatch(batch_id, readings_root(encode(terms), self.batch.segments), tuple(lots))
        proposal = self.home.proposal([self.home.transaction("devices.close_batch", args, self.home.hub)])
        return proposal, replace(self.batch, terms=terms)

    def ballots(self, proposal: Proposal, batch: BatchData) -> list[BallotExtra]:
        """What those who are not silent say."""
        judges = [device for device in self.home.devices if not device.silent]
        return [ballot_decode(device.voter.vote(proposal, batch).extra) for device in judges]


def reasons(ballots: list[BallotExtra]) -> set[tuple[str, str]]:
    return {(verdict.outcome, verdict.reason) for ballot in ballots for verdict in ballot.verdicts}


def test_every_voter_repeats_its_verdict_and_its_facts_under_the_new_salts() -> None:
    sealed = Sealed()
    said = {vote.validator: ballot_decode(vote.extra) for vote in sealed.round.votes}
    first = [said[device.key] for device in sealed.home.devices]
    ballots = sealed.ballots(*sealed.again())
    assert [ballot.verdicts for ballot in ballots] == [ballot.verdicts for ballot in first]
    before = {root.series_id: root for ballot in first for root in ballot.plain_roots}
    for root in (root for ballot in ballots for root in ballot.plain_roots):
        old = before[root.series_id]
        assert (root.batch_root, root.facts) == (old.batch_root, old.facts) and root.plain_root != old.plain_root


def test_lots_sealed_again_have_a_quorum_and_their_support() -> None:
    sealed = Sealed()
    proposal, batch = sealed.again()
    round = sealed.home.run(proposal, batch)
    outcome = round.outcome(sealed.home.devices[0].voter.replica.members, sealed.home.devices[0].voter.config)
    assert outcome is not None and outcome.quorum and outcome.label == "bft-verified"
    assert {(entry.status, entry.support) for entry in outcome.series} == {(APPROVED, CORROBORATED)}


def test_what_was_outvoted_stays_outvoted() -> None:
    sealed = Sealed(("lying",))
    liar = sealed.home.devices[-1].device_id
    proposal, batch = sealed.again()
    outcome = sealed.home.run(proposal, batch).outcome(
        sealed.home.devices[0].voter.replica.members, sealed.home.devices[0].voter.config
    )
    assert outcome is not None
    assert {entry.device_id for entry in outcome.series if entry.status == REJECTED} == {liar}


def test_who_was_silent_then_rejects_now_and_blames_nobody() -> None:
    sealed = Sealed(("silent",))
    late = sealed.home.devices[-1]
    late.silent = False
    proposal, batch = sealed.again()
    ballot = ballot_decode(late.voter.vote(proposal, batch).extra)
    assert reasons([ballot]) == {(REJECT, NOT_JUDGED_BEFORE)} and ballot.plain_roots == ()
    outcome = sealed.home.run(proposal, batch).outcome(late.voter.replica.members, late.voter.config)
    assert outcome is not None and not any(entry.counts_against for entry in outcome.series)


@pytest.mark.parametrize(
    "change",
    [
        lambda terms: replace(terms, seed=tagged("hearth/test", b"another seed")),
        lambda terms: replace(terms, series=tuple(finer(entry) for entry in terms.series)),
    ],
    ids=["another seed", "a finer rule"],
)
def test_other_rows_than_those_that_were_approved_are_rejected(change: Change) -> None:
    sealed = Sealed()
    ballots = sealed.ballots(*sealed.again(change))
    assert reasons(ballots) == {(REJECT, ROOT_MISMATCH)}


def finer(entry: SeriesTerms) -> SeriesTerms:
    assert entry.lot is not None
    rule = rule_decode(entry.lot.rule)
    return replace(entry, lot=replace(entry.lot, rule=rule_encode(rule_for(rule.device_class, rule.quantity, "exact"))))


def test_a_batch_that_was_never_closed_can_not_be_sealed_again() -> None:
    sealed = Sealed()
    other = tagged("hearth/test", b"no batch")

    def unknown(terms: BatchTerms) -> BatchTerms:
        series = sorted(
            (replace(entry, series_id=series_id(other, entry.device_id, entry.quantity)) for entry in terms.series),
            key=lambda entry: entry.series_id,
        )
        return replace(terms, again=other, series=tuple(series))

    terms = unknown(sealed.again()[1].terms)
    assert terms_parse(encode(terms)) == terms
    args = CloseBatch(terms.batch_id, readings_root(encode(terms), sealed.batch.segments), ())
    proposal = sealed.home.proposal([sealed.home.transaction("devices.close_batch", args, sealed.home.hub)])
    batch = replace(sealed.batch, terms=terms)
    assert reasons(sealed.ballots(proposal, batch)) == {(REJECT, NOT_JUDGED_BEFORE)}


def test_sealing_again_teaches_the_voters_nothing_new() -> None:
    sealed = Sealed()
    memory = sealed.home.devices[0].voter.memory
    proposal, batch = sealed.again()
    sealed.home.commit(proposal, sealed.home.run(proposal, batch))
    assert sealed.home.devices[0].voter.memory == memory
    assert sealed.home.devices[0].voter.replica.height == sealed.home.ledger.height


def test_series_are_named_after_the_batch_whose_readings_they_are() -> None:
    sealed = Sealed()
    terms = sealed.again()[1].terms
    assert terms.origin == sealed.batch.terms.batch_id != terms.batch_id
    for wrong in (replace(terms, again=b""), replace(terms, again=b"short")):
        with pytest.raises(BatchIncomplete):
            terms_parse(encode(wrong))


def test_one_series_may_be_sealed_again_without_the_others() -> None:
    sealed = Sealed()
    keep = sealed.batch.terms.series[0]
    segments = sealed.home.evidence(sealed.batch)
    assert segments.series[keep.series_id].device_id == keep.device_id
    own = [raw for raw in sealed.batch.segments if keep.device_id in raw]
    proposal, batch = sealed.again(lambda terms: replace(terms, series=terms.series[:1]))
    closing = close_batch_of(proposal)
    assert closing is not None
    args = replace(closing, readings_root=readings_root(encode(batch.terms), own))
    proposal = sealed.home.proposal([sealed.home.transaction("devices.close_batch", args, sealed.home.hub)])
    ballots = sealed.ballots(proposal, replace(batch, segments=tuple(own)))
    assert reasons(ballots) == {(APPROVE, ""), (ABSTAIN, NOTHING_TO_COMPARE)}
    assert all(plain_root_of(b, keep.series_id) and verdict_of(b, keep.series_id) for b in ballots)
