"""Equivocation, void rounds, halts and membership changes while devices are faulty (protocols.md 1)."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.consensus.ballot import ballot_decode, ballot_encode, ballot_extra
from chain.consensus.validators import vote_sign
from chain.contracts.devices.rows import Revoke
from chain.core.types import Vote
from chain.crypto.secp256k1 import public_key
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.errors import (
    BatchIncomplete,
    LedgerHalted,
    ProposalBadSignature,
    ProposalNotReproduced,
    ProposalRefused,
    ProposalWrongPlace,
    RoundNotVoid,
    VoteAlreadySigned,
    VoteBadSignature,
    VoteFromStranger,
    VoteMalformed,
)
from households.consensus.membership import membership_of
from households.consensus.proposal import HubFault, Proposal, hub_fault_of, hub_fault_proven, proposal_sign
from households.consensus.round import Round
from households.consensus.tally import APPROVED
from households.consensus.voting import HubFaultFound
from tests.pure.consensus.simulator import LEDGER, Device, SimHome, room_curve, secret, times_of


def segments(home: SimHome) -> list[bytes]:
    times = times_of(120)
    return [
        raw
        for number, device in enumerate(home.devices)
        for raw in device.segments("temperature", times, room_curve(times, seed=number))
    ]


def contrary(device: Device) -> None:
    """Make a device sign a second, empty ballot for each proposal."""

    def rewrite(vote: Vote, proposal: Proposal) -> Vote:
        ballot = ballot_decode(vote.extra)
        other = ballot_extra((), ballot.verdicts)
        return vote_sign(device.secret, proposal.body.header, round=vote.round, extra=ballot_encode(other))

    device.rewrite = rewrite


def test_a_voter_that_signs_twice_is_quarantined_with_both_votes_as_proof() -> None:
    home = SimHome(["climate"] * 4)
    contrary(home.devices[3])
    outcome = home.close(segments(home))
    assert outcome.quorum and len(home.proofs) == 1
    home.devices[3].rewrite = None
    assert home.quarantine_double_vote(home.proofs[0]) == ""
    members = home.devices[0].voter.replica.members
    assert not members.by_id[home.devices[3].device_id].active
    assert members.voter_count == 3


def test_two_equal_votes_prove_nothing() -> None:
    home = SimHome(["climate"] * 4)
    home.devices[3].rewrite = lambda vote, proposal: vote
    home.close(segments(home))
    assert home.proofs == []


def test_a_made_up_double_vote_quarantines_nobody() -> None:
    home = SimHome(["climate"] * 4)
    contrary(home.devices[3])
    home.close(segments(home))
    home.devices[3].rewrite = None
    forged = msgspec.structs.replace(home.proofs[0], voter=home.devices[0].key)
    assert home.quarantine_double_vote(forged) == "evidence_invalid"


def two_proposals(home: SimHome) -> tuple[Proposal, Proposal]:
    return home.proposal([]), home.proposal([])


def test_a_hub_that_proposes_twice_halts_the_voter_for_good() -> None:
    home = SimHome(["climate"] * 3)
    first, second = two_proposals(home)
    voter = home.devices[0].voter
    voter.vote(first, None)
    with pytest.raises(HubFaultFound) as found:
        voter.vote(second, None)
    assert hub_fault_proven(found.value.fault, LEDGER, public_key(home.hub))
    with pytest.raises(LedgerHalted):
        voter.vote(first, None)


def test_the_same_proposal_gets_the_same_vote_however_often_it_is_sent() -> None:
    home = SimHome(["climate"] * 3)
    proposal, batch = home.propose_batch(segments(home))
    voter = home.devices[0].voter
    first = voter.vote(proposal, batch)
    voter.memory = msgspec.structs.replace(voter.memory)
    assert voter.vote(proposal, batch) == first == voter.vote_known(proposal)


def test_a_hub_fault_is_not_proven_by_two_rounds_or_a_foreign_signature() -> None:
    home = SimHome(["climate"] * 3)
    first, second = two_proposals(home)
    later = proposal_sign(second.body.header, 1, (), (home.void(first),), home.hub)
    assert hub_fault_of(first, later) is None and hub_fault_of(first, first) is None
    forged = HubFault(first.body, first.signature, second.body, first.signature)
    assert not hub_fault_proven(forged, LEDGER, public_key(home.hub))


def test_void_opens_the_next_round_in_which_a_device_votes_again() -> None:
    home = SimHome(["climate"] * 4)
    stuck, batch = home.propose_batch(segments(home), number=1)
    for device in home.devices[2:]:
        device.silent = True
    assert not home.run(stuck, batch).final
    for device in home.devices:
        device.silent = False
    header = stuck.body.header
    again = proposal_sign(header, 1, stuck.transactions, (home.void(stuck),), home.hub)
    round = home.run(again, batch)
    assert round.final
    home.commit(again, round)
    with pytest.raises(VoteAlreadySigned):
        home.devices[2].voter.vote(stuck, batch)


def test_a_later_round_without_the_owners_void_gets_no_vote() -> None:
    home = SimHome(["climate"] * 3)
    first = home.proposal([])
    for voids in ((), (home.void(home.proposal([])), b"\1" * 64), (b"\1" * 64,)):
        with pytest.raises(RoundNotVoid):
            home.devices[0].voter.vote(proposal_sign(first.body.header, 1, (), voids, home.hub), None)


def test_after_voting_in_a_later_round_an_earlier_one_gets_no_vote() -> None:
    home = SimHome(["climate"] * 3)
    first, second = two_proposals(home)
    voter = home.devices[0].voter
    voter.vote(proposal_sign(second.body.header, 1, (), (home.void(first),), home.hub), None)
    with pytest.raises(VoteAlreadySigned):
        voter.vote(first, None)


def test_a_proposal_that_is_forged_or_does_not_execute_gets_no_vote() -> None:
    home = SimHome(["climate"] * 3)
    voter = home.devices[0].voter
    honest = home.proposal([])
    with pytest.raises(ProposalBadSignature):
        voter.vote(msgspec.structs.replace(honest, signature=b"\2" * 64), None)
    header = msgspec.structs.replace(honest.body.header, state_hash=b"\3" * 32)
    with pytest.raises(ProposalNotReproduced):
        voter.vote(proposal_sign(header, 0, (), (), home.hub), None)
    far = msgspec.structs.replace(honest.body.header, height=99)
    with pytest.raises(ProposalWrongPlace):
        voter.vote(proposal_sign(far, 0, (), (), home.hub), None)
    with pytest.raises(ProposalRefused):
        voter.vote(proposal_sign(honest.body.header, 0, (b"junk",), (), home.hub), None)


def test_a_batch_with_a_reading_left_out_gets_no_vote() -> None:
    home = SimHome(["climate"] * 3)
    proposal, batch = home.propose_batch(segments(home))
    short = msgspec.structs.replace(batch, segments=batch.segments[:-1])
    with pytest.raises(BatchIncomplete):
        home.devices[0].voter.vote(proposal, short)


def test_a_lot_whose_root_is_not_what_the_voters_compute_does_not_leave() -> None:
    home = SimHome(["climate"] * 4)
    batch, closing = home.batch(segments(home))
    wrong = msgspec.structs.replace(closing.lots[0], plain_root=b"\4" * 32)
    forged = msgspec.structs.replace(closing, lots=(wrong, *closing.lots[1:]))
    proposal = home.proposal([home.transaction("devices.close_batch", forged, home.hub)])
    outcome = home.run(proposal, batch).outcome(home.devices[0].voter.replica.members, DEFAULT_CONFIG)
    assert outcome is not None
    left = {entry.series_id: entry for entry in outcome.series if entry.status != APPROVED}
    assert set(left) == {wrong.series_id}
    assert left[wrong.series_id].reason == "root_mismatch"


def test_votes_that_are_forged_foreign_or_about_other_series_are_not_counted() -> None:
    home = SimHome(["climate"] * 3)
    proposal, batch = home.propose_batch(segments(home))
    vote = home.devices[0].voter.vote(proposal, batch)
    round = Round(proposal, home.judges(proposal), batch.terms)
    with pytest.raises(VoteBadSignature):
        round.add(msgspec.structs.replace(vote, signature=b"\5" * 64))
    with pytest.raises(VoteFromStranger):
        round.add(vote_sign(secret("stranger"), proposal.body.header, extra=vote.extra))
    empty = vote_sign(home.devices[0].secret, proposal.body.header, extra=ballot_encode(ballot_extra((), ())))
    with pytest.raises(VoteMalformed):
        round.add(empty)
    with pytest.raises(VoteMalformed):
        round.add(vote_sign(home.devices[0].secret, proposal.body.header, extra=b"junk"))
    assert round.votes == ()


def test_a_revoked_device_has_no_vote_and_the_previous_voters_judged_it() -> None:
    home = SimHome(["climate"] * 4)
    victim = home.devices[3]
    victim.silent = True
    assert home.revoke(victim) == ""
    assert home.devices[0].voter.replica.members.voter_count == 3
    proposal = home.proposal([])
    with pytest.raises(ProposalRefused):
        victim.voter.vote(proposal, None)


def test_of_two_devices_the_living_one_can_judge_the_removal_of_the_dead_one() -> None:
    home = SimHome(["climate"] * 2)
    home.devices[1].silent = True
    assert home.revoke(home.devices[1]) == ""
    assert home.devices[0].voter.replica.members.voter_count == 1


def test_a_device_refuses_to_vote_on_its_own_removal() -> None:
    home = SimHome(["climate"] * 4)
    victim = home.devices[3]
    proposal = home.proposal([home.transaction("devices.revoke", Revoke(victim.device_id, "faulty"))])
    with pytest.raises(ProposalRefused):
        victim.voter.vote(proposal, None)
    assert home.devices[0].voter.vote(proposal, None)


def test_a_new_device_is_judged_by_the_voters_before_it() -> None:
    home = SimHome(["climate"] * 3)
    before = home.devices[0].voter.replica.members.voter_count
    home.join("climate", "room", "simulated-new")
    assert (before, home.devices[0].voter.replica.members.voter_count) == (3, 4)
    assert home.devices[3].voter.replica.height == home.ledger.height


def test_too_few_voters_change_no_membership() -> None:
    home = SimHome(["climate"] * 4)
    for device in home.devices[:2]:
        device.silent = True
    assert home.leave(home.devices[3]) is None
    assert home.devices[2].voter.replica.members.voter_count == 4


def test_a_bridged_device_counts_for_corroboration_by_its_bridge() -> None:
    home = SimHome(["climate"] * 3)
    bridge = home.devices[2]
    bridged = home.join("climate", "room", "simulated-2", bridge=bridge.device_id, voter=False)
    bridged.secret, bridged.silent = bridge.secret, True
    bridged.voter.device_id = membership_of(LEDGER, home.ledger.state).members[0].device_id
    members = home.devices[0].voter.replica.members
    own = next(member for member in members.members if member.bridge)
    bridged.voter.device_id = own.device_id
    assert members.voter_of(own.device_id) == members.by_id[bridge.device_id]
    assert members.voter_count == 3
    outcome = home.close(segments(home))
    entry = next(entry for entry in outcome.series if entry.device_id == home.devices[0].device_id)
    assert (entry.status, entry.approvals, entry.comparable) == (APPROVED, 3, 3)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    n=st.integers(3, 7),
    silent=st.sets(st.integers(0, 6), max_size=3),
    twice=st.sets(st.integers(0, 6), max_size=2),
)
def test_whatever_is_faulty_all_replicas_stay_equal_and_final_needs_a_quorum(
    n: int, silent: set[int], twice: set[int]
) -> None:
    home = SimHome(["climate"] * n)
    for number, device in enumerate(home.devices):
        device.silent = number in silent
        if number in twice:
            contrary(device)
    outcome = home.close(segments(home))
    voted = n - len({number for number in silent if number < n})
    assert outcome.quorum == (voted >= {3: 2, 4: 3, 5: 4, 6: 4, 7: 5}[n])
    assert len({device.voter.replica.height for device in home.devices}) == 1
    assert len(home.proofs) == len({number for number in twice - silent if number < n})
