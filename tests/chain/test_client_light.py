"""A light client believes what a quorum signed, remembers it, and proves it when it is lied to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chain.client.light import (
    ForkFound,
    GenesisChanged,
    HeaderUnlinked,
    LightClient,
    NotPinned,
    ValidatorsUnknown,
)
from chain.client.pins import FilePins, MemoryPins, PinStore
from chain.client.records import fork_check, fork_from_json, fork_to_json
from chain.contracts.credits import Mint
from chain.contracts.registry import AddValidator, RemoveValidator
from chain.core.errors import LedgerFault, Malformed
from chain.core.finality import BadVote, NoQuorum
from chain.core.types import Commit
from chain.engine.proofs import ProofInvalid, proof_make
from tests.pure.chain.client_ledger import OPERATOR, TREASURY, ClientLedger, head_of, signed_header
from tests.pure.chain.contracts.world import address, key_of, shared_genesis


@pytest.fixture
def ledger() -> ClientLedger:
    return ClientLedger()


@pytest.fixture
def light(ledger: ClientLedger) -> LightClient:
    client = LightClient(MemoryPins())
    client.begin(ledger.genesis)
    return client


def mint(amount: int = 5) -> tuple[str, str, Mint]:
    return (TREASURY, "credits.mint", Mint(to=address("acme"), amount=amount))


@pytest.fixture(params=["memory", "file"])
def pins(request: pytest.FixtureRequest, tmp_path: Path) -> PinStore:
    return MemoryPins() if request.param == "memory" else FilePins(tmp_path / "pins" / "market.pin")


def test_a_pin_store_gives_back_what_it_kept(pins: PinStore, ledger: ClientLedger) -> None:
    assert pins.load() is None
    client = LightClient(pins)
    client.begin(ledger.genesis)
    client.header_check(head_of(ledger.block(mint())))
    assert pins.load() == client.pin


def test_nothing_is_believed_before_the_genesis_is_pinned() -> None:
    with pytest.raises(NotPinned):
        _ = LightClient(MemoryPins()).genesis


def test_another_genesis_than_the_pinned_one_is_refused_after_a_restart_too(
    ledger: ClientLedger, tmp_path: Path
) -> None:
    path = tmp_path / "market.pin"
    LightClient(FilePins(path)).begin(ledger.genesis)
    later = LightClient(FilePins(path))
    with pytest.raises(GenesisChanged):
        later.begin(shared_genesis(fee_bps=9))
    later.begin(ledger.genesis)


def test_a_receipt_is_believed_with_its_proof(light: LightClient, ledger: ClientLedger) -> None:
    proof = ledger.proof(*mint())
    assert light.proof_check(proof).tx.call == "credits.mint"
    assert light.pin.newest is not None and light.pin.newest.header == proof.header


@pytest.mark.parametrize("field", ["receipt", "index", "tx_path", "receipt_path", "transaction"])
def test_a_receipt_that_was_changed_is_refused(light: LightClient, ledger: ClientLedger, field: str) -> None:
    ledger.block(mint(1), mint(2))
    block = ledger.block(mint(3), mint(4))
    proof = proof_make(block, block.receipts[0].tx_id)
    other = proof_make(block, block.receipts[1].tx_id)
    with pytest.raises((LedgerFault, Malformed)):
        light.proof_check(msgspec.structs.replace(proof, **{field: getattr(other, field)}))
    light.proof_check(proof)


def test_a_refused_call_does_not_pass_for_one_that_went_through(light: LightClient, ledger: ClientLedger) -> None:
    proof = ledger.proof("acme", "credits.mint", Mint(to=address("acme"), amount=1))
    light.proof_check(proof)
    assert proof.receipt.code == "not_the_treasury"
    forged = msgspec.structs.replace(proof, receipt=msgspec.structs.replace(proof.receipt, code=""))
    with pytest.raises(ProofInvalid):
        light.proof_check(forged)


def test_a_header_without_its_validators_votes_is_refused(light: LightClient, ledger: ClientLedger) -> None:
    header = ledger.block(mint()).header
    for signed, fault in (
        (signed_header(header, "stranger"), BadVote),
        (msgspec.structs.replace(signed_header(header), commit=Commit(())), NoQuorum),
        (signed_header(msgspec.structs.replace(header, ledger="other")), LedgerFault),
        (signed_header(msgspec.structs.replace(header, validators_hash=bytes(32))), ValidatorsUnknown),
    ):
        with pytest.raises(fault):
            light.header_check(signed)
    assert light.pin.newest is None
    light.header_check(signed_header(header))


def test_two_signed_headers_of_one_height_prove_a_fork_to_anybody(light: LightClient, ledger: ClientLedger) -> None:
    block = ledger.block(mint())
    light.header_check(head_of(block))
    lie = signed_header(msgspec.structs.replace(block.header, state_hash=bytes(32)))
    with pytest.raises(ForkFound) as found:
        light.header_check(lie)
    told = json.loads(json.dumps(fork_to_json(found.value.proof)))
    fork = fork_from_json(told)
    fork_check(fork, light.pin.validators_at(1))
    assert told["height"] == 1 and len(set(told["blocks"])) == 2
    with pytest.raises(Malformed):
        fork_from_json({**told, "height": 2})
    with pytest.raises(LedgerFault):
        fork_check(msgspec.structs.replace(fork, second=fork.first), light.pin.validators_at(1))


def test_the_proof_of_a_fork_is_kept_beside_the_pin(ledger: ClientLedger, tmp_path: Path) -> None:
    light = LightClient(FilePins(tmp_path / "market.pin"))
    light.begin(ledger.genesis)
    block = ledger.block(mint())
    light.header_check(head_of(block))
    with pytest.raises(ForkFound):
        light.header_check(signed_header(msgspec.structs.replace(block.header, time_ms=block.header.time_ms + 1)))
    kept = json.loads((tmp_path / "market.pin.fork-1.json").read_text())
    fork_check(fork_from_json(kept), light.pin.validators_at(1))


def test_a_fork_is_found_by_a_process_that_only_knows_the_pin(ledger: ClientLedger, tmp_path: Path) -> None:
    first = LightClient(FilePins(tmp_path / "market.pin"))
    first.begin(ledger.genesis)
    block = ledger.block(mint())
    first.header_check(head_of(block))
    second = LightClient(FilePins(tmp_path / "market.pin"))
    with pytest.raises(ForkFound):
        second.header_check(signed_header(msgspec.structs.replace(block.header, tx_root=bytes(32))))


def test_a_block_that_does_not_follow_the_one_before_it_is_refused(light: LightClient, ledger: ClientLedger) -> None:
    first, second, third = ledger.block(mint()), ledger.block(mint()), ledger.block(mint())
    light.header_check(head_of(second))
    for block in (first, third):
        wrong = {"previous": bytes(32)} if block is third else {"state_hash": bytes(32)}
        with pytest.raises(HeaderUnlinked):
            light.header_check(signed_header(msgspec.structs.replace(block.header, **wrong)))
    light.header_check(head_of(first))
    light.header_check(head_of(third))


def test_the_newest_header_never_goes_back(ledger: ClientLedger, tmp_path: Path) -> None:
    blocks = [ledger.block(mint()) for _ in range(3)]
    clients = []
    for _ in range(2):
        client = LightClient(FilePins(tmp_path / "market.pin"))
        client.begin(ledger.genesis)
        clients.append(client)
    clients[0].header_check(head_of(blocks[2]))
    clients[1].header_check(head_of(blocks[0]))
    newest = clients[1].pin.newest
    assert newest is not None and newest.header.height == 3, "what another process saw counts too"


def test_new_validators_are_followed_by_their_receipts(light: LightClient, ledger: ClientLedger) -> None:
    old = ledger.proof(*mint())
    change = ledger.proof(OPERATOR, "registry.add_validator", AddValidator(key=key_of("second")))
    ledger.voters = ["validator", "second"]
    block = ledger.block(mint())
    with pytest.raises(ValidatorsUnknown):
        light.header_check(head_of(block))
    light.validators_follow([change])
    light.header_check(head_of(block))
    leave = ledger.proof(OPERATOR, "registry.remove_validator", RemoveValidator(key=key_of("validator")))
    ledger.voters = ["second"]
    last = ledger.block(mint())
    light.validators_follow([change, leave])
    light.header_check(head_of(last))
    light.proof_check(old)
    assert [validator.key for validator in light.pin.validators_at(last.header.height)] == [key_of("second")]


def test_a_refused_change_of_validators_changes_nothing(light: LightClient, ledger: ClientLedger) -> None:
    refused = ledger.proof("acme", "registry.add_validator", AddValidator(key=key_of("acme")))
    light.validators_follow([refused])
    assert [validator.key for validator in light.pin.validators_at(9)] == [key_of("validator")]


def test_a_pin_file_that_was_changed_stops_the_client(ledger: ClientLedger, tmp_path: Path) -> None:
    path = tmp_path / "market.pin"
    LightClient(FilePins(path)).begin(ledger.genesis)
    data: Any = bytearray(path.read_bytes())
    path.write_bytes(data[:-1])
    with pytest.raises(Malformed):
        LightClient(FilePins(path))
