"""What the operator does with the deployment's keys, on a real node."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from pytest_django import Settings

from chain import services
from chain.contracts.credits import BALANCES, Balance
from chain.contracts.registry import ACCREDITED, Accreditation, AccreditationPast
from chain.contracts.service_models.rows import ACCREDITED as SHOWN
from chain.contracts.service_models.rows import AccreditedRow
from chain.core.codec import decode
from chain.engine.proofs import proof_verify
from chain.node.keys import SecretMissing
from chain.rpc import SHARED
from tests.chain.node_process import NodeProcess

ADDRESS = b"b" * 20


@pytest.fixture(scope="module")
def running() -> Iterator[NodeProcess]:
    with NodeProcess() as node:
        node.start()
        yield node


@pytest.fixture
def node(running: NodeProcess, settings: Settings) -> NodeProcess:
    settings.HEARTH_SECRETS_DIR = running.var / "secrets"
    settings.HEARTH_LEDGER_SOCKET = running.var / "ledger.sock"
    return running


def balance(node: NodeProcess, address: bytes) -> int:
    data = node.client.get(SHARED, BALANCES.name, address)
    return 0 if data is None else decode(Balance, data).amount


def shown(node: NodeProcess) -> AccreditedRow | None:
    """What the service-model ledger was shown of the address."""
    data = node.client.get("service_models", SHOWN.name, ADDRESS)
    return None if data is None else decode(AccreditedRow, data)


def test_the_treasury_mints_and_the_receipt_proves_it(node: NodeProcess) -> None:
    before = balance(node, ADDRESS)
    proof = services.credits_mint(to=ADDRESS, amount=250)
    assert proof_verify(proof, node.client.genesis()).tx.call == "credits.mint"
    assert balance(node, ADDRESS) == before + 250


def test_two_processes_that_mint_at_once_both_get_their_block(node: NodeProcess) -> None:
    threads = [Thread(target=services.credits_mint, kwargs={"to": b"c" * 20, "amount": 1}) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert balance(node, b"c" * 20) == 6


def test_the_operator_accredits_and_suspends(node: NodeProcess) -> None:
    accredited = services.enterprise_accredit(address=ADDRESS, until_ms=2**45)
    assert shown(node) == AccreditedRow(until_ms=2**45, suspended=False, height=accredited.header.height)
    suspended = services.enterprise_suspend(address=ADDRESS)
    data = node.client.get(SHARED, ACCREDITED.name, ADDRESS)
    assert data is not None and decode(Accreditation, data) == Accreditation(until_ms=2**45, suspended=True)
    assert shown(node) == AccreditedRow(until_ms=2**45, suspended=True, height=suspended.header.height)


def test_an_accreditation_stands_even_if_it_can_not_be_shown_to_the_other_ledger(
    node: NodeProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(services, "SERVICE_MODELS", "no such ledger")
    proof = services.enterprise_accredit(address=b"d" * 20, until_ms=2**45)
    assert proof.receipt.code == "" and "was not shown" in caplog.text


def test_what_the_contract_refuses_is_raised_as_its_own_class(node: NodeProcess) -> None:
    with pytest.raises(AccreditationPast):
        services.enterprise_accredit(address=ADDRESS, until_ms=1)


def test_without_the_key_nothing_is_signed(node: NodeProcess, settings: Settings) -> None:
    settings.HEARTH_SECRETS_DIR = node.var / "elsewhere"
    with pytest.raises(SecretMissing):
        services.credits_mint(to=ADDRESS, amount=1)
