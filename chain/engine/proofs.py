"""Receipts that prove themselves (``core.proofs``): made from a block, and in the JSON form that people keep."""

from __future__ import annotations

from typing import Any

from chain.core.blocks import header_hash
from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.merkle import leaf_hash, levels_of, path_in
from chain.core.proofs import ProofInvalid, TxProof, proof_verify
from chain.core.types import Block
from marketplace.common.errors import NotFound

FORMAT = "hearth-receipt-1"


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


__all__ = [
    "FORMAT", "BlockProofs", "ProofInvalid", "TxProof", "proof_from_json", "proof_make", "proof_to_json",
    "proof_verify",
]  # fmt: skip
