"""Learning over a market's node: both ledgers in one process, reached by the client, each receipt verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from django.core.management import call_command
from django.test import Client

from chain.client import MarketClient, MemoryPins, ModelsClient
from chain.client.http import Http
from chain.client.inprocess import market_in_process
from chain.client.light import GenesisChanged
from chain.client.wire import genesis_json
from chain.contracts.crossing import ConfirmService, service_order_id_of
from chain.contracts.market.ids import preview_indices
from chain.contracts.market.training_rows import AcceptTraining
from chain.contracts.service_models import rows
from chain.core.blocks import header_hash
from chain.core.codec import encode
from chain.core.errors import WrongLedger
from chain.core.proofs import TxProof
from chain.crypto.hashing import sha256
from chain.engine.proofs import proof_to_json
from chain.exchange.learning import Participants, service_funding, service_order, training_fundings
from chain.node.announce import Announcer
from chain.wallets.signer import Signer
from marketplace.common.errors import NotFound
from tests.chain.market_node import MarketNode
from tests.chain.test_api_events import connected, heard, leave, refused
from tests.pure.chain.contracts.learning import opening, version_args, version_of
from tests.pure.chain.contracts.receipts import NONCE, PLAN, job_of, order_of, round_args, update_of
from tests.pure.chain.contracts.world import TestLot, address, make_lot, secret_of

JOB = job_of("acme")
OFFER = sha256(b"offer")
NAMED = "/api/v1/market/ledger/service_models"


@pytest.fixture
def http(node: MarketNode) -> Iterator[httpx.Client]:
    from marketplace.asgi import _http

    with market_in_process(_http) as client:
        yield client


class Learning:
    """An enterprise ``acme`` and homes, over the clients of both ledgers."""

    def __init__(self, node: MarketNode, http: httpx.Client) -> None:
        self.node = node
        self.market = MarketClient(http, pins=MemoryPins())
        self.models = self.market.models(pins=MemoryPins())
        self.deadline_ms = node.ledger.genesis.time_ms + 10**9

    def pay(self, name: str, call: str, args: Any) -> TxProof:
        return self._send(self.market, name, call, args)

    def tell(self, name: str, call: str, args: Any) -> TxProof:
        return self._send(self.models, name, f"service_models.{call}", args)

    def begin(self) -> None:
        """Acme is accredited on the one ledger, shows it on the other, and registers the service."""
        self.node.buyer(secret_of("acme"), 1000)
        self.node.buyer(secret_of("home"), 500)
        self.node.until_indexed()
        accredited = self.market.events(0, kind="registry.accredited")[0]
        self.tell("any", "accreditation_show", rows.ShowAccreditation(self.market.proof(accredited.tx_id)))
        self.tell("acme", "service_register", rows.ServiceRegister("tariff-advice", "kWh", "Predicts the next hour."))

    def listed(self, *names: str) -> list[TestLot]:
        lots = [make_lot(name, licence_kind="training", price=103, expires_ms=10**15) for name in names]
        for lot in lots:
            height = self.pay(lot.payee, "market.publish", lot.digest).header.height
            while (beacon := self.market.header(height + 1)) is None:
                self.market.head()
            count = self.market.params["preview_chunks"]
            chosen = preview_indices(header_hash(beacon), lot.lot_id, lot.digest.chunk_count, count)
            self.pay(lot.payee, "market.open_preview", lot.preview(chosen))
        return lots

    def learn(self) -> tuple[list[TestLot], Participants]:
        """Three licences, a job, one round, and its reward to each home."""
        lots = self.listed("a", "b", "c")
        lot_rows = [self.market.lot_row(lot.lot_id) for lot in lots]
        terms: dict[str, Any] = {"plan": PLAN, "nonce": NONCE, "rounds": 3, "deadline_ms": self.deadline_ms}
        (funding,) = training_fundings(lot_rows, **terms, bonus=10)
        paid = self.pay("acme", "market.fund_training", funding)
        job = msgspec.structs.replace(opening("acme", paid), deadline_ms=self.deadline_ms)
        self.tell("acme", "job_open", job)
        for lot in lots:
            self.pay(lot.payee, "market.accept_training", AcceptTraining(order_of("acme", lot)))
        here = Participants({order_of("acme", lot): update_of(order_of("acme", lot), 1) for lot in lots})
        args = round_args(JOB, 1, [order_of("acme", lot) for lot in lots], root=here.root)
        done = self.tell("acme", "round", args)
        for release in here.releases(done):
            self.pay("home", "market.release_round", release)
        return lots, here

    def _send(self, client: Any, name: str, call: str, args: Any) -> TxProof:
        signer = Signer(secret_of(name))
        signed = signer.sign_transaction(client.ledger, client.nonce(signer.address), 10**6, call, args)
        proof: TxProof = client.submit_and_wait(signed)
        assert proof.receipt.code == ""
        return proof


@pytest.fixture
def learning(node: MarketNode, http: httpx.Client) -> Learning:
    learning = Learning(node, http)
    learning.begin()
    return learning


def test_a_job_over_both_ledgers_pays_the_homes_and_its_histories_say_for_what(learning: Learning) -> None:
    lots, _ = learning.learn()
    row = learning.market.training_row(order_of("acme", lots[0]))
    assert (row.status, row.released, row.paid_rounds) == ("ACCEPTED", 34, 1)
    assert learning.market.pool_row(JOB).amount == 10
    assert learning.models.job(JOB).done == 1
    assert [each.survivors for each in learning.models.rounds(JOB)] == [3]
    learning.node.until_indexed()
    paid = learning.market.history(address("acme"))
    assert [(move["kind"], move["amount"]) for move in paid] == [("mint", 1000), ("escrow", -319)]
    got = learning.market.history(row.payee)
    assert [(each["kind"], each["amount"], each["order_id"]) for each in got] == [
        ("reward", learning.market.balance(row.payee), row.order_id.hex())
    ]


def test_a_version_is_offered_and_a_household_orders_it_with_money(learning: Learning) -> None:
    learning.learn()
    learning.tell("acme", "version", version_args(1))
    service = rows.service_id_of("tariff-advice")
    learning.tell("home", "request", rows.Request("tariff-advice"))
    (version,) = learning.models.models_of(service)
    assert version.version == version_of(1) and version.participants == 3
    assert learning.models.lineage(version.version) == [version] == [learning.models.version(version.version)]
    assert [each.requests for each in learning.models.services()] == [1]
    assert learning.models.service(service).unit == "kWh"

    terms: dict[str, Any] = {"offer": OFFER, "nonce": NONCE, "price": 120, "deadline_ms": learning.deadline_ms}
    order = service_order_id_of(address("home"), version.version, OFFER, NONCE)
    funding = service_funding(version, household=address("home"), **terms)
    money = learning.pay("home", "service_escrow.fund_service", funding)
    learning.tell("home", "order", service_order(version, **terms, money=money))
    assert learning.models.order(order).status == "PLACED"
    assert learning.market.service_money_row(address("home"), order).status == "FUNDED"
    learning.tell("acme", "order_confirm", rows.OrderConfirm(order))
    paid = learning.pay("acme", "service_escrow.confirm_service", ConfirmService(address("home"), order))
    learning.tell("home", "order_complete", rows.OrderComplete(order, (paid,)))
    assert learning.models.order(order).status == "COMPLETED"
    learning.node.until_indexed()
    learning.node.until_indexed("service_models")
    moves = learning.market.history(address("acme"))[-1:]
    assert [(move["kind"], move["amount"], move["order_id"]) for move in moves] == [("reward", 117, order.hex())]
    kinds = [event.kind for event in learning.models.events(0) if order in event.subjects]
    assert kinds == ["service_order.placed", "service_order.confirmed", "service_order.completed"]


def test_both_ledgers_verify_show_and_reindex_and_their_receipts_hold_offline(
    learning: Learning, tmp_path: Path
) -> None:
    learning.learn()
    learning.node.until_indexed("service_models")
    for kind, ledger in (("shared", learning.node.ledger), ("service_models", learning.node.models)):
        assert f"{ledger.height} blocks" in command("ledger", "verify", kind)
        assert ledger.genesis.ledger in command("ledger", "show", kind)
        assert "blocks indexed" in command("ledger", "reindex", ledger.genesis.ledger)
    proof = learning.tell("home", "request", rows.Request("tariff-advice"))
    (tmp_path / "receipt.json").write_text(json.dumps(proof_to_json(proof)))
    (tmp_path / "genesis.json").write_text(json.dumps(genesis_json(learning.node.models.genesis)))
    said = command("receipt", "verify", str(tmp_path / "receipt.json"), "--genesis", str(tmp_path / "genesis.json"))
    assert "The receipt holds. The call went through." in said and "service_models.request" in said
    assert "same block" in command("receipt", "verify", str(tmp_path / "receipt.json"))


def test_what_is_signed_for_one_ledger_is_void_on_the_other(learning: Learning) -> None:
    raw = learning.node.signed(secret_of("home"), "service_models.request", rows.Request("tariff-advice"))
    with pytest.raises(WrongLedger):
        learning.models.submit_and_wait(raw)


def test_what_is_not_there_is_not_found(learning: Learning, client: Client) -> None:
    nothing = bytes(32)
    for call in (
        learning.models.service, learning.models.models_of, learning.models.job, learning.models.rounds,
        learning.models.version, learning.models.lineage, learning.models.order, learning.models.proof,
        learning.market.training_row, learning.market.pool_row,
    ):  # fmt: skip
        with pytest.raises(NotFound):
            call(nothing)
    with pytest.raises(NotFound):
        learning.market.service_money_row(bytes(20), nothing)
    for path in ("genesis", "head", "blocks/1", "events", f"transactions/{nothing.hex()}", f"accounts/{'00' * 20}"):
        assert client.get(f"/api/v1/market/ledger/joint_models/{path}").status_code == 404, path


def test_long_lists_are_read_in_pages(learning: Learning, client: Client) -> None:
    learning.tell("acme", "service_register", rows.ServiceRegister("comfort", "C", "Keeps it warm."))
    first = client.get(f"{NAMED}/services", {"limit": 1}).json()
    second = client.get(f"{NAMED}/services", {"limit": 1, "after": first["next"]}).json()
    third = client.get(f"{NAMED}/services", {"limit": 1, "after": second["next"]}).json()
    assert {page["rows"][0]["name"] for page in (first, second)} == {"comfort", "tariff-advice"}
    assert (third["rows"], third["next"]) == ([], None)


def test_the_shared_ledger_goes_by_its_name_too(learning: Learning, client: Client) -> None:
    for path in ("genesis", "head", "blocks/1", "events", "validators/changes"):
        named, plain = client.get(f"/api/v1/market/ledger/shared/{path}"), client.get(f"/api/v1/market/ledger/{path}")
        assert named.status_code == 200 and named.json() == plain.json(), path
    by_id = client.get(f"/api/v1/market/ledger/{learning.node.models.genesis.ledger}/genesis").json()
    assert by_id == client.get(f"{NAMED}/genesis").json()


def test_a_market_that_shows_another_model_ledger_than_it_pays_by_is_found_out(
    learning: Learning, http: httpx.Client
) -> None:
    true = learning.node.models.genesis

    def told(genesis: Any) -> ModelsClient:
        body = {"genesis": encode(genesis).hex()}
        transport = httpx.MockTransport(lambda request: httpx.Response(200, json=body))
        api = Http(httpx.Client(transport=transport, base_url="http://market.test"))
        return ModelsClient(api, pins=MemoryPins(), shared=learning.market.genesis)

    assert told(true).ledger == true.ledger
    other = msgspec.structs.replace(true, ledger="service_models-000000000000")
    thief = msgspec.structs.replace(true, validators=(sha256(b"k") + b"\x02",))
    for genesis in (other, thief, learning.node.ledger.genesis):
        with pytest.raises(GenesisChanged):
            _ = told(genesis).ledger


@pytest.mark.asyncio
async def test_a_socket_hears_the_blocks_of_its_own_ledger_alone(node: MarketNode) -> None:
    socket = await connected("service_models")
    assert await heard(socket) == {"ledger": node.models.genesis.ledger, "height": 0}
    announcer = Announcer()
    announcer.block(node.id, 7)
    announcer.block(node.models.genesis.ledger, 3)
    await announcer.close()
    assert await heard(socket) == {"ledger": node.models.genesis.ledger, "height": 3}
    await leave(socket)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["device", "nothing"])
async def test_there_is_no_socket_for_ledgers_that_the_market_does_not_keep(transactional_db: None, kind: str) -> None:
    assert (await refused(kind))["code"] == 4404


def command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()
