"""What one voter says of a batch: a verdict on each series, and the roots it recomputed itself.

Findings are the same for every honest voter with the same memory; the verdict also depends on who votes, since a device
without anything comparable abstains, and nobody corroborates its own series.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec
import numpy as np

from chain.consensus.ballot import ABSTAIN, APPROVE, REJECT, BallotExtra, PlainRoot, Verdict, ballot_extra
from chain.contracts.devices.rows import BatchLot
from households.consensus.batch import BatchData, BatchTerms, SeriesTerms
from households.consensus.checks import check_alone
from households.consensus.config import CheckConfig
from households.consensus.copies import check_copied
from households.consensus.corroborate import PAIR_DISAGREES, Past, group_findings
from households.consensus.errors import BatchIncomplete, SegmentRefused
from households.consensus.membership import Membership
from households.consensus.memory import Memory, remember
from households.consensus.meters import check_energy, check_plugs
from households.consensus.readings import SignedSegment, Signer, segment_parse, segment_verify
from households.consensus.roots import series_roots
from households.consensus.series import Series
from households.privacy.classes import Quantity
from households.privacy.levels import rule_decode
from marketplace.common.errors import HearthError

EMPTY = "no_readings"
REPLAYED = "segment_replayed"
OUT_OF_TIME = "segment_out_of_time"
NOTHING_TO_COMPARE = "nothing_to_compare"
ROOT_MISMATCH = "root_mismatch"
LOT_INVALID = "lot_invalid"
UNKNOWN_SERIES = "unknown_series"
NOT_PERMITTED = "device_lacks_permission"


class Evidence(msgspec.Struct, frozen=True):
    """A batch laid out for judging: its series as arrays, and for each series id the reason against it, if any.

    ``last_sequence`` has the highest sequence of each series, ``groups`` the comparable ones without a reason against
    them by (area, quantity), ``compared`` the ids that were held against at least one other.
    """

    series: dict[bytes, Series]
    last_sequence: dict[bytes, int]
    findings: dict[bytes, str | None]
    groups: dict[tuple[str, str], list[Series]]
    compared: frozenset[bytes]


def examine(batch: BatchData, members: Membership, memory: Memory, config: CheckConfig) -> Evidence:
    """Run all checks of a batch. Raises ``BatchIncomplete`` if it holds what is no segment of one of its series."""
    terms = {entry.series_id: entry for entry in batch.terms.series}
    segments = segments_by_series(batch, terms)
    findings: dict[bytes, str | None] = {}
    series: dict[bytes, Series] = {}
    last: dict[bytes, int] = {}
    past = memory.by_series()
    for sid, entry in terms.items():
        member = members.by_id.get(entry.device_id)
        quantity = member.quantity(entry.quantity) if member else None
        found = segments.get(sid, [])
        if quantity is None or not found:
            findings[sid] = EMPTY if quantity else UNKNOWN_SERIES
            continue
        believable = config.believable(members.by_id[entry.device_id].device_class, quantity)
        series[sid] = series_arrays(sid, entry, believable, found)
        last[sid] = max(signed.segment.last_sequence for signed in found)
        remembered = past.get((entry.device_id, entry.quantity))
        floor = remembered.next_sequence if remembered else 1
        findings[sid] = _check_segments(found, entry, members, floor, batch, config) or check_alone(
            series[sid],
            (entry.low, entry.high),
            int(remembered.values[-1]) if remembered and len(remembered.values) else None,
            config,
        )
        if findings[sid] is None:
            old = remembered.values if remembered else np.empty(0, dtype=np.int64)
            findings[sid] = check_copied(series[sid].values, old, config)
    compared = _compare(series, findings, members, memory, config)
    _check_meters(series, findings, members, config)
    return Evidence(series, last, findings, _groups(series, findings, members, config), compared)


def judge(
    batch: BatchData,
    lots: tuple[BatchLot, ...],
    members: Membership,
    voter_id: bytes,
    evidence: Evidence,
    config: CheckConfig,
) -> BallotExtra:
    """The ballot of the voter with this device id: a verdict for each series of the batch, and its own roots.

    ``lots`` are the roots of the hub's proposal. A series whose recomputed roots differ from the proposed ones is
    rejected, and so is one that has terms but no proposed roots, or roots but no terms.
    """
    proposed = {lot.series_id: lot for lot in lots}
    roots: list[PlainRoot] = []
    verdicts: list[Verdict] = []
    for entry in batch.terms.series:
        reason = evidence.findings[entry.series_id]
        if entry.lot is not None or entry.series_id in proposed:
            root, fault = _root(entry, batch.terms, evidence, proposed.get(entry.series_id), members, config)
            roots += [root] if root else []
            reason = reason or fault
        verdicts.append(_verdict(entry, reason, members, voter_id, evidence, config))
    return ballot_extra(tuple(roots), tuple(verdicts))


def remember_batch(memory: Memory, evidence: Evidence, approved: frozenset[bytes], config: CheckConfig) -> Memory:
    """The voter's memory after a batch became final with these series ids approved."""
    groups = {
        place: [entry for entry in members if entry.series_id in approved] for place, members in evidence.groups.items()
    }
    seen = [(entry, evidence.last_sequence[sid]) for sid, entry in evidence.series.items()]
    return remember(memory, seen, groups, config)


