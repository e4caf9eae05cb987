"""Votes come in, a block becomes final, and the home's rows follow it."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from chain.consensus.ballot import ballot_encode, ballot_extra
from chain.consensus.validators import vote_sign
from chain.contracts.devices.rows import DoubleVote
from chain.core.codec import decode, encode
from chain.core.errors import LedgerFault, Malformed
from chain.core.finality import NoQuorum
from chain.core.types import Vote
from chain.crypto.hashing import sha256
from chain.engine.ledger import Ledger
from chain.engine.ports import HeightTaken
from chain.wallets.hd import home_authority
from households.consensus.batch import terms_parse
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.corroborate import PAIR_DISAGREES
from households.consensus.errors import VoteFromStranger
from households.consensus.membership import Membership, membership_of
from households.consensus.proposal import HubFault, Proposal, hub_fault_proven, proposal_parse
from households.consensus.round import Round, vote_parse
from households.consensus.tally import BatchOutcome
from households.errors import EvidenceEmpty, ProposalUnknown
from households.models import HOME, Batch, BlockProposal, Device, DeviceVote, FaultEvidence, Household
from households.services.activity import activity_note, live_notify
from households.services.devices import device_quarantine
from households.services.finality import block_finish
from households.services.ledgers import device_ledger
from households.services.nudges import ledger_nudge
from households.services.proposing import judges_of, open_proposal, proposal_next
from households.services.secrets import operational_of
from marketplace.common.errors import HearthError

GRACE = timedelta(seconds=2)
QUORUM_LOST = timedelta(minutes=5)
STEPS_MAX = 64
PAIR = 2


def ledger_advance(household: Household) -> int:
    """Go on with the home's device ledger as far as it goes now; how many blocks became final."""
    final = 0
    for _ in range(STEPS_MAX):
        row = open_proposal(household) or proposal_next(household)
        if row is None or not proposal_try(row):
            break
        final += 1
    return final


def open_proposal_try(household: Household) -> bool:
    """Make the open proposal final if its votes allow it by now; what comes next is left to a worker."""
    row = open_proposal(household)
    return row is not None and proposal_try(row)


def vote_record(*, household: Household, device: Device, height: int, raw: bytes) -> BlockProposal:
    """Take a device's vote on the open proposal; its signature is checked before it is kept. Repeating it changes
    nothing.

    A second, different vote of a device is evidence: it is kept, and the device's quarantine is queued. Raises
    ``ProposalUnknown``, ``VoteFromStranger``, ``VoteBadSignature``, ``VoteMalformed``.
    """
    vote = vote_parse(raw)
    if vote.validator != bytes(device.identity_key):
        raise VoteFromStranger()
    row = BlockProposal.objects.using(HOME).filter(household=household, height=height, round=vote.round).first()
    if row is None:
        raise ProposalUnknown()
    row.household = household
    if row.state != BlockProposal.State.OPEN:
        return row
    with device_ledger(household) as ledger:
        proposal = proposal_parse(bytes(row.signed))
        found = _round(ledger, row, proposal)
        proof = found.add(vote)
    if proof is not None:
        double_vote_found(device=device, proof=proof)
        return row
    try:
        with transaction.atomic(using=HOME):
            DeviceVote.objects.using(HOME).create(proposal=row, voter=vote.validator, raw=raw)
            live_notify(household=household, topic="uploads", data={"height": height})
            if found.final:
                ledger_nudge(household)
    except IntegrityError:
        return row  # counted before
    return row


def proposal_try(row: BlockProposal) -> bool:
    """Make the proposal final if its votes allow it; False while it has to wait. Safe to repeat after a crash
    anywhere."""
    proposal = proposal_parse(bytes(row.signed))
    with device_ledger(row.household) as ledger:
        if ledger.height >= row.height:
            return block_finish(row, ledger, before=None)
        found = _round(ledger, row, proposal)
        if not found.final and found.judges[0].key == proposal_owner(ledger):
            found.add(_owner_vote(row.household, proposal))
        before = membership_of(row.household.ledger, ledger.state)
        if not found.final:
            _quorum_missed(row)
            return False
        if not _may_finish(row, found, before):
            return False
        executed = ledger.execute(
            [ledger.prepare(raw) for raw in proposal.transactions],
            proposal.body.header.time_ms,
            proposal.body.header.proposer,
        )
        if executed.block_hash != bytes(row.block_hash):
            raise LedgerFault("the open proposal gives another block", height=row.height)
        try:
            ledger.commit(executed, found.votes)
        except NoQuorum:
            return False
        except HeightTaken:
            # Another process counted the same votes and was faster; its block is taken over.
            ledger.refresh()
        return block_finish(row, ledger, before=before)


