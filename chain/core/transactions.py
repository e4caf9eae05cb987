"""Transactions: their id, signature, and the way from received bytes to a transaction."""

from __future__ import annotations

from chain.core.codec import decode, encode
from chain.core.errors import Malformed, TooLarge
from chain.core.types import Record, SignedTransaction, Transaction
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import public_key, sign, verify

_SIGNATURE_FRAME_BYTES = 66  # bin 8 head (0xc4 0x40) and the 64 bytes of the signature


def tx_new(*, ledger: str, sender: bytes, nonce: int, valid_until: int, call: str, args: Record | bytes) -> Transaction:
    """An unsigned transaction; ``args`` is the call's argument record or its canonical bytes."""
    data = args if isinstance(args, bytes) else encode(args)
    return Transaction(ledger=ledger, sender=sender, nonce=nonce, valid_until=valid_until, call=call, args=data)


def tx_id(tx: Transaction) -> bytes:
    """The SHA-256 of the unsigned canonical bytes: what the sender signs, and the name of the transaction."""
    return sha256(encode(tx))


def tx_sign(tx: Transaction, secret: bytes) -> SignedTransaction:
    """Sign with the sender's secret; raises ``InvalidScalar``, or ``ValueError`` if it is not the sender's."""
    if public_key(secret) != tx.sender:
        raise ValueError("the secret is not the sender's")
    return SignedTransaction(tx, sign(secret, tx_id(tx)))


def tx_parse(data: bytes, max_size: int) -> SignedTransaction:
    """The signed transaction in the bytes, its signature not yet checked; raises ``TooLarge`` or ``Malformed``."""
    if len(data) > max_size:
        raise TooLarge(f"the transaction has {len(data)} bytes, the ledger takes {max_size}")
    return decode(SignedTransaction, data)


def tx_id_of(data: bytes) -> bytes:
    """The id of a signed transaction from its canonical bytes, without encoding it again.

    ``data`` must have passed ``tx_parse``: an array of two (one byte), the transaction, and the framed signature.
    """
    if len(data) <= _SIGNATURE_FRAME_BYTES:
        raise Malformed
    return sha256(data[1:-_SIGNATURE_FRAME_BYTES])


def tx_signature_valid(signed: SignedTransaction) -> bool:
    """Whether the signature is the sender's over the transaction's id."""
    return verify(signed.tx.sender, tx_id(signed.tx), signed.signature)