def segments_by_series(batch: BatchData, terms: Mapping[bytes, SeriesTerms]) -> dict[bytes, list[SignedSegment]]:
    """The segments of a batch by series id. Raises ``BatchIncomplete`` for what is no segment of one of its series."""
    ids = {(entry.device_id, entry.quantity): sid for sid, entry in terms.items()}
    found: dict[bytes, list[SignedSegment]] = defaultdict(list)
    for raw in batch.segments:
        try:
            signed = segment_parse(raw)
        except SegmentRefused as error:
            raise BatchIncomplete(f"a segment can't be read: {error.code}") from error
        sid = ids.get((signed.segment.device_id, signed.segment.quantity))
        if sid is None:
            raise BatchIncomplete("a segment belongs to no series of the batch")
        found[sid].append(signed)
    return found


def series_arrays(sid: bytes, entry: SeriesTerms, quantity: Quantity, found: list[SignedSegment]) -> Series:
    """The readings of a series as arrays."""
    times = [time for signed in found for time in signed.segment.times_ms]
    values = [value for signed in found for value in signed.segment.values]
    return Series(sid, entry.device_id, quantity, np.array(times, dtype=np.int64), np.array(values, dtype=np.int64))


def _check_segments(
    found: list[SignedSegment],
    entry: SeriesTerms,
    members: Membership,
    next_sequence: int,
    batch: BatchData,
    config: CheckConfig,
) -> str | None:
    """Certificate, signature, account, unit, sequence and time of each segment of a series; the first code against
    it."""
    member = members.by_id[entry.device_id]
    quantity = member.quantity(entry.quantity)
    units = {entry.quantity: quantity.unit} if quantity else {}
    signer = Signer(entry.device_id, member.signs_with, entry.account, member.active, units)
    if member.active and not member.may_be_read:
        return NOT_PERMITTED
    for signed in found:
        segment = signed.segment
        try:
            segment_verify(signed, members.ledger, signer)
        except HearthError as error:
            return error.code
        if segment.first_sequence < next_sequence:
            return REPLAYED
        next_sequence = segment.last_sequence + 1
        early = segment.times_ms[0] < batch.terms.opened_ms - config.clock_tolerance_ms
        if segment.times_ms[-1] > batch.terms.closed_ms + config.clock_tolerance_ms:
            return OUT_OF_TIME
        if early and not segment.backfilled:
            return OUT_OF_TIME
    return None


def _groups(
    series: Mapping[bytes, Series], findings: Mapping[bytes, str | None], members: Membership, config: CheckConfig
) -> dict[tuple[str, str], list[Series]]:
    groups: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for sid, entry in series.items():
        if findings[sid] is None and config.cross_limit(entry.quantity.name) is not None:
            groups[(members.by_id[entry.device_id].area, entry.quantity.name)].append(entry)
    return dict(groups)


