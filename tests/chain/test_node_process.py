"""The ledger node as it really runs: its first start, its death, its only place."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from chain.contracts.credits import Transfer
from chain.crypto.secp256k1 import public_key
from chain.engine.proofs import TxProof, proof_verify
from chain.node.frames import LedgerNodeAway
from chain.node.keys import VALIDATOR, KeyFiles, SecretMissing
from chain.rpc import NodeClient
from tests.chain.node_process import NodeProcess, address
from tests.pure.chain.toy import secret

SENDERS = 4


def test_what_was_confirmed_before_a_sigkill_is_there_after_it() -> None:
    with NodeProcess() as node:
        node.start()
        confirmed: list[TxProof] = []
        enough = threading.Event()

        def send(sender: int) -> None:
            for nonce in range(10_000):
                args = Transfer(to=address(9), amount=1)
                try:
                    raw = node.signed(sender, nonce, "credits.transfer", args)
                    confirmed.append(node.client.submit_and_wait(raw, 10.0))
                except LedgerNodeAway:
                    return
                if len(confirmed) >= 30:
                    enough.set()

        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(1, SENDERS + 1)]
        for thread in threads:
            thread.start()
        assert enough.wait(30)
        node.kill()
        for thread in threads:
            thread.join()
        assert len(confirmed) >= 30

        node.start()
        genesis = node.client.genesis()
        for proof in confirmed:
            again = node.client.proof(genesis.ledger, proof.tx_id)
            assert again == proof
            proof_verify(again, genesis)
            assert again.receipt.code == "balance_too_low", "refused for want of credits, and the refusal is kept"
        for sender in range(1, SENDERS + 1):
            mine = sum(1 for proof in confirmed if proof.signed.tx.sender == public_key(secret(sender)))
            assert node.client.next_nonce(genesis.ledger, address(sender)) >= mine
        assert node.stop() == 0
        for kind in ("shared", "service_models"):
            verified = node.manage("ledger", "verify", kind)
            assert verified.returncode == 0, verified.stderr
            assert "hold" in verified.stdout


def test_the_first_start_makes_keys_for_their_owner_alone_and_the_next_keeps_them() -> None:
    with NodeProcess() as node:
        node.start()
        genesis = node.client.genesis()
        keys = {path.name: path.read_text() for path in (node.var / "secrets").glob("*.key")}
        assert {"validator.key", "treasury.key", "operator.key"} <= set(keys)
        for path in (node.var / "secrets").glob("*.key"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE((node.var / "ledger.sock").stat().st_mode) == 0o600
        assert node.stop() == 0
        node.start()
        assert node.client.genesis() == genesis
        assert {path.name: path.read_text() for path in (node.var / "secrets").glob("*.key")} == keys


def test_a_second_node_does_not_start_beside_the_first() -> None:
    with NodeProcess() as node:
        node.start()
        second = node.manage("ledger_node")
        assert second.returncode == 1 and "ledger_node_runs" in second.stderr
        assert node.client.info()["height"] == 0


def test_a_ledger_that_exists_does_not_start_without_its_own_key() -> None:
    with NodeProcess() as node:
        node.start()
        node.stop()
        path = node.var / "secrets" / "validator.key"

        def refusal() -> str:
            refused = node.manage("ledger_node")
            assert refused.returncode == 1
            return refused.stderr

        path.chmod(0o644)
        assert "secret_unusable" in refusal(), "others can read it"
        path.chmod(0o600)
        path.write_text("11" * 32)
        assert "secret_unusable" in refusal(), "it is not the key of a validator"
        path.write_text("not a key")
        assert "secret_unusable" in refusal()
        path.unlink()
        assert "secret_missing" in refusal()
        assert not path.exists(), "a ledger that exists never gets a new key"


def test_without_the_demo_keys_are_not_made(tmp_path: Path) -> None:
    files = KeyFiles(tmp_path / "empty", may_create=False)
    with pytest.raises(SecretMissing):
        files.secret_or_new(VALIDATOR)
    made = KeyFiles(tmp_path / "empty", may_create=True).secret_or_new(VALIDATOR)
    assert files.secret(VALIDATOR) == made
    assert KeyFiles(tmp_path / "empty", may_create=True).secret_or_new(VALIDATOR) == made


def test_a_client_says_that_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(LedgerNodeAway):
        NodeClient(tmp_path / "nobody").head()
