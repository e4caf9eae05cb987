"""HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one message a context.

Base mode says nothing about the sender; where that matters the transaction's signature does (docs/adr/0011). The
ephemeral key is drawn inside the library from the system's generator.
"""

from __future__ import annotations

from Crypto.Protocol import HPKE
from Crypto.Protocol.DH import import_x25519_private_key, import_x25519_public_key
from Crypto.PublicKey.ECC import EccKey

from chain.crypto.aead import TAG_BYTES, DecryptFailed, KeyMaterialInvalid
from chain.crypto.kdf import hkdf

ENC_BYTES = 32
OVERHEAD_BYTES = ENC_BYTES + TAG_BYTES
_KEM_SUITE = b"KEM\x00\x20"
_VERSION = b"HPKE-v1"


def hpke_keypair(seed: bytes) -> tuple[bytes, bytes]:
    """The X25519 key pair ``(secret, public)``, 32 bytes each, of a seed of at least 32 bytes (RFC 9180, 7.1.3)."""
    if len(seed) < 32:
        raise KeyMaterialInvalid("An HPKE seed has at least 32 bytes")
    secret = hkdf(_VERSION + _KEM_SUITE + b"dkp_prk" + seed, b"\x00\x20" + _VERSION + _KEM_SUITE + b"sk", 32)
    return secret, hpke_public(secret)


def hpke_public(secret: bytes) -> bytes:
    """The 32-byte public key of a 32-byte X25519 secret. Raises ``KeyMaterialInvalid``."""
    return _secret_key(secret).public_key().export_key(format="raw")


def hpke_seal(public: bytes, plaintext: bytes, aad: bytes, info: bytes) -> bytes:
    """Seal one message to a public key; returns the 32-byte encapsulated key, the ciphertext and its tag.

    Raises ``KeyMaterialInvalid`` when ``public`` is no X25519 key or one of low order.
    """
    try:
        receiver = import_x25519_public_key(public)
        context = HPKE.new(receiver_key=receiver, aead_id=HPKE.AEAD.AES256_GCM, info=info)
    except ValueError:
        raise KeyMaterialInvalid("The HPKE public key is not a usable X25519 key") from None
    return context.enc + context.seal(plaintext, aad)


def hpke_open(secret: bytes, sealed: bytes, aad: bytes, info: bytes) -> bytes:
    """Undo ``hpke_seal``. Raises ``DecryptFailed`` for another key, aad or info, or for changed bytes."""
    key = _secret_key(secret)
    if len(sealed) < OVERHEAD_BYTES:
        raise DecryptFailed("The sealed message is too short")
    try:
        context = HPKE.new(receiver_key=key, aead_id=HPKE.AEAD.AES256_GCM, enc=sealed[:ENC_BYTES], info=info)
        return context.unseal(sealed[ENC_BYTES:], aad)
    except ValueError:
        raise DecryptFailed() from None


def _secret_key(secret: bytes) -> EccKey:
    try:
        return import_x25519_private_key(secret)
    except ValueError:
        raise KeyMaterialInvalid("The HPKE secret is not a usable X25519 key") from None
