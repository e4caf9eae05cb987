"""The life of a lot: anchored, its preview opened, listed, gone (protocols.md 2)."""

from __future__ import annotations

import msgspec

from chain.contracts.market import errors as refused
from chain.contracts.market.ids import lot_id_of, preview_indices
from chain.contracts.market.rows import (
    ANCHORED,
    BATCHES,
    BEACONS,
    DEAD,
    GONE,
    LISTED,
    LOTS,
    TOTALS,
    USED_OBJECTS,
    USED_POINTS,
    BatchRow,
    Beacon,
    ExpireLot,
    LotRow,
    OpenPreview,
    PreviewExpire,
    Publish,
    Reprice,
    Totals,
    Unlist,
    Used,
)
from chain.contracts.market.terms import term
from chain.core.merkle import leaf_hash, verify_path
from chain.core.state import State
from chain.core.types import Context, Event
from chain.crypto.lot_format import CHUNKS_MIN
from chain.crypto.secp256k1 import is_point

# Fewest votes behind each label: a quorum of the smallest home that may bear it.
LABEL_VOTERS = {"self-attested": 0, "pair-checked": 2, "majority-checked": 2, "bft-verified": 3}
_TOTALS_KEY = b""
_NO_KEY = bytes(32)


def totals(state: State) -> Totals:
    """The market's counters."""
    return state.get(TOTALS, _TOTALS_KEY) or Totals()


def totals_add(state: State, *, anchored: int = 0, open_orders: int = 0, escrow: int = 0) -> None:
    """Change the counters by these amounts."""
    old = totals(state)
    new = Totals(
        anchored=old.anchored + anchored, open_orders=old.open_orders + open_orders, escrow=old.escrow + escrow
    )
    state.put(TOTALS, _TOTALS_KEY, new)


def lot_get(state: State, lot_id: bytes) -> LotRow:
    """A lot by its id; raises ``LotUnknown``."""
    lot = state.get(LOTS, lot_id)
    if lot is None:
        raise refused.LotUnknown
    return lot


def height_key(height: int) -> bytes:
    """The key of a height's row in ``BEACONS``."""
    return height.to_bytes(8, "big")


def publish(ctx: Context, state: State, args: Publish) -> tuple[Event, ...]:
    """Anchor a digest under the sender's payee key. The preview's window starts now."""
    lot_id = lot_id_of(ctx.sender_key)
    _require_digest(ctx, args)
    _require_fresh(state, lot_id, args)
    lot = LotRow(
        digest=args,
        payee_key=ctx.sender_key,
        payee=ctx.sender,
        status=ANCHORED,
        price=args.price,
        anchored_height=ctx.height,
        anchored_ms=ctx.time_ms,
        preview_until_ms=ctx.time_ms + term(ctx, "preview_ms"),
    )
    used = Used(by=lot_id)
    state.put(LOTS, lot_id, lot)
    state.put(USED_OBJECTS, args.object_id, used)
    state.put(USED_POINTS, args.key_point, used)
    state.put(BATCHES, args.batch_root, BatchRow(lot_id=lot_id, dead=False))
    key = height_key(ctx.height)
    beacon = state.get(BEACONS, key)
    state.put(BEACONS, key, Beacon(hash=b"", waiting=beacon.waiting + 1 if beacon else 1))
    totals_add(state, anchored=1)
    return (_event("lot.anchored", lot_id, lot),)


def begin_block(ctx: Context, state: State) -> None:
    """Keep the previous block's hash if lots were anchored in the block before it: it chooses their previews."""
    if ctx.height < 3:
        return
    key = height_key(ctx.height - 2)
    beacon = state.get(BEACONS, key)
    if beacon is not None:
        state.put(BEACONS, key, Beacon(hash=ctx.previous, waiting=beacon.waiting))


def open_preview(ctx: Context, state: State, args: OpenPreview) -> tuple[Event, ...]:
    """Open the chosen chunk keys of the sender's lot. Right keys list it; a wrong one kills it and its batch root.

    Wrong indices, or too many or few, are refused and may be sent again in the window: they are no evidence.
    """
    lot_id = lot_id_of(ctx.sender_key)
    lot = _anchored(state, lot_id)
    if ctx.time_ms > lot.preview_until_ms:
        raise refused.PreviewClosed
    chosen = _chosen(ctx, state, lot_id, lot)
    if tuple(opened.index for opened in args.keys) != chosen:
        raise refused.PreviewIndicesWrong
    count, root = lot.digest.chunk_count, lot.digest.key_root
    if not all(verify_path(leaf_hash(key.key), key.index, count, key.path, root) for key in args.keys):
        return _kill(state, lot_id, lot)
    _leave_anchored(state, lot)
    opened = tuple((key.index, key.key) for key in args.keys)
    lot = msgspec.structs.replace(lot, status=LISTED, opened=opened)
    state.put(LOTS, lot_id, lot)
    return (_event("lot.listed", lot_id, lot),)


