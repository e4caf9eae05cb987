"""Who voted for what on a batch, read from its block and, while it is open, from the votes that have come in.

The outcome of each series is counted anew by the very function that decided it. Who was a member then is rebuilt from
the ledger's present rows and the voters that the batch's quorum certificate names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chain.consensus.ballot import BallotExtra, Verdict, ballot_decode, verdict_of
from chain.contracts.devices.members import is_voter
from chain.contracts.devices.rows import ACTIVE, DEVICES, HOME_BATCHES, KEYS, READ, UPLOAD, BatchLot, DeviceRow
from chain.core.codec import decode
from chain.core.finality import quorum_size
from chain.core.state import State
from chain.core.types import Validator, Vote
from chain.engine.ledger import Ledger
from chain.exchange.certificate import QuorumCertificate
from households.consensus.batch import BatchTerms, terms_parse
from households.consensus.config import DEFAULT_CONFIG
from households.consensus.membership import Member, Membership
from households.consensus.proposal import close_batch_of, proposal_parse
from households.consensus.score import DECAY, PRIOR_BAD, PRIOR_GOOD, SCALE
from households.consensus.tally import APPROVED, SeriesOutcome, tally
from households.models import HOME, Batch, BlockProposal, Device, DeviceVote, Household, Lot
from households.services.ledgers import device_ledger

HISTORY = 20


@dataclass(frozen=True, slots=True)
class VoterOfBatch:
    """One who may vote; ``device`` is None if its row is gone."""

    key: bytes
    device: Device | None
    voted: bool


@dataclass(frozen=True, slots=True)
class SeriesVotes:
    """One series and every voter's verdict on it, in the voters' order; None from those who were silent."""

    device: Device | None
    quantity: str
    outcome: SeriesOutcome | None
    verdicts: tuple[Verdict | None, ...]
    lot: Lot | None


@dataclass(frozen=True, slots=True)
class BatchVotes:
    """All votes on one batch. ``needed`` of ``domains`` make it final."""

    voters: tuple[VoterOfBatch, ...]
    series: tuple[SeriesVotes, ...]
    needed: int
    domains: int
    open: bool

    @property
    def heard(self) -> int:
        return sum(voter.voted for voter in self.voters)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one batch said of a device, and its expected share of good series afterwards (0 to 1)."""

    batch: Batch
    at: datetime
    good: bool
    reasons: tuple[str, ...]
    score: float


@dataclass(frozen=True, slots=True)
class _Ballots:
    validators: tuple[Validator, ...]
    ballots: Mapping[bytes, BallotExtra]
    lots: tuple[BatchLot, ...]
    open: bool


def batch_votes(batch: Batch) -> BatchVotes | None:
    """The votes on a batch; None before it was put before the devices."""
    if not bytes(batch.terms):
        return None
    with device_ledger(batch.household) as ledger:
        return _votes(batch, ledger, _rows_of(batch.household), _lots_of(batch))


def device_history(device: Device, *, limit: int = HISTORY) -> list[Judged]:
    """What the last batches said of a device, newest first, with the score that it had after each.

    The score is walked back from the present one: a batch keeps 0.7 of it, draws the rest from the prior, and adds one.
    """
    batches = Batch.objects.using(HOME).filter(household=device.household, height__gt=0, source=None)
    good, bad = device.score_good / SCALE, device.score_bad / SCALE
    keep, prior_good, prior_bad = DECAY / SCALE, PRIOR_GOOD / SCALE, PRIOR_BAD / SCALE
    found: list[Judged] = []
    with device_ledger(device.household) as ledger:
        rows = _rows_of(device.household)
        for batch in batches.exclude(terms=b"").order_by("-number")[:limit]:
            own = _outcomes(batch, ledger, rows, bytes(device.device_id))
            if not own:
                continue
            reasons = tuple(entry.reason for entry in own if entry.status != APPROVED)
            found.append(Judged(batch, batch.created_at, not reasons, reasons, good / (good + bad)))
            good, bad = (good - 1, bad) if not reasons else (good, bad - 1)
            good = max((good - (1 - keep) * prior_good) / keep, prior_good * 0.01)
            bad = max((bad - (1 - keep) * prior_bad) / keep, prior_bad * 0.01)
    return found


def silent_voters(household: Household, *, batches: int = 3) -> set[bytes]:
    """Keys of active voters that voted on none of the last few final batches."""
    final = BlockProposal.objects.using(HOME).filter(household=household, kind="batch", state="final")
    last = list(final.order_by("-height").values_list("pk", flat=True)[:batches])
    if not last:
        return set()
    voted = {
        bytes(key) for key in DeviceVote.objects.using(HOME).filter(proposal__in=last).values_list("voter", flat=True)
    }
    joined = final.filter(pk=last[-1]).values_list("created_at", flat=True)[0]
    voters = Device.objects.using(HOME).filter(
        household=household, status=Device.Status.ACTIVE, voter=True, joined_at__lt=joined
    )
    return {bytes(key) for key in voters.values_list("identity_key", flat=True)} - voted


