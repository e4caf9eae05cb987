"""Sealing a lot, checking its object, and opening it (protocols.md 2; the key schedule is chain.crypto.lot_format).

The stored object::

    "HLT1" | chunk count | manifest chunk's bytes | data chunk's bytes     4 bytes each, big endian
    cipher leaves (n) | plain leaves (n-1) | key leaves (n)                32 bytes each
    chunk 0 (the manifest) | chunk 1 | ... | chunk n-1

Data chunks are of one length; the manifest, whose place everybody knows, is padded for itself. Whoever has the first
bytes can check the lists, fetch any chunk by range, and check it alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chain.contracts.market.rows import Publish
from chain.core.merkle import leaf_hash, root
from chain.crypto.aead import DecryptFailed
from chain.crypto.hpke import hpke_keypair
from chain.crypto.kdf import hkdf
from chain.crypto.lot_format import (
    CHUNKS_MIN,
    PLAINTEXT_MAX_BYTES,
    TAG_BYTES,
    chunk_key,
    chunk_open,
    chunk_salt,
    chunk_seal,
    lot_id_of,
    lot_key,
    plain_item,
)
from chain.crypto.secp256k1 import ORDER, point_mul_base
from chain.exchange.errors import (
    BadChunk,
    BadKeyList,
    ChunkAltered,
    ChunkCountWrong,
    ChunksInvalid,
    CipherListWrong,
    KeyListWrong,
    ManifestTooLarge,
    ObjectMalformed,
    PlainListWrong,
    PreviewKeyWrong,
    SecretWrong,
)
from chain.exchange.rows import padded, plain_leaves, unpadded

MAGIC = b"HLT1"
HEAD_BYTES = 16
HASH_BYTES = 32
_MAX_CHUNKS = 2**20


@dataclass(frozen=True, slots=True)
class LotSecrets:
    """All that a hub needs to seal and deliver a lot, derived anew whenever it is needed.

    ``secret`` is s, ``point`` S = sG, ``key`` K; ``object_id`` is where the lot is stored. The text shows no secret.
    """

    lot_id: bytes
    payee_key: bytes
    point: bytes
    hpke_public: bytes
    object_id: bytes
    secret: bytes = field(repr=False)
    key: bytes = field(repr=False)
    hpke_secret: bytes = field(repr=False)

    @classmethod
    def derive(cls, cloud_secret: bytes, payee_key: bytes) -> LotSecrets:
        """The secrets of the lot whose payee has this 33-byte public key, from the hub's 32-byte cloud secret."""
        lot_id = lot_id_of(payee_key)
        secret = scalar_of(hkdf(cloud_secret, b"hearth/lot-scalar" + lot_id, 48))
        hpke_secret, hpke_public = hpke_keypair(hkdf(cloud_secret, b"hearth/lot-hpke" + lot_id))
        return cls(
            lot_id=lot_id,
            payee_key=payee_key,
            point=point_mul_base(secret),
            hpke_public=hpke_public,
            object_id=hkdf(cloud_secret, b"hearth/lot-object" + lot_id),
            secret=secret,
            key=lot_key(secret, lot_id),
            hpke_secret=hpke_secret,
        )


@dataclass(frozen=True, slots=True)
class SealedLot:
    """A sealed object and what its digest says of it."""

    object_bytes: bytes = field(repr=False)
    cipher_root: bytes
    plain_root: bytes
    key_root: bytes
    manifest_hash: bytes
    chunk_count: int


@dataclass(frozen=True, slots=True)
class LotObject:
    """A stored object taken apart. ``chunk_area`` may be empty when only the first bytes were fetched."""

    chunk_count: int
    manifest_bytes: int
    chunk_bytes: int
    cipher_leaves: tuple[bytes, ...]
    plain_leaves: tuple[bytes, ...]
    key_leaves: tuple[bytes, ...]
    chunk_area: memoryview = field(repr=False)

    def span(self, index: int) -> tuple[int, int]:
        """Where chunk ``index`` lies in the stored object: first byte, and the one after the last."""
        base = lists_end(self.chunk_count)
        if index == 0:
            return base, base + self.manifest_bytes
        start = base + self.manifest_bytes + (index - 1) * self.chunk_bytes
        return start, start + self.chunk_bytes

    def chunk(self, index: int) -> bytes:
        """The sealed bytes of a chunk; raises ``ObjectMalformed`` if there is no such chunk here."""
        start, end = (position - lists_end(self.chunk_count) for position in self.span(index))
        if not 0 <= index < self.chunk_count or end > len(self.chunk_area):
            raise ObjectMalformed
        return bytes(self.chunk_area[start:end])