def preview_expire(ctx: Context, state: State, args: PreviewExpire) -> tuple[Event, ...]:
    """Anyone ends a lot whose preview was not opened in time; its batch root is dead."""
    lot = _anchored(state, args.lot_id)
    if ctx.time_ms <= lot.preview_until_ms:
        raise refused.PreviewStillOpen
    return _kill(state, args.lot_id, lot)


def reprice(ctx: Context, state: State, args: Reprice) -> tuple[Event, ...]:
    """A new price for the sender's lot; open orders keep theirs."""
    lot_id, lot = _listed_of_sender(ctx, state)
    if args.price < 1:
        raise refused.PriceInvalid
    lot = msgspec.structs.replace(lot, price=args.price)
    state.put(LOTS, lot_id, lot)
    return (_event("lot.repriced", lot_id, lot),)


def unlist(ctx: Context, state: State, args: Unlist) -> tuple[Event, ...]:
    """The seller takes its lot off the market; open orders finish."""
    lot_id, lot = _listed_of_sender(ctx, state)
    return _retire(state, lot_id, lot)


def expire_lot(ctx: Context, state: State, args: ExpireLot) -> tuple[Event, ...]:
    """Anyone takes a lot off the market after its time; open orders finish."""
    lot = lot_get(state, args.lot_id)
    if lot.status != LISTED:
        raise refused.LotNotListed
    if ctx.time_ms < lot.digest.expires_ms:
        raise refused.LotNotExpired
    return _retire(state, args.lot_id, lot)


def batch_kill(state: State, lot: LotRow) -> None:
    """Bar the lot's batch root from the market for good."""
    state.put(BATCHES, lot.digest.batch_root, BatchRow(lot_id=lot.lot_id, dead=True))


def _require_digest(ctx: Context, args: Publish) -> None:
    if not CHUNKS_MIN <= args.chunk_count <= term(ctx, "max_chunks"):
        raise refused.ChunkCountInvalid
    if args.record_count < 1 or args.size_bytes < 1:
        raise refused.LotEmpty
    if args.period_end_ms <= args.period_start_ms:
        raise refused.PeriodInvalid
    if args.price < 1:
        raise refused.PriceInvalid
    if args.voters < LABEL_VOTERS[args.label]:
        raise refused.LabelInvalid
    if args.expires_ms <= ctx.time_ms:
        raise refused.ExpiryPast
    if args.hpke_key == _NO_KEY:
        raise refused.SealKeyInvalid
    if not is_point(args.key_point):
        raise refused.PointInvalid


def _require_fresh(state: State, lot_id: bytes, args: Publish) -> None:
    if state.get(LOTS, lot_id) is not None:
        raise refused.PayeeUsed
    if state.get(USED_OBJECTS, args.object_id) is not None:
        raise refused.ObjectUsed
    if state.get(USED_POINTS, args.key_point) is not None:
        raise refused.PointUsed
    batch = state.get(BATCHES, args.batch_root)
    if batch is not None:
        raise refused.BatchDead if batch.dead else refused.BatchOnSale


def _anchored(state: State, lot_id: bytes) -> LotRow:
    lot = lot_get(state, lot_id)
    if lot.status != ANCHORED:
        raise refused.LotNotAnchored
    return lot


def _listed_of_sender(ctx: Context, state: State) -> tuple[bytes, LotRow]:
    lot_id = lot_id_of(ctx.sender_key)
    lot = lot_get(state, lot_id)
    if lot.status != LISTED:
        raise refused.LotNotListed
    return lot_id, lot


def _chosen(ctx: Context, state: State, lot_id: bytes, lot: LotRow) -> tuple[int, ...]:
    beacon = state.get(BEACONS, height_key(lot.anchored_height))
    if beacon is None or not beacon.hash:
        raise refused.BeaconPending
    return preview_indices(beacon.hash, lot_id, lot.digest.chunk_count, term(ctx, "preview_chunks"))


def _leave_anchored(state: State, lot: LotRow) -> None:
    key = height_key(lot.anchored_height)
    beacon = state.get(BEACONS, key)
    if beacon is not None and beacon.waiting > 1:
        state.put(BEACONS, key, Beacon(hash=beacon.hash, waiting=beacon.waiting - 1))
    else:
        state.delete(BEACONS, key)
    totals_add(state, anchored=-1)


def _kill(state: State, lot_id: bytes, lot: LotRow) -> tuple[Event, ...]:
    _leave_anchored(state, lot)
    batch_kill(state, lot)
    lot = msgspec.structs.replace(lot, status=DEAD)
    state.put(LOTS, lot_id, lot)
    return (_event("lot.dead", lot_id, lot),)


def _retire(state: State, lot_id: bytes, lot: LotRow) -> tuple[Event, ...]:
    state.delete(BATCHES, lot.digest.batch_root)
    lot = msgspec.structs.replace(lot, status=GONE)
    state.put(LOTS, lot_id, lot)
    return (_event("lot.gone", lot_id, lot),)


def _event(kind: str, lot_id: bytes, lot: LotRow) -> Event:
    return Event(kind=kind, subjects=(lot_id, lot.payee))
