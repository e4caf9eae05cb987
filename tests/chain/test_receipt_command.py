"""``manage.py receipt verify``: what it checks, and what it says of receipts that do not hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command

from chain.client.wire import genesis_json
from chain.contracts.credits import Transfer
from chain.contracts.registry import AddValidator
from chain.core.types import Genesis
from chain.crypto.secp256k1 import public_key
from chain.engine.proofs import TxProof, proof_to_json
from chain.node.keys import OPERATOR
from tests.chain.market_node import MarketNode
from tests.pure.chain.contracts.world import address, key_of, secret_of

File = Callable[[Any], str]


@pytest.fixture
def file(tmp_path: Path) -> File:
    """Write JSON into a file of its own and give its path."""
    count = iter(range(100))

    def write(body: Any) -> str:
        path = tmp_path / f"file-{next(count)}.json"
        path.write_text(json.dumps(body))
        return str(path)

    return write


@pytest.fixture
def proof(node: MarketNode) -> TxProof:
    node.buyer(secret_of("acme"), 100)
    return node.done(secret_of("acme"), "credits.transfer", Transfer(to=address("bolt"), amount=30))


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("receipt", "verify", *arguments, stdout=out)
    return out.getvalue()


def test_a_receipt_holds_against_the_ledger_of_this_machine(node: MarketNode, proof: TxProof, file: File) -> None:
    said = verify(file(proof_to_json(proof)))
    assert "The receipt holds. The call went through." in said
    assert proof.tx_id.hex() in said and "credits.transfer" in said and "same block" in said
    assert said == verify(file(proof_to_json(proof)), "--ledger", "shared")


def test_a_receipt_holds_offline_against_the_genesis_that_the_api_gives(
    node: MarketNode, proof: TxProof, file: File, django_assert_num_queries: Any
) -> None:
    genesis = file(genesis_json(node.ledger.genesis))
    with django_assert_num_queries(0, using="ledger"):
        said = verify(file(proof_to_json(proof)), "--genesis", genesis)
    assert "The receipt holds" in said and "from the file" in said


def test_a_receipt_of_a_refused_call_holds_and_says_that_it_was_refused(node: MarketNode, file: File) -> None:
    refused = node.send(secret_of("poor"), "credits.transfer", Transfer(to=address("bolt"), amount=1))
    assert "The call was refused: balance_too_low." in verify(file(proof_to_json(refused)))


def test_a_changed_receipt_does_not_hold(node: MarketNode, proof: TxProof, file: File) -> None:
    genesis = file(genesis_json(node.ledger.genesis))
    prettier = proof_to_json(proof)
    prettier["shows"]["outcome"] = "better"
    other = node.done(secret_of("acme"), "credits.transfer", Transfer(to=address("bolt"), amount=1))
    swapped = msgspec.structs.replace(proof, transaction=other.transaction)
    moved = msgspec.structs.replace(proof, tx_path=(bytes(32),), count=2)
    header = msgspec.structs.replace(proof.header, time_ms=proof.header.time_ms + 1)
    later = msgspec.structs.replace(proof, header=header)
    for body in (prettier, proof_to_json(swapped), proof_to_json(moved), proof_to_json(later), {"proof": "zz"}, []):
        for trusted in ((), ("--genesis", genesis)):
            with pytest.raises(CommandError, match="does not hold"):
                verify(file(body), *trusted)


def test_a_receipt_of_another_ledger_does_not_hold(node: MarketNode, proof: TxProof, file: File) -> None:
    mine = node.ledger.genesis
    other = Genesis("shared-other", mine.kind, mine.time_ms, mine.validators, mine.params, mine.roles)
    with pytest.raises(CommandError, match="another ledger"):
        verify(file(proof_to_json(proof)), "--genesis", file(genesis_json(other)))
    stranger = Genesis(mine.ledger, mine.kind, mine.time_ms, (public_key(secret_of("x")),), mine.params, mine.roles)
    with pytest.raises(CommandError, match="other validators than the genesis"):
        verify(file(proof_to_json(proof)), "--genesis", file(genesis_json(stranger)))


def test_what_is_no_receipt_or_not_there_is_said_so(transactional_db: None, tmp_path: Path, file: File) -> None:
    (tmp_path / "noise").write_bytes(b"\x00\xff")
    with pytest.raises(CommandError, match="not JSON"):
        verify(str(tmp_path / "noise"))
    with pytest.raises(CommandError, match="can't be read"):
        verify(str(tmp_path / "nowhere"))


def test_a_machine_without_the_ledger_asks_for_its_genesis(node: MarketNode, proof: TxProof, file: File) -> None:
    with pytest.raises(CommandError, match="--genesis FILE"):
        verify(file(proof_to_json(proof)), "--ledger", "nowhere")


def test_receipts_hold_also_after_the_validators_have_changed(node: MarketNode, proof: TxProof, file: File) -> None:
    added = node.done(node.keys.secret(OPERATOR), "registry.add_validator", AddValidator(key=key_of("second")))
    node.until_indexed()
    for each in (proof, added):
        assert "The receipt holds" in verify(file(proof_to_json(each)))
