"""Keys from secrets: HKDF (RFC 5869) for strong ones, scrypt (RFC 7914) for passphrases.

HKDF is cryptography's (6 microseconds, pycryptodome's takes 70): hubs and voters derive two values for each chunk.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAX_HKDF_BYTES = 255 * 32


def hkdf(secret: bytes, info: bytes, length: int = 32, salt: bytes = b"") -> bytes:
    """HKDF-SHA256 of a strong secret: extract with ``salt``, expand with ``info`` to ``length`` bytes.

    ``info`` separates the uses of one secret. Raises ``ValueError`` for a length outside 1..8160.
    """
    if not 1 <= length <= MAX_HKDF_BYTES:
        raise ValueError(f"HKDF-SHA256 gives 1 to {MAX_HKDF_BYTES} bytes, not {length}")
    return HKDF(SHA256(), length, salt or None, info).derive(secret)


def scrypt_key(passphrase: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    """A 32-byte key from a passphrase; costs about 128 * n * r bytes of memory.

    ``n`` is a power of two. Raises ``ValueError`` for parameters that scrypt does not know.
    """
    memory_bytes = 128 * r * (n + p + 2)
    return hashlib.scrypt(passphrase, salt=salt, n=n, r=r, p=p, maxmem=memory_bytes + 2**20, dklen=32)
