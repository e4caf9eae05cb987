"""What the market contract takes and keeps: arguments of its calls, rows of its tables, words for their states.

A lot's *digest* is what the shared ledger knows of it (``Publish``): roots, counts, period and terms, never a value.
Ids and addresses are raw bytes here. Prices are whole credits, times milliseconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from chain.core.state import Table
from chain.core.types import Address, Hash, PublicKey, Record, Scalar, Signature, Uint
from chain.crypto.lot_format import CHUNK_MAX_BYTES, lot_id_of

# States of a lot.
ANCHORED = "ANCHORED"
LISTED = "LISTED"
GONE = "GONE"
DEAD = "DEAD"
BURNT = "BURNT"

# States of an order.
FUNDED = "FUNDED"
COMMITTED = "COMMITTED"
DELIVERED = "DELIVERED"
SETTLED = "SETTLED"
REFUNDED = "REFUNDED"
OPEN_STATES = (FUNDED, COMMITTED, DELIVERED)

# How an order ended (``OrderRow.outcome``), besides the code that a seller gives in ``reject``.
OUTCOME_ACCEPTED = "accepted"
OUTCOME_SETTLED = "settled"
OUTCOME_REJECTED = "rejected"
OUTCOME_MISSED = "missed"
OUTCOME_BAD_CHUNK = "bad_chunk"
OUTCOME_BAD_KEYS = "bad_keys"
OUTCOME_LOT_BURNT = "lot_burnt"

SEALED_R_MAX_BYTES = 256
PATH_MAX = 32

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
RejectCode = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
Index = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Path = Annotated[tuple[Hash, ...], msgspec.Meta(max_length=PATH_MAX)]
Label = Literal["self-attested", "pair-checked", "majority-checked", "bft-verified"]
Support = Literal["corroborated", "plausible"]
LicenceKind = Literal["copy", "training"]


class Publish(Record):
    """The digest of a lot, signed by the lot's payee key (the sender).

    ``key_point`` is S = sG, ``hpke_key`` the X25519 key to which buyers seal r. ``cipher_root`` and ``key_root`` cover
    ``chunk_count`` leaves, ``plain_root`` one less; ``manifest_hash`` is the manifest's salted leaf hash.
    ``batch_root`` is the root of the lot's rows under the batch's own salt: it stays the same when they are sealed
    anew, and only one lot of it may be anchored or listed at a time.
    """

    object_id: Hash
    key_point: PublicKey
    hpke_key: Hash
    cipher_root: Hash
    plain_root: Hash
    key_root: Hash
    manifest_hash: Hash
    batch_root: Hash
    chunk_count: Index
    record_count: Uint
    size_bytes: Uint
    schema: Text
    device_class: Text
    quantity: Text
    resolution_s: Uint
    cell: Text
    period_start_ms: Uint
    period_end_ms: Uint
    price: Uint
    licence_kind: LicenceKind
    licence: Hash
    label: Label
    support: Support
    voters: Uint
    expires_ms: Uint


class PreviewKey(Record):
    """One opened chunk key and its path to ``key_root``."""

    index: Index
    key: Hash
    path: Path


class OpenPreview(Record):
    """The keys of the chunks that the beacon chose, in rising order of index. The lot is the sender's."""

    keys: Annotated[tuple[PreviewKey, ...], msgspec.Meta(max_length=256)]


class PreviewExpire(Record):
    """Anyone: the preview of a lot was not opened in its window."""

    lot_id: Hash


class Reprice(Record):
    """A new price for the sender's lot."""

    price: Uint


class Unlist(Record):
    """Take the sender's lot off the market."""


class ExpireLot(Record):
    """Anyone: the time until which a lot was on offer has passed."""

    lot_id: Hash


class Fund(Record):
    """Pay for a lot into escrow. ``point`` is R = rG, ``sealed_r`` is r under the lot's HPKE key, ``r_signature`` is
    r's own signature over ``ids.fund_digest``; ``price`` and ``licence`` must be the lot's at this moment."""

    lot_id: Hash
    point: PublicKey
    sealed_r: Annotated[bytes, msgspec.Meta(min_length=1, max_length=SEALED_R_MAX_BYTES)]
    price: Uint
    licence: Hash
    r_signature: Signature