def _compare(
    series: Mapping[bytes, Series],
    findings: dict[bytes, str | None],
    members: Membership,
    memory: Memory,
    config: CheckConfig,
) -> frozenset[bytes]:
    """Fill in what comparing says; returns the ids of series that were compared at all."""
    compared: set[bytes] = set()
    known = memory.by_group()
    for place, group in _groups(series, findings, members, config).items():
        limit = config.cross_limit(place[1])
        remembered = known.get(place)
        if limit is not None:
            past = remembered.curve.past if remembered else None
            found = group_findings(group, past, _own_past(group, memory), limit, config)
            findings.update(found)
            compared.update(found)
    return frozenset(compared)


def _own_past(group: list[Series], memory: Memory) -> dict[bytes, Past]:
    """The remembered curve of each series of a group, by series id."""
    known = memory.by_series()
    found = {entry.series_id: known.get((entry.device_id, entry.quantity.name)) for entry in group}
    return {sid: old.curve.past for sid, old in found.items() if old is not None and old.curve is not None}


def _check_meters(
    series: Mapping[bytes, Series], findings: dict[bytes, str | None], members: Membership, config: CheckConfig
) -> None:
    """Fill in what comparing quantities says: energy against power of each device, plugs against the mains."""
    good = [entry for sid, entry in series.items() if findings[sid] is None]
    named = {(entry.device_id, entry.quantity.name): entry for entry in good}
    for (device_id, quantity), power in named.items():
        for name in ("energy", "energy_total"):
            energy = named.get((device_id, name))
            if quantity == "power" and energy is not None:
                reason = check_energy(power, energy, config)
                findings[energy.series_id] = findings[energy.series_id] or reason
    kinds = {member.device_id: member.device_class for member in members.members}
    powers = [entry for entry in good if entry.quantity.name in ("power", "solar_power")]
    mains = [entry for entry in powers if kinds[entry.device_id] == "mains"]
    own = [entry for entry in powers if kinds[entry.device_id] in ("solar", "battery")]
    stores = any(kind in ("solar", "battery") for kind in kinds.values()) and not own
    if len(mains) == 1 and not stores:
        plugs = [entry for entry in powers if kinds[entry.device_id] == "plug"]
        findings.update(check_plugs(mains[0], plugs, own, config))


def _root(
    entry: SeriesTerms,
    terms: BatchTerms,
    evidence: Evidence,
    proposed: BatchLot | None,
    members: Membership,
    config: CheckConfig,
) -> tuple[PlainRoot | None, str | None]:
    """The recomputed root of a series, and the code if it is not the proposed one.

    The rule must be one for what the device is by the ledger; the cell and the comparable devices go into the root.
    """
    series = evidence.series.get(entry.series_id)
    if entry.lot is None or proposed is None or series is None:
        return None, ROOT_MISMATCH
    try:
        rule = rule_decode(entry.lot.rule)
        if (rule.device_class, rule.quantity) != (members.by_id[entry.device_id].device_class, entry.quantity):
            return None, LOT_INVALID
        speakers = members.speakers(entry.device_id, entry.quantity, config)
        root = series_roots(series, entry.lot, terms, speakers)
    except HearthError:
        return None, LOT_INVALID
    same = (root.plain_root, root.batch_root, entry.device_id) == (
        proposed.plain_root,
        proposed.batch_root,
        proposed.device,
    )
    if same and not members.by_id[entry.device_id].may_be_uploaded:
        return root, NOT_PERMITTED
    return root, None if same else ROOT_MISMATCH


def _verdict(
    entry: SeriesTerms,
    reason: str | None,
    members: Membership,
    voter_id: bytes,
    evidence: Evidence,
    config: CheckConfig,
) -> Verdict:
    """A voter's word on one series. Where only two can be compared and disagree, each may speak against the other, and
    nobody else can say who is wrong."""
    if reason is not None and reason != PAIR_DISAGREES:
        return Verdict(entry.series_id, REJECT, reason)
    others = members.comparable(entry.device_id, entry.quantity, config)
    knows = any(
        voter is not None and voter.device_id == voter_id
        for voter in (members.voter_of(other.device_id) for other in others)
    )
    if knows and reason is not None:
        return Verdict(entry.series_id, REJECT, reason)
    if knows and entry.series_id in evidence.compared:
        return Verdict(entry.series_id, APPROVE)
    return Verdict(entry.series_id, ABSTAIN, reason or NOTHING_TO_COMPARE)
