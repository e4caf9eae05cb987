"""Complaints of a buyer who holds the key and finds that the lot is not what its digest says (protocols.md 3).

Both are proofs: a false complaint is refused and changes nothing. A complaint publishes one chunk with its key, or s.
Roots whose lists have fewer leaves than ``chunk_count`` can't be shown here, which is why the stored object begins with
the lists, and the buyer checks them before it pays.
"""

from __future__ import annotations

import msgspec

from chain.contracts.market import errors as refused
from chain.contracts.market.lots import lot_get
from chain.contracts.market.orders import burn, delivered_of_buyer, refund
from chain.contracts.market.rows import (
    OUTCOME_BAD_CHUNK,
    OUTCOME_BAD_KEYS,
    ComplainChunk,
    ComplainKey,
    LotRow,
    OrderRow,
    Publish,
)
from chain.core.merkle import leaf_hash, verify_path
from chain.core.state import State
from chain.core.types import Context, Event
from chain.crypto.aead import DecryptFailed
from chain.crypto.lot_format import chunk_key, chunk_open, chunk_salt, lot_key, plain_item
from chain.crypto.secp256k1 import is_scalar, point_mul_base


def complain_chunk(ctx: Context, state: State, args: ComplainChunk) -> tuple[Event, ...]:
    """The key is the lot's and the chunk is the lot's, but it does not open to the plaintext of the digest."""
    order, lot = _in_complaint_time(ctx, state, args.order_id)
    digest = lot.digest
    if args.index >= digest.chunk_count:
        raise refused.ComplaintIndexInvalid
    if not verify_path(leaf_hash(args.key), args.index, digest.chunk_count, args.key_path, digest.key_root):
        raise refused.KeyNotInLot
    if not verify_path(leaf_hash(args.chunk), args.index, digest.chunk_count, args.cipher_path, digest.cipher_root):
        raise refused.ChunkNotInLot
    if _chunk_is_honest(lot, args):
        raise refused.ChunkHonest
    return refund(state, order, msgspec.structs.replace(lot, disputes=lot.disputes + 1), OUTCOME_BAD_CHUNK)


def complain_key(ctx: Context, state: State, args: ComplainKey) -> tuple[Event, ...]:
    """The secret is the lot's, but a key derived from it is not the one that ``key_root`` has: the lot is burnt."""
    order, lot = _in_complaint_time(ctx, state, args.order_id)
    digest = lot.digest
    if args.index >= digest.chunk_count:
        raise refused.ComplaintIndexInvalid
    if not is_scalar(args.secret):
        raise refused.ScalarInvalid
    if point_mul_base(args.secret) != digest.key_point:
        raise refused.SecretNotOfLot
    if not verify_path(args.key_leaf, args.index, digest.chunk_count, args.path, digest.key_root):
        raise refused.KeyNotInLot
    derived = chunk_key(lot_key(args.secret, order.lot_id), args.index)
    if leaf_hash(derived) == args.key_leaf:
        raise refused.KeyHonest
    own = refund(state, order, msgspec.structs.replace(lot, disputes=lot.disputes + 1), OUTCOME_BAD_KEYS)
    return own + burn(state, lot_get(state, order.lot_id))


def _in_complaint_time(ctx: Context, state: State, order_id: bytes) -> tuple[OrderRow, LotRow]:
    order = delivered_of_buyer(ctx, state, order_id)
    if ctx.time_ms > order.deadline_ms:
        raise refused.DeadlinePassed
    return order, lot_get(state, order.lot_id)


def _chunk_is_honest(lot: LotRow, args: ComplainChunk) -> bool:
    try:
        plaintext = chunk_open(args.key, lot.lot_id, args.index, args.chunk)
    except DecryptFailed:
        return False
    return leaf_hash(plain_item(chunk_salt(args.key), plaintext)) == _promised_leaf(lot.digest, args)


def _promised_leaf(digest: Publish, args: ComplainChunk) -> bytes:
    """The leaf that the digest has for this chunk; raises ``PlainLeafNotInLot`` unless the complaint proves it."""
    if args.index == 0:
        return digest.manifest_hash
    leaves = digest.chunk_count - 1
    if not verify_path(args.plain_leaf, args.index - 1, leaves, args.plain_path, digest.plain_root):
        raise refused.PlainLeafNotInLot
    return args.plain_leaf
