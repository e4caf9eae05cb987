"""Receipts that prove themselves: a transaction, what became of it, and the final block that says so.

A ``TxProof`` is checked against the ledger's validators alone: the Merkle paths lead the signed transaction and its
receipt to the header's roots, and the votes make the header final. Its JSON form is a file that people keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chain.core.blocks import header_hash
from chain.core.codec import decode, encode
from chain.core.errors import BadSignature, LedgerFault, Malformed
from chain.core.finality import votes_check
from chain.core.merkle import leaf_hash, levels_of, path_in, verify_path
from chain.core.transactions import tx_id_of, tx_parse, tx_signature_valid
from chain.core.types import Block, Commit, Genesis, Hash, Header, Receipt, Record, SignedTransaction, Uint, Validator
from chain.engine.application import MAX_TX_BYTES
from marketplace.common.errors import NotFound

FORMAT = "hearth-receipt-1"


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
        return tx_parse(self.transaction, max(MAX_TX_BYTES, len(self.transaction)))

    @property
    def tx_id(self) -> bytes:
        return self.receipt.tx_id


class BlockProofs:
    """Proofs for the transactions of one block; its trees are built once, when they are needed."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._levels: tuple[list[list[bytes]], list[list[bytes]]] | None = None
        self._index = {receipt.tx_id: index for index, receipt in enumerate(block.receipts)}

    @property
    def tx_ids(self) -> tuple[bytes, ...]:
        return tuple(self._index)

    def proof(self, tx_id: bytes) -> TxProof:
        """The proof for a transaction of the block; raises ``NotFound``."""
        index = self._index.get(tx_id)
        if index is None:
            raise NotFound("the block has no such transaction")
        block, (transactions, receipts) = self._block, self._trees()
        return TxProof(
            transaction=block.transactions[index],
            receipt=block.receipts[index],
            index=index,
            count=len(block.transactions),
            tx_path=path_in(transactions, index),
            receipt_path=path_in(receipts, index),
            header=block.header,
            commit=block.commit,
        )

    def _trees(self) -> tuple[list[list[bytes]], list[list[bytes]]]:
        """The levels of both trees, built when the first proof is asked for."""
        if self._levels is None:
            leaves = [leaf_hash(raw) for raw in self._block.transactions]
            receipt_leaves = [leaf_hash(encode(receipt)) for receipt in self._block.receipts]
            self._levels = levels_of(leaves), levels_of(receipt_leaves)
        return self._levels


def proof_make(block: Block, tx_id: bytes) -> TxProof:
    """The proof for one transaction of a block; raises ``NotFound`` if the block has none of this id."""
    return BlockProofs(block).proof(tx_id)


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


def proof_to_json(proof: TxProof) -> dict[str, Any]:
    """The proof as JSON values: ``proof`` holds its canonical bytes, ``shows`` the same for people to read."""
    signed = proof.signed
    return {
        "format": FORMAT,
        "shows": {
            "transaction": proof.tx_id.hex(),
            "ledger": proof.header.ledger,
            "height": proof.header.height,
            "time_ms": proof.header.time_ms,
            "block": header_hash(proof.header).hex(),
            "sender": signed.tx.sender.hex(),
            "nonce": signed.tx.nonce,
            "call": signed.tx.call,
            "outcome": proof.receipt.code or "done",
            "events": [
                {"kind": event.kind, "subjects": [subject.hex() for subject in event.subjects]}
                for event in proof.receipt.events
            ],
            "votes": [vote.validator.hex() for vote in proof.commit.votes],
        },
        "proof": encode(proof).hex(),
    }


def proof_from_json(data: object) -> TxProof:
    """Undo ``proof_to_json``; raises ``Malformed`` if the readable part says anything else than the bytes."""
    if not isinstance(data, dict) or not isinstance(data.get("proof"), str):
        raise Malformed("the file is not a receipt")
    try:
        proof = decode(TxProof, bytes.fromhex(data["proof"]))
    except ValueError as fault:
        raise Malformed("the receipt's bytes are not hexadecimal") from fault
    if proof_to_json(proof) != data:
        raise Malformed("the receipt's readable part does not match its bytes")
    return proof


def _validators(trusted: Genesis | Sequence[Validator | bytes]) -> list[Validator]:
    keys = trusted.validators if isinstance(trusted, Genesis) else trusted
    return [key if isinstance(key, Validator) else Validator(key) for key in keys]
