"""SHA-256, its tagged form, HMAC, and addresses: every hash in Hearth goes through here."""

from __future__ import annotations

import hashlib
import hmac

ADDRESS_BYTES = 20
new_sha256 = hashlib.sha256
"""The hash object itself, for loops over many small items."""


def sha256(*parts: bytes) -> bytes:
    """The 32-byte SHA-256 (FIPS 180-4) of the parts, one after the other."""
    if len(parts) == 1:
        return hashlib.sha256(parts[0]).digest()
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag: str, *parts: bytes) -> bytes:
    """SHA-256 of the ASCII tag followed by the parts, each as it is (protocols.md: ``SHA-256("hearth/lot" | key)``).

    The parts are not delimited, so all but one of them must have a fixed length.
    """
    return hashlib.sha256(tag.encode("ascii") + b"".join(parts)).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104), 32 bytes."""
    return hmac.digest(key, message, "sha256")


def address_of(public_key: bytes) -> bytes:
    """The 20-byte address of a compressed public key: the first bytes of ``tagged("hearth/address", key)``."""
    return tagged("hearth/address", public_key)[:ADDRESS_BYTES]


def equal_in_constant_time(a: bytes, b: bytes) -> bool:
    """Compare two secrets without telling by the time taken where they differ."""
    return hmac.compare_digest(a, b)
