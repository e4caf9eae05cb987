"""What a device signs besides a block's hash: the plain roots of the batch's lots, and its verdict on each series.

``BallotExtra`` is the decoded form of ``Vote.extra`` on device ledgers (protocols.md 1). Plain roots are the same for
all honest voters, verdicts are each voter's own. A series is one device's values of one quantity in one batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import msgspec

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.finality import domain_count, domains_signed, quorum_size
from chain.core.types import Hash, Record, Validator

APPROVE = "approve"
REJECT = "reject"
ABSTAIN = "abstain"
OUTCOMES = (APPROVE, REJECT, ABSTAIN)
CORROBORATED = "corroborated"
PLAUSIBLE = "plausible"
CONTESTED = "contested"
MIN_APPROVALS = 2


class BallotOrder(Malformed):
    """Two encodings of one ballot would be two things to sign, so only the sorted one is taken."""

    code = "ballot_order"
    title = "The ballot's series are repeated or out of order"


Outcome = Annotated[str, msgspec.Meta(pattern=r"^(approve|reject|abstain)\Z")]
ReasonCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{0,48}\Z")]


class PlainRoot(Record):
    """The roots of one series' desensitised rows: under the lot's salts, and under the batch's own salt.

    ``facts`` is the hash of all that is said of the rows beside them (``chain.exchange.manifest.facts_hash``).
    """

    series_id: Hash
    plain_root: Hash
    batch_root: Hash
    facts: Hash


class Verdict(Record):
    """What one voter says of one series. ``reason`` is a stable code, empty for an approval."""

    series_id: Hash
    outcome: Outcome
    reason: ReasonCode = ""


class BallotExtra(Record):
    """All that a vote says besides the block: roots and verdicts, each sorted by series id and without repetition."""

    plain_roots: tuple[PlainRoot, ...] = ()
    verdicts: tuple[Verdict, ...] = ()


def ballot_extra(plain_roots: tuple[PlainRoot, ...], verdicts: tuple[Verdict, ...]) -> BallotExtra:
    """A ballot in canonical order, whatever the order of its parts."""
    return BallotExtra(
        plain_roots=tuple(sorted(plain_roots, key=lambda root: root.series_id)),
        verdicts=tuple(sorted(verdicts, key=lambda verdict: verdict.series_id)),
    )


def ballot_encode(extra: BallotExtra) -> bytes:
    """The bytes that go into ``Vote.extra``."""
    return encode(extra)


def ballot_decode(data: bytes) -> BallotExtra:
    """Undo ``ballot_encode``; raises ``Malformed`` for any other bytes, also when the order is not canonical."""
    extra = decode(BallotExtra, data)
    _require_rising([root.series_id for root in extra.plain_roots])
    _require_rising([verdict.series_id for verdict in extra.verdicts])
    return extra


def verdict_of(extra: BallotExtra, series_id: bytes) -> Verdict | None:
    """The ballot's verdict on a series, or None if it says nothing of it."""
    return next((verdict for verdict in extra.verdicts if verdict.series_id == series_id), None)


def plain_root_of(extra: BallotExtra, series_id: bytes) -> PlainRoot | None:
    """The ballot's roots of a series, or None if it names none."""
    return next((root for root in extra.plain_roots if root.series_id == series_id), None)


@dataclass(frozen=True, slots=True)
class SeriesTally:
    """What the ballots of a block say of one series.

    ``voters`` counts failure domains, ``standing`` those that signed these roots and did not reject the series;
    ``approvals`` of ``comparable`` are registered comparable devices whose voter approved. ``quorum`` is the
    structure's: ``standing`` reaches ``quorum_size(voters)``.
    """

    voters: int
    standing: int
    approvals: int
    comparable: int
    quorum: bool
    support: str


def series_tally(
    validators: Sequence[Validator],
    ballots: Mapping[bytes, BallotExtra],
    roots: PlainRoot,
    comparable: Sequence[bytes],
) -> SeriesTally:
    """Count the ballots (by voter's key, their signatures checked before) for the series and roots of ``roots``.

    ``comparable`` has, for each registered comparable device but the series' own, the key of the voter that speaks for
    it (its own or its bridge's), also when that voter is silent, which counts like a rejection. Support is corroborated
    with approvals from more than half of them and at least two; plausible if fewer than two could compare and none
    rejected; otherwise contested, and the series does not leave.
    """
    standing = {key: verdict.outcome for key, ballot in ballots.items() if (verdict := _standing(ballot, roots))}
    count = domains_signed(validators, set(standing))
    voters = domain_count(validators)
    supporting = [standing.get(key, REJECT) for key in comparable]
    return SeriesTally(
        voters=voters,
        standing=count,
        approvals=supporting.count(APPROVE),
        comparable=len(comparable),
        quorum=count >= quorum_size(voters),
        support=_support(supporting),
    )


def _support(supporting: Sequence[str]) -> str:
    """What the comparable devices' outcomes say together; silence stands in ``supporting`` as a rejection."""
    approvals = supporting.count(APPROVE)
    if approvals >= MIN_APPROVALS and 2 * approvals > len(supporting):
        return CORROBORATED
    if len(supporting) >= MIN_APPROVALS or REJECT in supporting:
        return CONTESTED
    return PLAUSIBLE


def _standing(ballot: BallotExtra, roots: PlainRoot) -> Verdict | None:
    """The ballot's verdict on the series if it names these roots and does not reject it."""
    verdict = verdict_of(ballot, roots.series_id)
    if verdict is None or verdict.outcome == REJECT or plain_root_of(ballot, roots.series_id) != roots:
        return None
    return verdict


def _require_rising(ids: list[bytes]) -> None:
    if any(first >= second for first, second in pairwise(ids)):
        raise BallotOrder("A ballot names its series once each, sorted by id")
