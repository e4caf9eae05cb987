"""A transaction that proves itself: what became of it, and the final block that says so.

A ``TxProof`` is checked against the ledger's validators alone: the Merkle paths lead the signed transaction and its
receipt to the header's roots, and the votes make the header final. Contracts of one ledger check proofs of another
with it, as light clients do.
"""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.codec import encode
from chain.core.errors import BadSignature, LedgerFault
from chain.core.finality import votes_check
from chain.core.merkle import leaf_hash, verify_path
from chain.core.transactions import tx_id_of, tx_parse, tx_signature_valid
from chain.core.types import Commit, Genesis, Hash, Header, Receipt, Record, SignedTransaction, Uint, Validator


class ProofInvalid(LedgerFault):
    """The proof does not show what it says."""

    code = "proof_invalid"
    title = "The receipt does not hold"


class TxProof(Record):
    """A signed transaction as received, its receipt, their place among ``count``, and the final block's head."""

    transaction: bytes
    receipt: Receipt
    index: Uint
    count: Uint
    tx_path: tuple[Hash, ...]
    receipt_path: tuple[Hash, ...]
    header: Header
    commit: Commit

    @property
    def signed(self) -> SignedTransaction:
        """The transaction, decoded; raises ``Malformed``."""
        return tx_parse(self.transaction, len(self.transaction))

    @property
    def tx_id(self) -> bytes:
        return self.receipt.tx_id


def proof_verify(proof: TxProof, trusted: Genesis | Sequence[Validator | bytes]) -> SignedTransaction:
    """Check a proof, and give back the transaction that it proves.

    ``trusted`` is the genesis (whose validators then must be those of the block), or the validators themselves, as
    records or as plain public keys. Raises ``ProofInvalid``, ``BadVote``, ``NoQuorum``, ``BadSignature`` or
    ``Malformed``. That the proof holds does not mean that the call went through: ``proof.receipt.code`` says so.
    """
    header = proof.header
    validators = _validators(trusted)
    if isinstance(trusted, Genesis) and trusted.ledger != header.ledger:
        raise ProofInvalid("the receipt is of another ledger", height=header.height)
    votes_check(validators, header, proof.commit)
    signed = proof.signed
    if signed.tx.ledger != header.ledger:
        raise ProofInvalid("the transaction is of another ledger than the block", height=header.height)
    if tx_id_of(proof.transaction) != proof.receipt.tx_id:
        raise ProofInvalid("the receipt is of another transaction", height=header.height)
    if not tx_signature_valid(signed):
        raise BadSignature
    leaf, receipt_leaf = leaf_hash(proof.transaction), leaf_hash(encode(proof.receipt))
    if not verify_path(leaf, proof.index, proof.count, proof.tx_path, header.tx_root):
        raise ProofInvalid("the transaction is not in the block", height=header.height)
    if not verify_path(receipt_leaf, proof.index, proof.count, proof.receipt_path, header.receipt_root):
        raise ProofInvalid("the receipt is not in the block", height=header.height)
    return signed


def _validators(trusted: Genesis | Sequence[Validator | bytes]) -> list[Validator]:
    keys = trusted.validators if isinstance(trusted, Genesis) else trusted
    return [key if isinstance(key, Validator) else Validator(key) for key in keys]
