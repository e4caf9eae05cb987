"""What the votes of a home say together: for each series whether it may leave, and with which support (protocols.md 1).

Two quorums. Structure: ``quorum_size(n)`` of all voters, those of one failure domain counted as one, did not reject the
series. Corroboration: approvals from more than half of **all registered** comparable devices, at least two, never the
series' own device; silence counts like a refusal, so a hub gains nothing by leaving votes out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from chain.consensus.ballot import APPROVE, REJECT, BallotExtra, Verdict, plain_root_of, verdict_of
from chain.consensus.quorum import SELF_ATTESTED, has_quorum, label_for, quorum_size
from chain.contracts.devices.rows import BatchLot
from chain.core.finality import domain_count, domains_signed
from households.consensus.again import NOT_JUDGED_BEFORE
from households.consensus.config import CheckConfig
from households.consensus.corroborate import PAIR_DISAGREES
from households.consensus.judge import EMPTY, LOT_INVALID, NOT_PERMITTED, ROOT_MISMATCH
from households.consensus.membership import Member, Membership

APPROVED = "approved"
REJECTED = "rejected"
HELD = "held"
CORROBORATED = "corroborated"
PLAUSIBLE = "plausible"
NOT_CORROBORATED = "not_corroborated"
NO_STRUCTURE = "too_few_voters"
PAIR_HOLDS = "pair_holds"
LEAST_APPROVALS = 2
_OF_NO_DEVICE = (NOT_CORROBORATED, NO_STRUCTURE, PAIR_HOLDS, PAIR_DISAGREES, NOT_JUDGED_BEFORE)
_OF_THE_HUB = (ROOT_MISMATCH, LOT_INVALID, EMPTY, NOT_PERMITTED)
BLAMES_NOBODY = frozenset({*_OF_NO_DEVICE, *_OF_THE_HUB})


class SeriesOutcome(msgspec.Struct, frozen=True):
    """What becomes of one series. ``support`` is set when it is approved; ``reason`` is the most frequent reason
    against it otherwise. ``approvals`` are those of comparable devices, out of ``comparable`` registered ones."""

    series_id: bytes
    device_id: bytes
    quantity: str
    status: str
    support: str
    reason: str
    approvals: int
    comparable: int

    @property
    def counts_against(self) -> bool:
        """Whether the outcome speaks against the device (``score``), and not against nobody in particular or the
        hub."""
        return self.status == REJECTED and self.reason not in BLAMES_NOBODY


class BatchOutcome(msgspec.Struct, frozen=True):
    """What becomes of a batch. Without ``quorum`` the proposal stays open. ``held``: two voters disagree, and nothing
    leaves until the owner decides. ``voters`` counts failure domains, and ``label`` is theirs."""

    quorum: bool
    held: bool
    voters: int
    label: str
    series: tuple[SeriesOutcome, ...]

    @property
    def approved(self) -> frozenset[bytes]:
        """The ids of the series that may leave."""
        return frozenset(entry.series_id for entry in self.series if entry.status == APPROVED)


SeriesKey = tuple[bytes, bytes, str]


def tally(
    series: tuple[SeriesKey, ...],
    lots: tuple[BatchLot, ...],
    ballots: Mapping[bytes, BallotExtra],
    members: Membership,
    config: CheckConfig,
) -> BatchOutcome:
    """Count the ballots (by voter's key; their signatures are checked already) on each (series id, device id,
    quantity).

    ``lots`` are the proposal's roots: who recomputed others has not approved, whatever the verdict says.
    """
    counted = {key: ballots[key] for key in ballots if key in {voter.key for voter in members.validators}}
    roots = {lot.series_id: lot for lot in lots}
    outcomes = [_series(key, roots.get(key[0]), counted, members, config) for key in series]
    count = members.voter_count
    quorum = bool(counted) and has_quorum(members.validators, set(counted))
    held = count == 2 and any(outcome.status == HELD for outcome in outcomes)
    if held or not quorum:
        outcomes = [_withheld(outcome, PAIR_HOLDS if held else NO_STRUCTURE) for outcome in outcomes]
    label = SELF_ATTESTED if members.recovering else label_for(count)
    return BatchOutcome(quorum=quorum, held=held, voters=count, label=label, series=tuple(outcomes))


def _series(
    key: SeriesKey,
    lot: BatchLot | None,
    ballots: Mapping[bytes, BallotExtra],
    members: Membership,
    config: CheckConfig,
) -> SeriesOutcome:
    sid, device_id, quantity = key
    verdicts = {voter: _effective(ballot, sid, lot) for voter, ballot in ballots.items()}
    comparable = members.comparable(device_id, quantity, config)
    approvals = sum(1 for other in comparable if _outcome_of(other, verdicts, members) == APPROVE)
    status, support, reason = APPROVED, PLAUSIBLE, ""
    supporters = {voter for voter, verdict in verdicts.items() if verdict is not None and verdict.outcome != REJECT}
    structure = domains_signed(members.validators, supporters) >= quorum_size(domain_count(members.validators))
    if not structure:
        against = _common_reason(verdicts)
        status, support, reason = REJECTED, "", against or NO_STRUCTURE
        if members.voter_count == 2 and supporters and against:
            status = HELD
    elif len(comparable) >= LEAST_APPROVALS:
        if approvals >= LEAST_APPROVALS and 2 * approvals > len(comparable):
            support = CORROBORATED
        else:
            status, support, reason = REJECTED, "", _common_reason(verdicts) or NOT_CORROBORATED
    elif comparable and _outcome_of(comparable[0], verdicts, members) in (None, REJECT):
        # The only device that could contradict did, or was not heard: leaving its vote out must gain nothing.
        status, support, reason = REJECTED, "", _common_reason(verdicts) or NOT_CORROBORATED
    return SeriesOutcome(sid, device_id, quantity, status, support, reason, approvals, len(comparable))


def _effective(ballot: BallotExtra, sid: bytes, lot: BatchLot | None) -> Verdict | None:
    """A ballot's verdict on a series, taken as a rejection where it names other roots than the proposal."""
    verdict = verdict_of(ballot, sid)
    if verdict is None or verdict.outcome == REJECT or lot is None:
        return verdict
    root = plain_root_of(ballot, sid)
    if root is None or (root.plain_root, root.batch_root) != (lot.plain_root, lot.batch_root):
        return Verdict(sid, REJECT, ROOT_MISMATCH)
    return verdict


def _outcome_of(member: Member, verdicts: Mapping[bytes, Verdict | None], members: Membership) -> str | None:
    """What a comparable device says, by its own vote or its bridge's; None if nothing was heard."""
    voter = members.voter_of(member.device_id)
    verdict = verdicts.get(voter.signs_with) if voter else None
    return verdict.outcome if verdict else None


def _common_reason(verdicts: Mapping[bytes, Verdict | None]) -> str:
    reasons = Counter(
        verdict.reason for verdict in verdicts.values() if verdict is not None and verdict.outcome == REJECT
    )
    return min(reasons, key=lambda reason: (-reasons[reason], reason)) if reasons else ""


def _withheld(outcome: SeriesOutcome, reason: str) -> SeriesOutcome:
    if outcome.status == REJECTED:
        return outcome
    return msgspec.structs.replace(outcome, status=HELD, support="", reason=outcome.reason or reason)
