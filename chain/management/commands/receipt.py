"""``manage.py receipt verify FILE``: check a receipt's signature, paths and votes without asking anybody."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from chain import selectors
from chain.client.light import LightClient
from chain.client.pins import MemoryPins
from chain.client.wire import genesis_parse
from chain.core.blocks import genesis_hash, header_hash, validators_hash
from chain.core.errors import BadSignature, LedgerFault, Malformed
from chain.core.types import Genesis, SignedTransaction, Validator
from chain.engine.ports import NoSuchLedger
from chain.engine.proofs import ProofInvalid, TxProof, proof_from_json, proof_verify
from chain.event_pages import validator_changes
from marketplace.common.errors import HearthError

ALIAS: Final = "ledger"
FILE_BYTES_MAX: Final = 4 * 1024 * 1024
ASK_THE_LEDGER: Final = "If the ledger's validators have changed since, verify it where the ledger is, by --ledger."


class ReceiptNotVerifiable(HearthError):
    """What is needed to verify the receipt is not here."""

    code = "receipt_not_verifiable"
    title = "The receipt can't be verified with what is here"


class Command(BaseCommand):
    help = "Verify a receipt: offline against a genesis in a file, or against the ledger that this machine keeps."
    requires_migrations_checks = False
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=("verify",))
        parser.add_argument("file", type=Path, help="the receipt, as it was downloaded")
        trusted = parser.add_mutually_exclusive_group()
        trusted.add_argument(
            "--genesis", type=Path, help="the ledger's genesis, as /api/v1/market/ledger/genesis has it"
        )
        trusted.add_argument("--ledger", default="", help="a ledger of this machine (default: the one that it names)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            proof = proof_from_json(_json(options["file"]))
            if options["genesis"] is not None:
                signed, lines = _against_genesis(proof, genesis_parse(_json(options["genesis"])))
            else:
                signed, lines = _against_ledger(proof, options["ledger"] or proof.header.ledger)
        except (LedgerFault, Malformed, BadSignature) as fault:
            raise CommandError(f"The receipt does not hold: {fault.detail}.") from fault
        except HearthError as error:
            raise CommandError(f"The receipt can't be verified: {error.detail}. {error.hint}".strip()) from error
        for line in (*_checked(proof, signed), *lines, _outcome(proof)):
            self.stdout.write(line)


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise CommandError(f"{path} is too large to be read here.")
        return json.loads(path.read_bytes())
    except OSError as fault:
        raise CommandError(f"{path} can't be read: {fault.strerror}.") from fault
    except ValueError as fault:
        raise CommandError(f"{path} is not JSON.") from fault


def _against_genesis(proof: TxProof, genesis: Genesis) -> tuple[SignedTransaction, list[str]]:
    """The validators of a genesis must be those of the block; where they have changed, only the ledger can tell."""
    if proof.header.ledger == genesis.ledger and proof.header.validators_hash != _validators_hash(genesis):
        raise ReceiptNotVerifiable("its block names other validators than the genesis", hint=ASK_THE_LEDGER)
    signed = proof_verify(proof, genesis)
    return signed, [f"genesis      {genesis_hash(genesis).hex()}, from the file"]


def _against_ledger(proof: TxProof, name: str) -> tuple[SignedTransaction, list[str]]:
    """Follow the validators from the stored genesis, and compare the block with the one that is stored."""
    try:
        genesis = selectors.ledger_genesis(alias=ALIAS, ledger=name)
    except NoSuchLedger as error:
        raise ReceiptNotVerifiable(error.detail, hint="Give the ledger's genesis by --genesis FILE.") from error
    ledger, height = genesis.ledger, proof.header.height
    light = LightClient(MemoryPins())
    light.begin(genesis)
    after = 0
    while changes := validator_changes(ledger=ledger, after=after):
        light.validators_follow(changes)
        after = changes[-1].header.height
    signed = light.proof_check(proof)
    if header_hash(selectors.block_at(alias=ALIAS, ledger=ledger, height=height).header) != header_hash(proof.header):
        raise ProofInvalid("this machine's ledger has another block of that height", height=height)
    return signed, [
        f"genesis      {genesis_hash(genesis).hex()}, of this machine's ledger",
        "ledger       this machine's ledger has the same block",
    ]


def _validators_hash(genesis: Genesis) -> bytes:
    return validators_hash([Validator(key) for key in genesis.validators])


def _checked(proof: TxProof, signed: SignedTransaction) -> list[str]:
    header, votes = proof.header, len(proof.commit.votes)
    return [
        f"transaction  {proof.tx_id.hex()}: {signed.tx.call}, signed by {signed.tx.sender.hex()}",
        f"place        number {proof.index + 1} of {proof.count} in the block, by both Merkle paths",
        f"block        {header.ledger} {header.height}, {header_hash(header).hex()}",
        f"final        {votes} vote{'' if votes == 1 else 's'} of the validators, a quorum",
    ]


def _outcome(proof: TxProof) -> str:
    code = proof.receipt.code
    return f"The receipt holds. The call was refused: {code}." if code else "The receipt holds. The call went through."
