"""X25519 (RFC 7748) for ephemeral keys: agreement, and a key from it that is bound to both keys and their use."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from chain.crypto.aead import KeyMaterialInvalid
from chain.crypto.kdf import hkdf

KEY_BYTES = 32
_PRIME = 2**255 - 19


class X25519Secret:
    """A secret parsed once, for agreements with many. Its text shows nothing of it."""

    __slots__ = ("_key", "public")

    def __init__(self, secret: bytes) -> None:
        """Any 32 bytes are a secret. Raises ``KeyMaterialInvalid`` for another length."""
        if len(secret) != KEY_BYTES:
            raise KeyMaterialInvalid(f"An X25519 secret has {KEY_BYTES} bytes, not {len(secret)}")
        self._key = X25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()

    def agree(self, public: bytes) -> bytes:
        """The 32 bytes that both sides know; put them through a KDF. Raises ``KeyMaterialInvalid``.

        A key of low order is refused, as RFC 7748 (section 6.1) allows: its holder would know the result beforehand.
        """
        try:
            return self._key.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise KeyMaterialInvalid("The public key is not a usable X25519 key") from None

    def derive(self, public: bytes, info: bytes, length: int = 32) -> bytes:
        """``length`` bytes by HKDF-SHA256 from the agreement; ``info`` and both public keys (in order) are bound in.

        Both sides get the same bytes for the same ``info``. Raises ``KeyMaterialInvalid``.
        """
        first, second = sorted((self.public, public))
        return hkdf(self.agree(public), info + first + second, length)


def is_usable_public(public: bytes) -> bool:
    """Whether the bytes are a public key in its one form (below the prime) and not of low order."""
    if len(public) != KEY_BYTES or int.from_bytes(public, "little") >= _PRIME:
        return False
    try:
        X25519Secret(bytes(KEY_BYTES)).agree(public)
    except KeyMaterialInvalid:
        return False
    return True
