"""A batch: the readings that the hub puts before the voters, and the terms under which they would be desensitised.

The hub's proposal holds the roots, and a voter fetches terms and segments apart (``messages``). A series is one
device's values of one quantity in one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.merkle import root_of
from chain.core.types import Address, Hash, Name, Record, Uint
from chain.crypto.hashing import tagged
from households.consensus.errors import BatchIncomplete
from households.consensus.limits import LIMITS_MAX, Limit, limits_check
from households.privacy.levels import NO_CELL

MAX_SEGMENTS = 20_000
Seed = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class LotTerms(Record):
    """How one series becomes a lot: the owner's rule for its class (canonical bytes of
    ``households.privacy.levels.Rule``) and the salts of the lot's data chunks in order. The batch root needs no
    salts: they come from the seed.
    """

    rule: bytes
    salts: tuple[Hash, ...]


class SeriesTerms(Record):
    """One series. ``account`` is the micro-wallet's address to which its readings are bound. ``low`` and ``high``
    narrow its class's range to what the device announced (equal: nothing announced).

    ``lot`` is None when the owner does not share the series; its readings still help to check others.
    """

    series_id: Hash
    device_id: Address
    quantity: Name
    account: Address
    low: int
    high: int
    lot: LotTerms | None


class BatchTerms(Record):
    """What a batch is, apart from its readings. ``seed`` (``chain.exchange.lots.batch_seed``) feeds local noise and
    batch roots; series are in rising order of id; ``cell`` is the area under which lots are
    listed, and ``limits`` are those of the checks that the owner has tuned.

    ``again`` is empty, or the id of an earlier batch of which some lots are sealed once more under other payees: same
    seed, series and rows, other salts.
    """

    ledger: Name
    batch_id: Hash
    opened_ms: Uint
    closed_ms: Uint
    seed: Seed
    series: tuple[SeriesTerms, ...]
    cell: Name = NO_CELL
    limits: Annotated[tuple[Limit, ...], msgspec.Meta(max_length=LIMITS_MAX)] = ()
    again: Annotated[bytes, msgspec.Meta(max_length=32)] = b""

    @property
    def origin(self) -> bytes:
        """The batch whose readings these are: it names the series."""
        return self.again or self.batch_id


class BatchData(msgspec.Struct, frozen=True):
    """A whole batch as a voter holds it: the terms and the raw signed segments, in batch order."""

    terms: BatchTerms
    segments: tuple[bytes, ...]


def series_id(batch_id: bytes, device_id: bytes, quantity: str) -> bytes:
    """The 32-byte name of a series."""
    return tagged("hearth/series", batch_id, device_id, quantity.encode())


def batch_order(segments: Iterable[tuple[bytes, str, int, bytes]]) -> list[bytes]:
    """Raw segments in the order in which they are hashed, from (device id, quantity, first sequence, raw)."""
    return [raw for *_, raw in sorted(segments)]


def readings_root(terms: bytes, segments: Sequence[bytes]) -> bytes:
    """The RFC 6962 root over the encoded terms and the raw segments in batch order: all that a voter judges by."""
    return root_of([terms, *segments])


def terms_parse(raw: bytes) -> BatchTerms:
    """Decode the terms; raises ``BatchIncomplete`` when malformed or when a series is not named as it must be, and
    ``LimitsRefused`` when the owner's limits are none that may be set."""
    try:
        terms = decode(BatchTerms, raw)
    except Malformed as error:
        raise BatchIncomplete("the terms do not decode") from error
    ids = [entry.series_id for entry in terms.series]
    if len(terms.again) not in (0, len(terms.batch_id)):
        raise BatchIncomplete("the terms name no batch to seal again")
    expected = [series_id(terms.origin, entry.device_id, entry.quantity) for entry in terms.series]
    if ids != expected or ids != sorted(set(ids)):
        raise BatchIncomplete("the series are repeated, out of order or wrongly named")
    limits_check(terms.limits)
    return terms


def batch_check(batch: BatchData, ledger: str, batch_id: bytes, root: bytes) -> None:
    """Raises ``BatchIncomplete`` unless this is the batch of the proposal: its very terms, and all its readings."""
    if batch.terms.ledger != ledger or batch.terms.batch_id != batch_id:
        raise BatchIncomplete("the terms are those of another batch")
    if len(batch.segments) > MAX_SEGMENTS or readings_root(encode(batch.terms), batch.segments) != root:
        raise BatchIncomplete()