def proposal_owner(ledger: Ledger) -> bytes:
    """The owner's key, which judges while the home has no voter."""
    return dict(ledger.genesis.roles)["owner"]


def double_vote_found(*, device: Device, proof: DoubleVote) -> None:
    """Keep the proof that a device signed two votes for one round, and queue its quarantine."""
    if _evidence_keep(device.household, device, "double_vote", encode(proof)):
        try:
            device_quarantine(device=device, reason="double_vote", evidence=encode(proof))
        except HearthError as error:
            activity_note(
                household=device.household, kind="quarantine.postponed", topic="devices", device=device,
                facts={"code": error.code},
            )  # fmt: skip


def fault_notice(*, household: Household, raw: bytes) -> None:
    """A device reports that the hub signed two proposals for one round: proven, it halts the home's ledger.

    Raises ``EvidenceEmpty`` if the statements prove nothing.
    """
    with device_ledger(household) as ledger:
        hub = dict(ledger.genesis.roles)["hub"]
    try:
        fault = decode(HubFault, raw)
    except Malformed:
        raise EvidenceEmpty() from None
    if not hub_fault_proven(fault, household.ledger, hub):
        raise EvidenceEmpty()
    if _evidence_keep(household, None, "hub_fault", raw):
        household_halt(household=household, code="hub_equivocated")


def household_halt(*, household: Household, code: str) -> None:
    """Stop everything that leaves the home, and tell the owner."""
    with transaction.atomic(using=HOME):
        homes = Household.objects.using(HOME).filter(pk=household.pk).exclude(state=Household.State.HALTED)
        if homes.update(state=Household.State.HALTED, halted_code=code):
            activity_note(household=household, kind="household.halted", topic="household", facts={"code": code})


def _round(ledger: Ledger, row: BlockProposal, proposal: Proposal) -> Round:
    """The votes kept so far, counted anew."""
    terms = None
    if row.batch_id:
        batch = Batch.objects.using(HOME).get(household=row.household, batch_id=bytes(row.batch_id))
        terms = terms_parse(bytes(batch.terms))
    found = Round(proposal, judges_of(ledger, proposal), terms)
    for raw in DeviceVote.objects.using(HOME).filter(proposal=row).values_list("raw", flat=True):
        found.add(decode(Vote, bytes(raw)))
    return found


def _quorum_missed(row: BlockProposal) -> None:
    """A proposal that has waited for long: the owner is told since when the quorum is out of reach."""
    if row.created_at <= timezone.now() - QUORUM_LOST:
        homes = Household.objects.using(HOME).filter(pk=row.household.pk, quorum_lost_at__isnull=True)
        if homes.update(quorum_lost_at=row.created_at):
            activity_note(household=row.household, kind="quorum.lost", topic="devices", facts={"height": row.height})


def _may_finish(row: BlockProposal, found: Round, before: Membership) -> bool:
    """A batch with a quorum waits a moment for the votes still missing, and does not leave while two voters
    disagree."""
    outcome = found.outcome(before, DEFAULT_CONFIG)
    if outcome is None:
        return True
    now = timezone.now()
    rows = BlockProposal.objects.using(HOME).filter(pk=row.pk)
    if outcome.held or _pair_disagrees(outcome):
        if rows.filter(held=False).update(held=True):
            activity_note(household=row.household, kind="batch.held", topic="uploads", facts={"height": row.height})
        return False
    if found.all_heard():
        return True
    if row.quorum_at is None:
        rows.update(quorum_at=now)
        ledger_nudge(row.household, in_s=GRACE.total_seconds())
        return False
    return now >= row.quorum_at + GRACE


def _pair_disagrees(outcome: BatchOutcome) -> bool:
    """Two voters whose own sensors contradict each other: nobody can say who is wrong, so the batch is held."""
    return outcome.voters == PAIR and any(entry.reason == PAIR_DISAGREES for entry in outcome.series)


def _owner_vote(household: Household, proposal: Proposal) -> Vote:
    secret = home_authority(operational_of(household)).secret
    return vote_sign(secret, proposal.body.header, round=proposal.body.round, extra=ballot_encode(ballot_extra((), ())))


def _evidence_keep(household: Household, device: Device | None, kind: str, raw: bytes) -> bool:
    _, made = FaultEvidence.objects.using(HOME).get_or_create(
        household=household, digest=sha256(raw).hex(), defaults={"device": device, "kind": kind, "raw": raw}
    )
    return made
