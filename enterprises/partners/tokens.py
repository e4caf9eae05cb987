"""Bearer tokens of hubs and organisations, and the challenges by which they prove their keys.

A token is shown once; the market keeps its SHA-256. A challenge is signed by the market, names the key it was given to,
and is good for five minutes and for one use.
"""

from __future__ import annotations

import secrets

from django.core import signing
from django.core.cache import cache

from chain.crypto.hashing import sha256, tagged
from chain.crypto.secp256k1 import is_point, verify
from enterprises.errors import ChallengeInvalid
from enterprises.partners.models import MarketToken
from marketplace.common.errors import InputError

PREFIXES = {MarketToken.Kind.HUB: "hub_", MarketToken.Kind.ORGANISATION: "org_"}
CHALLENGE_SALT = "hearth.partners.challenge"
CHALLENGE_SECONDS = 300


def token_new(kind: str) -> str:
    """A fresh opaque token with the prefix of its kind: 32 random bytes."""
    return PREFIXES[MarketToken.Kind(kind)] + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is kept of a token. It is random at full length, so a plain SHA-256 suffices."""
    return sha256(token.encode()).hex()


def registration_digest(challenge: str, public_key: bytes) -> bytes:
    """What the holder of ``public_key`` signs to answer ``challenge`` (32 bytes)."""
    return tagged("hearth/register", challenge.encode(), public_key)


def challenge_new(public_key: bytes) -> str:
    """A challenge for the holder of ``public_key`` (33 bytes, compressed secp256k1)."""
    if len(public_key) != 33 or not is_point(public_key):
        raise InputError("The public key is not a compressed secp256k1 point.")
    return signing.dumps({"key": public_key.hex(), "nonce": secrets.token_hex(16)}, salt=CHALLENGE_SALT)


def challenge_check(challenge: str, public_key: bytes, signature: bytes, digest: bytes = b"") -> None:
    """Refuse a challenge that is not ours, old, another key's, answered before, or wrongly signed.

    Args:
        digest: the 32 bytes that were to be signed, if they are not ``registration_digest``.

    Raises:
        ChallengeInvalid: for each of these, without saying which.
    """
    try:
        facts = signing.loads(challenge, salt=CHALLENGE_SALT, max_age=CHALLENGE_SECONDS)
    except signing.BadSignature:
        raise ChallengeInvalid from None
    digest = digest or registration_digest(challenge, public_key)
    if facts["key"] != public_key.hex() or not verify(public_key, digest, signature):
        raise ChallengeInvalid
    if not cache.add(f"hearth:challenge:{token_digest(challenge)}", 1, timeout=2 * CHALLENGE_SECONDS):
        raise ChallengeInvalid
