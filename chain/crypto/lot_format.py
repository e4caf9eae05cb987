"""How the parts of a sealed lot are derived from its secret (protocols.md 2): one page for the sealer and the contract.

A lot has a secret scalar ``s`` and ``chunk_count`` chunks. Chunk 0 is the manifest, chunks 1.. hold the data::

    lot id  = SHA-256("hearth/lot" | payee public key)
    K       = HKDF(s, "hearth/lot" | lot id)
    k_i     = HKDF(K, "chunk" | i)             i as 4 bytes, big endian
    salt_i  = HKDF(k_i, "salt")
    chunk_i = AES-256-GCM(k_i, nonce of zeros, plaintext_i, aad = lot id | i)

Each key seals exactly one chunk, so the nonce may be constant. The leaves of the trees are RFC 6962 leaf hashes of
these items: ``cipher_root`` of chunk_i and ``key_root`` of k_i, both over all chunks; ``plain_root`` of
salt_i | plaintext_i for i = 1..., so that leaf i - 1 belongs to chunk i; the manifest's own leaf hash of
salt_0 | plaintext_0 stands beside them. ``plaintext_i`` is what was sealed, its padding included.
"""

from __future__ import annotations

from chain.crypto.aead import open_, seal
from chain.crypto.hashing import tagged
from chain.crypto.kdf import hkdf

CHUNKS_MIN = 32
PLAINTEXT_MAX_BYTES = 64 * 1024
TAG_BYTES = 16
CHUNK_MAX_BYTES = PLAINTEXT_MAX_BYTES + TAG_BYTES
NONCE = bytes(12)


def lot_id_of(payee_key: bytes) -> bytes:
    """The 32-byte id of the lot whose payee has the 33-byte public key ``payee_key``."""
    return tagged("hearth/lot", payee_key)


def index_bytes(index: int) -> bytes:
    """A chunk's index as 4 bytes, big endian."""
    return index.to_bytes(4, "big")


def lot_key(secret: bytes, lot_id: bytes) -> bytes:
    """K of a lot, from its 32-byte secret scalar ``s``."""
    return hkdf(secret, b"hearth/lot" + lot_id)


def chunk_key(key: bytes, index: int) -> bytes:
    """k_i, from the lot's key K."""
    return hkdf(key, b"chunk" + index_bytes(index))


def chunk_salt(key_i: bytes) -> bytes:
    """salt_i, from k_i."""
    return hkdf(key_i, b"salt")


def chunk_aad(lot_id: bytes, index: int) -> bytes:
    """What a chunk is bound to: the lot and its place in it (36 bytes)."""
    return lot_id + index_bytes(index)


def chunk_seal(key_i: bytes, lot_id: bytes, index: int, plaintext: bytes) -> bytes:
    """Ciphertext and 16-byte tag of one padded plaintext."""
    return seal(key_i, NONCE, plaintext, chunk_aad(lot_id, index))


def chunk_open(key_i: bytes, lot_id: bytes, index: int, chunk: bytes) -> bytes:
    """The padded plaintext of a chunk; raises ``DecryptFailed`` when key, place or bytes are not the sealed ones."""
    return open_(key_i, NONCE, chunk, chunk_aad(lot_id, index))


def plain_item(salt: bytes, plaintext: bytes) -> bytes:
    """The item whose leaf hash stands in ``plain_root`` (or is the manifest's hash)."""
    return salt + plaintext
