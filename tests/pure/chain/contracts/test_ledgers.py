"""What a ledger takes of another: only what that ledger's validators, as they are known here, have made final."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chain.contracts.credits import Transfer
from chain.contracts.ledgers import TRUSTED, Follow, Trust, receipt_check, trusted_roles
from chain.contracts.registry import AddValidator, RemoveValidator
from chain.core.errors import Refused
from chain.core.proofs import TxProof
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.receipts import MODELS_ID, SHARED_ID, models_genesis, receipt
from tests.pure.chain.contracts.world import OPERATOR, World, address, key_of, shared_genesis

TRANSFER = Transfer(to=address("bolt"), amount=1)


@pytest.fixture
def models() -> World:
    return World(models_genesis())


def paid(**more: Any) -> TxProof:
    return receipt(SHARED_ID, "acme", "credits.transfer", TRANSFER, **more)


def refusal(world: World, proof: TxProof, call: str = "credits.transfer") -> str:
    try:
        receipt_check(world.state, "shared", proof, call)
    except Refused as error:
        return error.code
    return ""


def test_a_receipt_of_the_trusted_ledger_gives_its_transaction(models: World) -> None:
    tx = receipt_check(models.state, "shared", paid(), "credits.mint", "credits.transfer")
    assert (tx.sender, tx.call) == (key_of("acme"), "credits.transfer")


def test_what_does_not_hold_is_refused_each_with_its_code(models: World) -> None:
    assert refusal(models, paid(code="balance_too_low")) == "receipt_of_refusal"
    assert refusal(models, paid(), "credits.mint") == "receipt_of_other_call"
    assert refusal(models, paid(validators=("thief",))) == "receipt_validators_unknown"
    assert refusal(models, paid(signers=("thief",))) == "receipt_not_proven"
    other = receipt("shared-other", "acme", "credits.transfer", TRANSFER)
    assert refusal(models, other) == "ledger_not_trusted"
    device = receipt("device-1", "acme", "credits.transfer", TRANSFER)
    assert refusal(models, device) == "ledger_not_trusted"


def test_a_changed_byte_anywhere_in_a_receipt_is_refused(models: World) -> None:
    proof = paid()
    changes: list[dict[str, Any]] = [
        {"tx_path": (sha256(b"x"), *proof.tx_path[1:])},
        {"receipt_path": proof.receipt_path[:-1]},
        {"index": 0},
        {"count": proof.index},
        {"receipt": msgspec.structs.replace(proof.receipt, tx_id=bytes(32))},
        {"header": msgspec.structs.replace(proof.header, height=9)},
        {"commit": msgspec.structs.replace(proof.commit, votes=())},
        {"transaction": proof.transaction[:-1] + bytes([proof.transaction[-1] ^ 1])},
        {"transaction": b""},
    ]
    for change in changes:
        assert refusal(models, msgspec.structs.replace(proof, **change)) == "receipt_not_proven", change


def test_the_operator_trusts_one_ledger_of_a_kind_and_nobody_else_does() -> None:
    shared = World(shared_genesis())
    args = Trust(ledger=MODELS_ID, validators=(key_of("validator"),))
    assert shared.code("acme", "ledgers.trust", args) == "not_an_operator"
    for bad in ("service_models", "-1", ""):
        assert shared.code(OPERATOR, "ledgers.trust", Trust(bad, args.validators)) == "trusted_name_invalid"
    assert shared.code(OPERATOR, "ledgers.trust", Trust(MODELS_ID, (bytes(33),))) == "key_invalid"
    assert shared.code(OPERATOR, "ledgers.trust", Trust(MODELS_ID, args.validators * 2)) == "key_invalid"
    assert shared.code(OPERATOR, "ledgers.trust", args) == ""
    assert shared.code(OPERATOR, "ledgers.trust", args) == "trusted_elsewhere"
    assert shared.code(OPERATOR, "ledgers.trust", Trust("service_models-2", args.validators)) == "trusted_elsewhere"
    assert shared.code(OPERATOR, "ledgers.trust", Trust("joint_models-1", args.validators)) == ""


def test_a_genesis_without_trusted_ledgers_is_the_state_that_it_was_before() -> None:
    assert list(World(shared_genesis()).state.scan(TRUSTED)) == []


def test_many_validators_in_a_genesis_keep_their_order() -> None:
    keys = tuple(key_of(f"v{number}") for number in range(12))
    genesis = msgspec.structs.replace(shared_genesis(), roles=trusted_roles(MODELS_ID, keys))
    row = World(genesis).state.get(TRUSTED, b"service_models")
    assert row is not None and row.ledger == MODELS_ID and row.spans[0].validators == keys


def test_new_validators_are_followed_by_the_receipts_that_made_them(models: World) -> None:
    added = receipt(SHARED_ID, "operator", "registry.add_validator", AddValidator(key=key_of("second")), height=10)
    assert models.code("anyone", "ledgers.follow", Follow(paid())) == "receipt_of_other_call"
    assert models.code("anyone", "ledgers.follow", Follow(added)) == ""
    assert models.code("anyone", "ledgers.follow", Follow(added)) == "receipt_older"
    both = ("validator", "second")
    assert refusal(models, paid(height=11, validators=both)) == ""
    assert refusal(models, paid(height=11)) == "receipt_validators_unknown"
    assert refusal(models, paid(height=10)) == "", "blocks before the change are still those of the old validators"
    removed = receipt(
        SHARED_ID,
        "operator",
        "registry.remove_validator",
        RemoveValidator(key=key_of("validator")),
        height=12,
        validators=both,
    )
    assert models.code("anyone", "ledgers.follow", Follow(removed)) == ""
    assert refusal(models, paid(height=13, validators=("second",))) == ""
