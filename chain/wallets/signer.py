"""A key that signs transactions. It holds the secret, shows the address, and never prints itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Record, SignedTransaction
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import InvalidScalar, is_scalar, public_key, sign


@dataclass(frozen=True, slots=True)
class Signer:
    """A secp256k1 secret and what follows from it. Raises ``InvalidScalar`` for a secret that is none."""

    secret: bytes = field(repr=False)
    public_key: bytes = field(init=False)
    address: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not is_scalar(self.secret):
            raise InvalidScalar
        object.__setattr__(self, "public_key", public_key(self.secret))
        object.__setattr__(self, "address", address_of(self.public_key))

    def sign_digest(self, digest: bytes) -> bytes:
        """The compact signature (64 bytes) over a 32-byte digest."""
        return sign(self.secret, digest)

    def sign_transaction(
        self, ledger: str, nonce: int, valid_until: int, call: str, args: Record | bytes
    ) -> SignedTransaction:
        """A signed transaction: ``args`` is the call's record, ``valid_until`` the last height at which it may run."""
        transaction = tx_new(
            ledger=ledger, sender=self.public_key, nonce=nonce, valid_until=valid_until, call=call, args=args
        )
        return tx_sign(transaction, self.secret)
