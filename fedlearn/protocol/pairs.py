"""What two neighbours know together: the keys of their boxes, the shares they need not send, the seed of their mask.

Of an owner's shares, those at the points 1..threshold-1 are not sent. Owner and holder derive them by HKDF from the
agreement of their sealing keys, as values that nobody else can tell from random ones; the owner's polynomial goes
through them and its secret (``shamir.extend``). Only the shares from the point ``threshold`` on travel, sealed. That
halves what a hub sends for its shares (docs/adr/0080).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chain.crypto.aead import DecryptFailed
from chain.crypto.boxes import BOX_OVERHEAD_BYTES, box_open, box_seal
from chain.crypto.x25519 import X25519Secret
from fedlearn.protocol.shamir import SHARE_BYTES, extend

PAIR_BYTES = 2 * SHARE_BYTES
BOX_BYTES = PAIR_BYTES + BOX_OVERHEAD_BYTES
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Pair:
    """64 secret bytes for each direction: the two shares if they are derived, else a box's key in the first 32."""

    outgoing: bytes
    incoming: bytes


def pair_of(mine: X25519Secret, theirs: bytes, round_id: bytes) -> Pair:
    """What this hub and a neighbour derive from their sealing keys. Raises ``KeyMaterialInvalid``."""
    both = mine.derive(theirs, b"hearth/secagg/pair/1" + round_id, 2 * PAIR_BYTES)
    first, second = both[:PAIR_BYTES], both[PAIR_BYTES:]
    return Pair(first, second) if mine.public < theirs else Pair(second, first)


def mask_seed(mine: X25519Secret, theirs: bytes, round_id: bytes) -> bytes:
    """The 32-byte seed of the mask between two mask keys. Raises ``KeyMaterialInvalid``."""
    return mine.derive(theirs, b"hearth/secagg/mask/1" + round_id)


def shares_make(seed: bytes, key: bytes, outgoing: Sequence[bytes], threshold: int) -> tuple[bytes, bytes]:
    """The boxes for the holders at the points threshold..k, and this hub's own share of its seed, at the point k + 1.

    ``outgoing`` are the pairs' outgoing bytes for the holders at the points 1..k. Raises ``OverflowError`` with a
    chance below 2^-238: then the round goes on without this hub.
    """
    derived = outgoing[: threshold - 1]
    seeds = extend(seed, [part[:SHARE_BYTES] for part in derived], len(outgoing) + 1)
    keys = extend(key, [part[SHARE_BYTES:] for part in derived], len(outgoing) + 1)
    sealed = [
        box_seal(secret[:_KEY_BYTES], seed_share + key_share, b"")
        for secret, seed_share, key_share in zip(outgoing[threshold - 1 :], seeds, keys, strict=False)
    ]
    return b"".join(sealed), seeds[-1]


def held_of(incoming: bytes, point: int, threshold: int, box: bytes) -> bytes:
    """The seed's and the key's share (32 bytes each) that this hub holds of an owner; empty if the box can't be opened.

    ``point`` is that of the owner's share here; below ``threshold`` the shares are derived and there is no box.
    """
    if point < threshold:
        return incoming
    try:
        return box_open(incoming[:_KEY_BYTES], box, b"")
    except DecryptFailed:
        return b""