def _votes(batch: Batch, ledger: Ledger, rows: Sequence[Device], lots: Mapping[bytes, Lot]) -> BatchVotes | None:
    found = _ballots(batch, ledger)
    if found is None:
        return None
    terms = terms_parse(bytes(batch.terms))
    members = _members(ledger, found.validators)
    by_id = {bytes(device.device_id): device for device in rows}
    outcomes = _tally(terms, found, members)
    voters = tuple(
        VoterOfBatch(judge.key, _device_of(ledger, judge.key, by_id), judge.key in found.ballots)
        for judge in found.validators
    )
    ordered = sorted(voters, key=lambda voter: voter.device.account_index if voter.device else -1)
    series = [
        SeriesVotes(
            device=by_id.get(entry.device_id),
            quantity=entry.quantity,
            outcome=outcomes.get(entry.series_id),
            verdicts=tuple(_verdict(found.ballots, voter.key, entry.series_id) for voter in ordered),
            lot=lots.get(entry.series_id),
        )
        for entry in terms.series
    ]
    series.sort(key=lambda entry: (entry.device.account_index if entry.device else -1, entry.quantity))
    domains = members.voter_count
    return BatchVotes(tuple(ordered), tuple(series), quorum_size(domains), domains, found.open)


def _ballots(batch: Batch, ledger: Ledger) -> _Ballots | None:
    if batch.height:
        block = ledger.store.block(batch.height)
        row = ledger.state.get(HOME_BATCHES, bytes(batch.batch_id))
        if block is None or row is None or not bytes(batch.certificate):
            return None
        validators = decode(QuorumCertificate, bytes(batch.certificate)).validators
        votes = {vote.validator: ballot_decode(vote.extra) for vote in block.commit.votes}
        return _Ballots(validators, votes, row.lots, open=False)
    rows = BlockProposal.objects.using(HOME).filter(household_id=batch.household_id, batch_id=bytes(batch.batch_id))
    proposal = rows.filter(state=BlockProposal.State.OPEN).first()
    if proposal is None:
        return None
    raws = DeviceVote.objects.using(HOME).filter(proposal=proposal).values_list("raw", flat=True)
    votes = {vote.validator: ballot_decode(vote.extra) for vote in (decode(Vote, bytes(raw)) for raw in raws)}
    closing = close_batch_of(proposal_parse(bytes(proposal.signed)))
    return _Ballots(tuple(ledger.validators), votes, closing.lots if closing else (), open=True)


def _outcomes(batch: Batch, ledger: Ledger, rows: Sequence[Device], device_id: bytes) -> list[SeriesOutcome]:
    found = _ballots(batch, ledger)
    if found is None:
        return []
    outcomes = _tally(terms_parse(bytes(batch.terms)), found, _members(ledger, found.validators))
    return [entry for entry in outcomes.values() if entry.device_id == device_id]


def _tally(terms: BatchTerms, found: _Ballots, members: Membership) -> dict[bytes, SeriesOutcome]:
    if not found.ballots:
        return {}
    series = tuple((entry.series_id, entry.device_id, entry.quantity) for entry in terms.series)
    counted = tally(series, found.lots, found.ballots, members, DEFAULT_CONFIG)
    return {entry.series_id: entry for entry in counted.series}


def _members(ledger: Ledger, validators: Sequence[Validator]) -> Membership:
    """Who belonged to the home when these voted: its voters were active, and signed with the keys of then."""
    key_of = {owner: judge.key for judge in validators if (owner := _owner(ledger.state, judge.key)) is not None}
    rows: dict[bytes, DeviceRow] = {row.device_id: row for _, row in ledger.state.scan(DEVICES)}
    members = []
    for row in sorted(rows.values(), key=lambda row: row.device_id):
        speaker = row.bridge or row.device_id
        active = row.device_id in key_of or (not row.voter and row.status == ACTIVE)
        members.append(
            Member(
                device_id=row.device_id,
                signs_with=key_of.get(speaker, row.identity_key),
                device_class=row.device_class,
                area=row.area,
                failure_domain=_domain(validators, key_of.get(row.device_id, b"")) or row.failure_domain,
                voter=row.device_id in key_of or (is_voter(row) and active),
                bridge=row.bridge,
                active=active,
                may_be_read=active and bool(row.permissions & READ),
                may_be_uploaded=active and bool(row.permissions & UPLOAD),
            )
        )
    return Membership(ledger.genesis.ledger, tuple(members))


def _domain(validators: Sequence[Validator], key: bytes) -> str:
    return next((judge.domain for judge in validators if judge.key == key), "")


def _owner(state: State, key: bytes) -> bytes | None:
    owner = state.get(KEYS, key)
    return owner.device if owner else None


def _device_of(ledger: Ledger, key: bytes, by_id: Mapping[bytes, Device]) -> Device | None:
    owner = _owner(ledger.state, key)
    return by_id.get(owner) if owner else None


def _verdict(ballots: Mapping[bytes, BallotExtra], key: bytes, series_id: bytes) -> Verdict | None:
    ballot = ballots.get(key)
    return verdict_of(ballot, series_id) if ballot else None


def _rows_of(household: Household) -> list[Device]:
    return list(Device.objects.using(HOME).filter(household=household))


def _lots_of(batch: Batch) -> dict[bytes, Lot]:
    return {bytes(lot.series_id): lot for lot in Lot.objects.using(HOME).filter(batch=batch)}
