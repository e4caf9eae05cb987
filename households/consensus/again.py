"""What a voter says of lots that are sealed once more under new payees, and so under new salts (protocols.md 2)."""

from __future__ import annotations

from chain.consensus.ballot import REJECT, BallotExtra, PlainRoot, Verdict, ballot_extra, plain_root_of, verdict_of
from chain.contracts.devices.rows import BatchLot, BatchRow
from households.consensus.batch import BatchData, SeriesTerms
from households.consensus.judge import ROOT_MISMATCH, segments_by_series, series_arrays
from households.consensus.membership import Membership
from households.consensus.roots import salted_roots
from households.consensus.series import Series
from marketplace.common.errors import HearthError

NOT_JUDGED_BEFORE = "not_judged_before"


def judge_again(
    batch: BatchData, lots: tuple[BatchLot, ...], members: Membership, closed: BatchRow | None, said: BallotExtra | None
) -> BallotExtra:
    """The ballot on lots that are sealed once more: what this voter said before, on the very same rows.

    ``closed`` is the earlier batch on the ledger and ``said`` this voter's own ballot on it. A series on which it said
    nothing is rejected, and so is one whose rows are not those of the earlier ballot: nothing comes in by this door
    that did not pass the checks.
    """
    proposed = {lot.series_id: lot for lot in lots}
    final = {lot.series_id: lot.batch_root for lot in closed.lots} if closed else {}
    roots: list[PlainRoot] = []
    verdicts: list[Verdict] = []
    series = _series_again(batch, members)
    for entry in batch.terms.series:
        sid = entry.series_id
        before = verdict_of(said, sid) if said else None
        signed = plain_root_of(said, sid) if said else None
        if before is None or signed is None or final.get(sid) != signed.batch_root:
            verdicts.append(Verdict(sid, REJECT, NOT_JUDGED_BEFORE))
            continue
        root = _root_again(entry, batch.terms.seed, series.get(sid), signed)
        roots += [root] if root else []
        same = root is not None and sid in proposed and root.plain_root == proposed[sid].plain_root
        good = same and root is not None and root.batch_root == signed.batch_root == proposed[sid].batch_root
        verdicts.append(before if good else Verdict(sid, REJECT, ROOT_MISMATCH))
    return ballot_extra(tuple(roots), tuple(verdicts))


def _series_again(batch: BatchData, members: Membership) -> dict[bytes, Series]:
    """The series of a batch as arrays; those of devices that are gone are left out."""
    terms = {entry.series_id: entry for entry in batch.terms.series}
    found: dict[bytes, Series] = {}
    for sid, segments in segments_by_series(batch, terms).items():
        member = members.by_id.get(terms[sid].device_id)
        quantity = member.quantity(terms[sid].quantity) if member else None
        if quantity is not None:
            found[sid] = series_arrays(sid, terms[sid], quantity, segments)
    return found


def _root_again(entry: SeriesTerms, seed: bytes, series: Series | None, signed: PlainRoot) -> PlainRoot | None:
    """The roots under the new salts, with the facts that were signed before; None if the terms give none."""
    if entry.lot is None or series is None:
        return None
    try:
        return salted_roots(series, entry.lot, seed, signed.facts)
    except HearthError:
        return None
