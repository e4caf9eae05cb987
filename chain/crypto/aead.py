"""AES-256-GCM (NIST SP 800-38D), the one cipher of Hearth's lots, keystores and sealed boxes."""

from __future__ import annotations

from Crypto.Cipher import AES

from marketplace.common.errors import InputError, IntegrityFault

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class DecryptFailed(IntegrityFault):
    """Wrong key, wrong associated data, or changed bytes: the cipher can't say which."""

    code = "decrypt_failed"
    title = "The sealed data can't be opened with this key"


class KeyMaterialInvalid(InputError):
    """A key, nonce, salt or seed has the wrong length or form."""

    code = "key_material_invalid"
    title = "A key or nonce has the wrong form"


def seal(key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Encrypt under a 32-byte key and a 12-byte nonce; returns ciphertext followed by the 16-byte tag.

    A pair of key and nonce must never seal two plaintexts. Raises ``KeyMaterialInvalid``.
    """
    cipher = AES.new(_key(key), AES.MODE_GCM, nonce=_nonce(nonce), mac_len=TAG_BYTES)
    cipher.update(aad)
    ciphertext, tag = cipher.encrypt_and_digest(plaintext)
    return ciphertext + tag


def open_(key: bytes, nonce: bytes, data: bytes, aad: bytes) -> bytes:
    """Undo ``seal``. Raises ``DecryptFailed`` when the tag does not match, ``KeyMaterialInvalid`` for a bad key."""
    cipher = AES.new(_key(key), AES.MODE_GCM, nonce=_nonce(nonce), mac_len=TAG_BYTES)
    if len(data) < TAG_BYTES:
        raise DecryptFailed("The sealed data is shorter than its tag")
    cipher.update(aad)
    try:
        return cipher.decrypt_and_verify(data[:-TAG_BYTES], data[-TAG_BYTES:])
    except ValueError:
        raise DecryptFailed() from None


def _key(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise KeyMaterialInvalid(f"An AES-256 key has {KEY_BYTES} bytes, not {len(key)}")
    return key


def _nonce(nonce: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES:
        raise KeyMaterialInvalid(f"A GCM nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    return nonce
