"""The hashes that tie a ledger together, by the vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chain.core.blocks import (
    genesis_hash,
    header_hash,
    receipts_root,
    state_hash_next,
    transactions_root,
    validators_hash,
    vote_message,
)
from chain.core.codec import decode, encode
from chain.core.errors import Malformed, TooLarge
from chain.core.finality import votes_check
from chain.core.transactions import tx_id, tx_id_of, tx_new, tx_parse, tx_sign, tx_signature_valid
from chain.core.types import Block, Event, Genesis, Header, Transaction, Validator
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from tests.pure.chain.toy import Nothing, secret, signed

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "blocks.json").read_text())


def known(name: str) -> bytes:
    return bytes.fromhex(VECTORS[name])


def test_keys_and_addresses_are_those_of_the_vectors() -> None:
    assert public_key(known("secret")) == known("public_key")
    assert address_of(known("public_key")) == known("address")


def test_a_transaction_has_the_id_and_signature_of_the_vectors() -> None:
    tx = decode(Transaction, known("transaction"))
    made = tx_sign(tx, known("secret"))
    assert tx_id(tx) == tx_id_of(known("signed_transaction")) == known("tx_id")
    assert made.signature == known("tx_signature")
    assert encode(made) == known("signed_transaction")
    assert tx_signature_valid(made)


def test_a_block_has_the_hashes_of_the_vectors() -> None:
    block, genesis = decode(Block, known("block")), decode(Genesis, known("genesis"))
    header = decode(Header, known("header"))
    assert block.header == header
    assert genesis_hash(genesis) == header.previous == known("genesis_hash")
    assert header_hash(header) == known("header_hash")
    assert transactions_root(block.transactions) == header.tx_root == known("tx_root")
    assert receipts_root(block.receipts) == header.receipt_root == known("receipt_root")
    assert validators_hash([Validator(known("public_key"))]) == header.validators_hash
    votes_check([Validator(known("public_key"))], header, block.commit)


def test_votes_sign_the_message_of_the_vectors() -> None:
    previous, block_hash = known("genesis_hash"), known("header_hash")
    assert vote_message("vectors", 1, 0, previous, block_hash, b"") == known("vote_message")
    assert vote_message("vectors", 1, 3, previous, block_hash, b"extra") == known("vote_message_with_extra")


def test_the_state_hash_chains_as_in_the_vectors() -> None:
    vector = VECTORS["state_hash_next"]
    changes = [
        (table, bytes.fromhex(key), None if row is None else decode(Event, bytes.fromhex(row)))
        for table, key, row in vector["changes"]
    ]
    assert state_hash_next(bytes.fromhex(vector["before"]), changes).hex() == vector["after"]


def test_the_order_in_which_validators_are_named_does_not_matter() -> None:
    first, second = Validator(public_key(secret(1))), Validator(public_key(secret(2)), "hall")
    assert validators_hash([first, second]) == validators_hash([second, first])
    assert validators_hash([first, second]) != validators_hash([first, Validator(second.key)])


def test_a_transaction_over_the_limit_is_refused_before_it_is_decoded() -> None:
    raw = signed(1, 0, "write", Nothing())
    with pytest.raises(TooLarge):
        tx_parse(raw, len(raw) - 1)
    with pytest.raises(Malformed):
        tx_parse(raw[:-1], len(raw))


def test_only_the_sender_signs() -> None:
    tx = tx_new(ledger="l", sender=public_key(secret(1)), nonce=0, valid_until=1, call="c", args=Nothing())
    with pytest.raises(ValueError, match="not the sender's"):
        tx_sign(tx, secret(2))
