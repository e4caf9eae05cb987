"""Receipts that prove themselves, and everything that makes them stop doing so."""

from __future__ import annotations

import json
import random

import msgspec
import pytest

from chain.core.codec import encode
from chain.core.errors import LedgerFault, Malformed, Rejected
from chain.core.types import Block, Receipt, Validator
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.proofs import ProofInvalid, TxProof, proof_from_json, proof_make, proof_to_json, proof_verify
from chain.stores.memory import MemoryStore
from marketplace.common.errors import HearthError, NotFound
from tests.pure.chain.toy import (
    GENESIS_MS,
    LEDGER,
    TOY_SET,
    VALIDATOR,
    Lock,
    Write,
    genesis,
    produce,
    secret,
    signed,
)


@pytest.fixture(scope="module")
def block() -> Block:
    ledger = Ledger(genesis(), TOY_SET, MemoryStore(LEDGER))
    produce(ledger, [signed(1, 0, "lock", Lock(b"k", GENESIS_MS + 1_000))])
    return produce(ledger, [signed(sender, 0, "write", Write(b"k", b"%d" % sender)) for sender in range(2, 9)])


@pytest.fixture
def proof(block: Block) -> TxProof:
    return proof_make(block, block.receipts[3].tx_id)


def test_every_transaction_of_a_block_can_be_proven(block: Block) -> None:
    for index, receipt in enumerate(block.receipts):
        proof = proof_make(block, receipt.tx_id)
        assert proof.index == index
        assert proof_verify(proof, genesis()) == proof.signed
        assert proof.receipt.code == "locked"


@pytest.mark.parametrize(
    "trusted", [[public_key(VALIDATOR)], [Validator(public_key(VALIDATOR))]], ids=["keys", "validators"]
)
def test_a_proof_is_checked_against_the_validators_alone(proof: TxProof, trusted: list[bytes | Validator]) -> None:
    proof_verify(proof, trusted)


def test_other_validators_prove_nothing(proof: TxProof) -> None:
    with pytest.raises(LedgerFault):
        proof_verify(proof, [public_key(secret(5))])


def test_another_ledger_of_the_same_validators_is_not_this_one(proof: TxProof) -> None:
    with pytest.raises(ProofInvalid):
        proof_verify(proof, genesis(ledger="other"))


def test_a_receipt_can_not_be_swapped_for_a_better_one(block: Block, proof: TxProof) -> None:
    better = Receipt(proof.receipt.tx_id, "", proof.receipt.events)
    with pytest.raises(ProofInvalid):
        proof_verify(msgspec.structs.replace(proof, receipt=better), genesis())
    other = proof_make(block, block.receipts[1].tx_id)
    swapped = msgspec.structs.replace(proof, receipt=other.receipt, receipt_path=other.receipt_path)
    with pytest.raises(ProofInvalid):
        proof_verify(swapped, genesis())


def test_a_byte_changed_anywhere_in_a_proof_breaks_it(proof: TxProof) -> None:
    from chain.core.codec import decode

    chance, raw = random.Random(3), encode(proof)
    for place in chance.sample(range(len(raw)), 250):
        changed = raw[:place] + bytes([raw[place] ^ (1 << chance.randrange(8))]) + raw[place + 1 :]
        with pytest.raises((LedgerFault, Rejected)):
            proof_verify(decode(TxProof, changed), genesis())


def test_the_json_form_is_readable_and_comes_back_as_the_same_proof(proof: TxProof) -> None:
    text = json.dumps(proof_to_json(proof))
    shown = json.loads(text)["shows"]
    assert shown["call"] == "toy.write" and shown["outcome"] == "locked" and shown["height"] == 2
    assert proof_from_json(json.loads(text)) == proof


@pytest.mark.parametrize("change", [{"outcome": "done"}, {"height": 1}, {"sender": "00"}])
def test_a_json_receipt_whose_readable_part_lies_is_refused(proof: TxProof, change: dict[str, object]) -> None:
    data = proof_to_json(proof)
    data["shows"] = {**data["shows"], **change}
    with pytest.raises(Malformed):
        proof_from_json(data)


@pytest.mark.parametrize("data", [None, [], {}, {"proof": 1}, {"proof": "zz"}, {"proof": "00"}])
def test_what_is_no_receipt_is_refused(data: object) -> None:
    with pytest.raises(HearthError):
        proof_from_json(data)


def test_a_transaction_of_another_block_has_no_proof_here(block: Block) -> None:
    with pytest.raises(NotFound):
        proof_make(block, bytes(32))