@dataclass(frozen=True, slots=True)
class OpenedLot:
    """The manifest's bytes and the padded plaintexts of chunks 1.., all checked against the digest."""

    manifest: bytes
    chunks: list[bytes] = field(repr=False)


def scalar_of(wide: bytes) -> bytes:
    """A scalar 1..N-1 from 48 uniformly random bytes, with a bias below 2^-127 (as FIPS 186-5, A.2.1)."""
    if len(wide) != 48:
        raise ValueError("a scalar is made from 48 bytes")
    return (int.from_bytes(wide, "big") % (ORDER - 1) + 1).to_bytes(32, "big")


def batch_seed(cloud_secret: bytes, batch_id: bytes) -> bytes:
    """The 32-byte seed of a batch: voters get it, buyers do not; noise and batch roots come from it."""
    return hkdf(cloud_secret, b"hearth/batch-seed" + batch_id)


def salts(secrets: LotSecrets, chunk_count: int) -> list[bytes]:
    """The salts of chunks 1..chunk_count-1: voters recompute ``plain_root`` from them, and no key follows from them."""
    return [chunk_salt(chunk_key(secrets.key, index)) for index in range(1, chunk_count)]


def lists_end(chunk_count: int) -> int:
    """How many bytes of an object the head and the three lists take."""
    return HEAD_BYTES + HASH_BYTES * (3 * chunk_count - 1)


def seal_lot(secrets: LotSecrets, manifest: bytes, data_chunks: Sequence[bytes]) -> SealedLot:
    """Seal a manifest and padded data chunks (``rows.data_chunks``). The same input gives the same object.

    Raises ``ChunksInvalid`` for too few, too long or unequal chunks, ``ManifestTooLarge``.
    """
    count = len(data_chunks) + 1
    sizes = {len(chunk) for chunk in data_chunks}
    if count < CHUNKS_MIN or count > _MAX_CHUNKS or len(sizes) != 1 or max(sizes) > PLAINTEXT_MAX_BYTES:
        raise ChunksInvalid
    try:
        plaintexts = [*padded([manifest]), *data_chunks]
    except ChunksInvalid:
        raise ManifestTooLarge from None
    keys = [chunk_key(secrets.key, index) for index in range(count)]
    sealed = [chunk_seal(keys[i], secrets.lot_id, i, plaintexts[i]) for i in range(count)]
    cipher_leaves = [leaf_hash(chunk) for chunk in sealed]
    leaves = plain_leaves([chunk_salt(key) for key in keys], plaintexts)
    key_leaves = [leaf_hash(key) for key in keys]
    head = MAGIC + b"".join(number.to_bytes(4, "big") for number in (count, len(sealed[0]), len(sealed[1])))
    return SealedLot(
        object_bytes=b"".join([head, *cipher_leaves, *leaves[1:], *key_leaves, *sealed]),
        cipher_root=root(cipher_leaves),
        plain_root=root(leaves[1:]),
        key_root=root(key_leaves),
        manifest_hash=leaves[0],
        chunk_count=count,
    )


def object_parse(data: bytes) -> LotObject:
    """Take an object, or its first bytes up to the end of the lists, apart. Raises ``ObjectMalformed``."""
    view = memoryview(data)
    count, manifest_bytes, chunk_bytes = (int.from_bytes(view[at : at + 4], "big") for at in (4, 8, 12))
    if bytes(view[:4]) != MAGIC or not CHUNKS_MIN <= count <= _MAX_CHUNKS or len(view) < lists_end(count):
        raise ObjectMalformed
    if not all(TAG_BYTES < size <= PLAINTEXT_MAX_BYTES + TAG_BYTES for size in (manifest_bytes, chunk_bytes)):
        raise ObjectMalformed
    leaves = [bytes(view[at : at + HASH_BYTES]) for at in range(HEAD_BYTES, lists_end(count), HASH_BYTES)]
    return LotObject(
        chunk_count=count,
        manifest_bytes=manifest_bytes,
        chunk_bytes=chunk_bytes,
        cipher_leaves=tuple(leaves[:count]),
        plain_leaves=tuple(leaves[count : 2 * count - 1]),
        key_leaves=tuple(leaves[2 * count - 1 :]),
        chunk_area=view[lists_end(count) :],
    )


