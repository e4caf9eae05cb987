"""Where secrets rest: the owner's keystore under a passphrase, and boxes under the node's key.

A keystore is JSON: scrypt (RFC 7914) turns the passphrase into a key, AES-256-GCM seals the secret, and the parameters
are associated data. Its checksum lets a damaged file be told from a wrong passphrase; it covers public parts only.
"""

from __future__ import annotations

import msgspec

from chain.crypto.aead import NONCE_BYTES, DecryptFailed, open_, seal
from chain.crypto.hashing import sha256
from chain.crypto.kdf import hkdf, scrypt_key
from marketplace.common.errors import InputError, IntegrityFault

VERSION = 1
MIN_N = 2**15
MAX_N = 2**20
SCRYPT_R = 8
SCRYPT_P = 1
SALT_BYTES = 32
MIN_PASSPHRASE = 8
_BOX_VERSION = b"\x01"


class WrongPassphrase(InputError):
    """The keystore is whole, but the passphrase does not open it."""

    code = "wrong_passphrase"
    title = "The passphrase does not open the wallet"


class WeakPassphrase(InputError):
    """The passphrase is too short to protect a wallet."""

    code = "weak_passphrase"
    title = f"A passphrase has at least {MIN_PASSPHRASE} characters"


class KeystoreDamaged(IntegrityFault):
    """The keystore's bytes changed, or are no keystore."""

    code = "keystore_damaged"
    title = "The wallet's file is damaged"
    hint = "Restore the wallet from its words."


class BoxDamaged(IntegrityFault):
    """A sealed box was changed, belongs elsewhere, or was sealed under another node key."""

    code = "box_damaged"
    title = "A sealed secret can't be opened with this node's key"


class Keystore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON form; byte strings are hex. ``check`` is the SHA-256 of all the other fields."""

    version: int
    n: int
    r: int
    p: int
    salt: str
    nonce: str
    data: str
    check: str
    kdf: str = "scrypt"
    cipher: str = "aes-256-gcm"


def keystore_seal(secret: bytes, passphrase: str, *, salt: bytes, nonce: bytes, n: int = MIN_N) -> str:
    """Seal a secret under a passphrase; ``salt`` (32 bytes) and ``nonce`` (12 bytes) are fresh random bytes.

    ``n`` is scrypt's cost, a power of two from 2^15 to 2^20. Raises ``WeakPassphrase`` or ``InputError``.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise WeakPassphrase
    if len(salt) != SALT_BYTES or not _cost_is_sane(n):
        raise InputError("The keystore's salt or cost is out of range")
    key = scrypt_key(passphrase.encode(), salt, n, SCRYPT_R, SCRYPT_P)
    data = seal(key, nonce, secret, _bound(n, SCRYPT_R, SCRYPT_P, salt))
    store = Keystore(VERSION, n, SCRYPT_R, SCRYPT_P, salt.hex(), nonce.hex(), data.hex(), check="")
    return msgspec.json.encode(msgspec.structs.replace(store, check=_checksum(store))).decode()


def keystore_open(text: str, passphrase: str) -> bytes:
    """Undo ``keystore_seal``. Raises ``KeystoreDamaged`` or ``WrongPassphrase``."""
    try:
        store = msgspec.json.decode(text, type=Keystore)
        salt, nonce, data = bytes.fromhex(store.salt), bytes.fromhex(store.nonce), bytes.fromhex(store.data)
    except (msgspec.MsgspecError, ValueError):
        raise KeystoreDamaged from None
    if store.check != _checksum(store) or store.version != VERSION or len(nonce) != NONCE_BYTES:
        raise KeystoreDamaged
    if not _cost_is_sane(store.n) or (store.r, store.p) != (SCRYPT_R, SCRYPT_P):
        raise KeystoreDamaged
    key = scrypt_key(passphrase.encode(), salt, store.n, store.r, store.p)
    try:
        return open_(key, nonce, data, _bound(store.n, store.r, store.p, salt))
    except DecryptFailed:
        raise WrongPassphrase from None


def seal_box(node_key: bytes, plaintext: bytes, context: bytes, nonce: bytes) -> bytes:
    """Seal a secret under the node's 32-byte key, which lies outside the database.

    ``context`` says what and whose the secret is, so a box moved to another row does not open; each context has its own
    key. ``nonce`` is 12 fresh random bytes.
    """
    return _BOX_VERSION + nonce + seal(_box_key(node_key, context), nonce, plaintext, context)


def open_box(node_key: bytes, box: bytes, context: bytes) -> bytes:
    """Undo ``seal_box``; raises ``BoxDamaged``."""
    nonce, data = box[1 : 1 + NONCE_BYTES], box[1 + NONCE_BYTES :]
    if box[:1] != _BOX_VERSION or len(nonce) != NONCE_BYTES:
        raise BoxDamaged
    try:
        return open_(_box_key(node_key, context), nonce, data, context)
    except DecryptFailed:
        raise BoxDamaged from None


def _box_key(node_key: bytes, context: bytes) -> bytes:
    return hkdf(node_key, b"hearth/box|" + context)


def _bound(n: int, r: int, p: int, salt: bytes) -> bytes:
    return f"hearth/keystore|{VERSION}|{n}|{r}|{p}|".encode() + salt


def _checksum(store: Keystore) -> str:
    return sha256(msgspec.json.encode(msgspec.structs.replace(store, check=""))).hex()


def _cost_is_sane(n: int) -> bool:
    return MIN_N <= n <= MAX_N and n & (n - 1) == 0