class Reject(Record):
    """The seller declines an order; ``code`` says why, for machines."""

    order_id: Hash
    code: RejectCode


class Commit(Record):
    """The seller binds itself to an answer: ``commitment`` is ``ids.commitment_of(e, nonce)``."""

    order_id: Hash
    commitment: Hash


class Deliver(Record):
    """The seller opens its commitment: e = s + r mod N."""

    order_id: Hash
    e: Scalar
    nonce: Hash


class Accept(Record):
    """The buyer is content before the complaint time is over."""

    order_id: Hash


class Settle(Record):
    """Anyone: the complaint time is over."""

    order_id: Hash


class Expire(Record):
    """Anyone: the seller missed a deadline."""

    order_id: Hash


class ComplainChunk(Record):
    """The buyer proves that a chunk does not hold what the digest says.

    ``key`` is leaf ``index`` of ``key_root`` and ``chunk`` leaf ``index`` of ``cipher_root``. When the chunk opens,
    ``plain_leaf`` with ``plain_path`` is the leaf that ``plain_root`` has at ``index - 1`` (empty for the manifest,
    whose leaf is in the digest, and when the chunk does not open).
    """

    order_id: Hash
    index: Index
    key: Hash
    chunk: Annotated[bytes, msgspec.Meta(max_length=CHUNK_MAX_BYTES)]
    key_path: Path
    cipher_path: Path
    plain_leaf: Annotated[bytes, msgspec.Meta(max_length=32)] = b""
    plain_path: Path = ()


class ComplainKey(Record):
    """The buyer proves that ``key_root`` is not that of the keys derived from s: ``key_leaf`` is its leaf ``index``."""

    order_id: Hash
    secret: Scalar
    index: Index
    key_leaf: Hash
    path: Path


class LotRow(Record):
    """A lot. ``price`` is the present one; ``opened`` the preview's (index, key); ``open_orders`` the ids of orders
    that hold escrow; ``missed`` and ``disputes`` count missed deliveries and upheld complaints."""

    digest: Publish
    payee_key: PublicKey
    payee: Address
    status: str
    price: Uint
    anchored_height: Uint
    anchored_ms: Uint
    preview_until_ms: Uint
    opened: tuple[tuple[Index, Hash], ...] = ()
    open_orders: tuple[Hash, ...] = ()
    missed: Uint = 0
    disputes: Uint = 0

    @property
    def lot_id(self) -> bytes:
        """The key of this row."""
        return lot_id_of(self.payee_key)


class OrderRow(Record):
    """One exchange of a key for money. ``fee`` is the part of ``price`` that goes to the operator when it settles;
    ``deadline_ms`` ends the present state's window; ``outcome`` says how the order ended, ``reject_code`` the seller's
    reason. ``commitment`` and ``e`` are empty until they are known."""

    order_id: Hash
    lot_id: Hash
    buyer: Address
    buyer_key: PublicKey
    point: PublicKey
    sealed_r: bytes
    price: Uint
    fee: Uint
    licence: Hash
    status: str
    funded_ms: Uint
    deadline_ms: Uint
    commitment: bytes = b""
    e: bytes = b""
    outcome: str = ""
    reject_code: str = ""


class Used(Record):
    """That a value was used, and by which lot or order."""

    by: Hash


class BatchRow(Record):
    """The lot that a batch root is, or was last, sealed in; ``dead`` roots are never listed again."""

    lot_id: Hash
    dead: bool


class Beacon(Record):
    """What chooses the previews of the lots anchored at one height: ``hash`` of the block after it, empty until known.
    The row goes away with the last of its ``waiting`` lots."""

    hash: bytes
    waiting: Uint


class Totals(Record):
    """Counters that keep ``pending`` and the audit of the escrow at constant cost."""

    anchored: Uint = 0
    open_orders: Uint = 0
    escrow: Uint = 0


LOTS: Table[LotRow] = Table("market.lots", LotRow)
ORDERS: Table[OrderRow] = Table("market.orders", OrderRow)
USED_OBJECTS: Table[Used] = Table("market.used_objects", Used)
USED_POINTS: Table[Used] = Table("market.used_points", Used)
BATCHES: Table[BatchRow] = Table("market.batches", BatchRow)
BEACONS: Table[Beacon] = Table("market.beacons", Beacon)
TOTALS: Table[Totals] = Table("market.totals", Totals)