def lists_check(lot: LotObject, digest: Publish) -> None:
    """Check that the three lists are those that the digest commits to. Raises a ``LotFault`` that says which is not."""
    if lot.chunk_count != digest.chunk_count:
        raise ChunkCountWrong
    if root(lot.cipher_leaves) != digest.cipher_root:
        raise CipherListWrong
    if root(lot.plain_leaves) != digest.plain_root:
        raise PlainListWrong
    if root(lot.key_leaves) != digest.key_root:
        raise KeyListWrong


def object_check(lot: LotObject, digest: Publish) -> None:
    """What a buyer checks before paying: the lists, the size, and that every stored chunk is its leaf.

    Then a lot that does not open proves the seller's fault, and the complaint will be upheld. Raises a ``LotFault``.
    """
    lists_check(lot, digest)
    if lot.span(lot.chunk_count - 1)[1] != lists_end(lot.chunk_count) + len(lot.chunk_area):
        raise ObjectMalformed
    for index, leaf in enumerate(lot.cipher_leaves):
        if leaf_hash(lot.chunk(index)) != leaf:
            raise ChunkAltered(index)


def open_lot(lot: LotObject, digest: Publish, payee_key: bytes, secret: bytes) -> OpenedLot:
    """Open all chunks with s. ``lot`` has passed ``object_check``.

    Raises ``SecretWrong``, ``BadKeyList`` (then ``complaint_key``) or ``BadChunk`` (then ``complaint_chunk``).
    """
    plaintexts = list(open_chunks(lot, digest, payee_key, secret))
    return OpenedLot(manifest=unpadded(plaintexts[0]), chunks=plaintexts[1:])


def open_chunks(lot: LotObject, digest: Publish, payee_key: bytes, secret: bytes) -> Iterator[bytes]:
    """As ``open_lot``, one padded plaintext after the other, the manifest first: for lots too large to hold twice."""
    if point_mul_base(secret) != digest.key_point:
        raise SecretWrong
    lot_id = lot_id_of(payee_key)
    key = lot_key(secret, lot_id)
    keys = [chunk_key(key, index) for index in range(lot.chunk_count)]
    for index, leaf in enumerate(lot.key_leaves):
        if leaf_hash(keys[index]) != leaf:
            raise BadKeyList(index)
    for index in range(lot.chunk_count):
        yield _open_checked(lot, digest, lot_id, index, keys[index])


def open_preview(
    lot: LotObject, digest: Publish, payee_key: bytes, opened: Sequence[tuple[int, bytes]]
) -> list[tuple[int, bytes]]:
    """The padded plaintexts of the chunks whose keys the preview published, as ``(index, plaintext)``.

    ``lot`` has passed ``lists_check``. Raises ``PreviewKeyWrong`` or ``BadChunk``.
    """
    found = []
    for index, key in opened:
        if not 0 < index < lot.chunk_count or leaf_hash(key) != lot.key_leaves[index]:
            raise PreviewKeyWrong(index)
        if leaf_hash(lot.chunk(index)) != lot.cipher_leaves[index]:
            raise ChunkAltered(index)
        found.append((index, _open_checked(lot, digest, lot_id_of(payee_key), index, key)))
    return found


def _open_checked(lot: LotObject, digest: Publish, lot_id: bytes, index: int, key: bytes) -> bytes:
    try:
        plaintext = chunk_open(key, lot_id, index, lot.chunk(index))
    except DecryptFailed:
        raise BadChunk(index) from None
    expected = digest.manifest_hash if index == 0 else lot.plain_leaves[index - 1]
    if leaf_hash(plain_item(chunk_salt(key), plaintext)) != expected:
        raise BadChunk(index)
    return plaintext
