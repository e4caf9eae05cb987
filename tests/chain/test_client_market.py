"""The market client against a real market in the same process: a real node, and the real application by ASGI."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from chain.client import FilePins, MarketClient, MemoryPins
from chain.client.inprocess import market_in_process
from chain.client.light import ForkFound, GenesisChanged
from chain.client.records import SignedHeader
from chain.client.wire import signed_header_json
from chain.consensus.validators import vote_sign
from chain.contracts.credits import Transfer
from chain.contracts.market.ids import order_id_of, preview_indices
from chain.contracts.market.rows import Accept
from chain.contracts.registry import AddValidator
from chain.core.blocks import header_hash
from chain.core.codec import encode
from chain.core.errors import LedgerFault, NonceGap
from chain.core.finality import commit_of
from chain.core.transactions import tx_id_of
from chain.crypto.secp256k1 import public_key
from chain.engine.proofs import ProofInvalid, proof_from_json
from chain.node.keys import OPERATOR, VALIDATOR
from chain.wallets.signer import Signer
from marketplace.common.errors import NotFound
from tests.chain.market_node import MarketNode
from tests.pure.chain.contracts.world import (
    World,
    address,
    answer,
    commit_args,
    deliver_args,
    fund_args,
    key_of,
    make_lot,
    secret_of,
    shared_genesis,
)


@pytest.fixture
def http(node: MarketNode) -> Iterator[httpx.Client]:
    from marketplace.asgi import _http

    with market_in_process(_http) as client:
        yield client


@pytest.fixture
def market(http: httpx.Client) -> MarketClient:
    return MarketClient(http, pins=MemoryPins())


def transfer(amount: int) -> Transfer:
    return Transfer(to=address("bolt"), amount=amount)


def sign(node: MarketNode, name: str, call: str, args: Any, market: MarketClient) -> bytes:
    signer = Signer(secret_of(name))
    nonce = market.nonce(signer.address)
    return encode(signer.sign_transaction(market.ledger, nonce, 10**6, call, args))


def test_the_client_sends_and_gets_a_verified_receipt(node: MarketNode, market: MarketClient) -> None:
    node.buyer(secret_of("acme"), 100)
    signer = Signer(secret_of("acme"))
    signed = signer.sign_transaction(
        market.ledger, market.nonce(signer.address), 10**6, "credits.transfer", transfer(3)
    )
    proof = market.submit_and_wait(signed)
    assert proof.receipt.code == "" and proof.tx_id == tx_id_of(encode(signed))
    assert market.submit_and_wait(encode(signed)) == proof, "sent again, it is the same transaction"
    assert market.proof(proof.tx_id) == proof
    assert (market.balance(address("bolt")), market.balance(address("acme"))) == (3, 97)
    assert market.head() == proof.header == market.header(proof.header.height)
    assert market.header(99) is None


def test_refusals_of_the_pool_come_as_their_own_errors(node: MarketNode, market: MarketClient) -> None:
    raw = node.signed(secret_of("acme"), "credits.transfer", transfer(1), nonce=4)
    with pytest.raises(NonceGap):
        market.submit_and_wait(raw)
    with pytest.raises(NotFound):
        market.proof(bytes(32))
    with pytest.raises(NotFound):
        market.head()
    with pytest.raises(NotFound):
        market.lot_row(bytes(32))


def test_a_purchase_by_the_client_alone(node: MarketNode, market: MarketClient) -> None:
    node.buyer(secret_of("acme"), 100)
    lot = make_lot("client", expires_ms=10**15)
    world = World(shared_genesis())
    world.genesis = market.genesis()

    def send(name: str, call: str, args: Any) -> int:
        proof = market.submit_and_wait(sign(node, name, call, args, market))
        assert proof.receipt.code == ""
        return proof.header.height

    anchored = send(lot.payee, "market.publish", lot.digest)
    while (beacon := market.header(anchored + 1)) is None:
        market.head()
    count = market.params["preview_chunks"]
    indices = preview_indices(header_hash(beacon), lot.lot_id, lot.digest.chunk_count, count)
    send(lot.payee, "market.open_preview", lot.preview(indices))
    send("acme", "market.fund", fund_args(world, lot, "r1", "acme"))
    order_id = order_id_of(lot.lot_id, key_of("r1"))
    e = answer(lot, "r1")
    send(lot.payee, "market.commit", commit_args(order_id, e))
    send(lot.payee, "market.deliver", deliver_args(order_id, e))
    assert market.order_row(order_id).e == e
    last = send("acme", "market.accept", Accept(order_id=order_id))
    assert market.lot_row(lot.lot_id).digest == lot.digest
    node.until_indexed()
    assert market.indexed_height() >= last
    events = market.events(0)
    assert [event.kind for event in events if order_id in event.subjects] == [
        "order.funded", "order.committed", "order.delivered", "order.settled",
    ]  # fmt: skip
    assert market.events(last) == []
    assert [move["kind"] for move in market.history(address("acme"))] == ["mint", "escrow"]


def test_events_are_read_over_many_pages(
    node: MarketNode, market: MarketClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.buyer(secret_of("acme"), 100)
    for amount in (1, 2, 3):
        node.done(secret_of("acme"), "credits.transfer", transfer(amount))
    node.until_indexed()
    whole = market.events(0)
    monkeypatch.setattr("chain.client.ledger.EVENTS_PAGE", 1)
    assert market.events(0) == whole and len(whole) == 5
    assert [event.height for event in market.events(2, 4)] == [3, 4]


def test_new_validators_are_followed_without_being_asked(node: MarketNode, market: MarketClient) -> None:
    node.buyer(secret_of("acme"), 100)
    assert market.head().height == 2
    joined = node.keys.secret(VALIDATOR)
    node.done(node.keys.secret(OPERATOR), "registry.add_validator", AddValidator(key=key_of("second")))
    node.until_indexed()
    market.head()
    market._follow_validators()
    assert [v.key for v in market.light.pin.validators_at(99)] == [public_key(joined), key_of("second")]


def lying(http: httpx.Client, change: Callable[[str, Any], Any]) -> httpx.Client:
    """The same market, but what it tells goes through ``change(path, body)``."""

    def answer_with_a_lie(request: httpx.Request) -> httpx.Response:
        told = http.send(
            http.build_request(request.method, request.url, content=request.read(), headers=request.headers)
        )
        body = change(request.url.path, told.json())
        return httpx.Response(told.status_code, json=body)

    return httpx.Client(transport=httpx.MockTransport(answer_with_a_lie), base_url="http://market.test")


def test_a_receipt_of_another_transaction_is_not_taken(node: MarketNode, http: httpx.Client) -> None:
    node.buyer(secret_of("acme"), 100)
    other = node.done(secret_of("acme"), "credits.transfer", transfer(1))
    raw = node.signed(secret_of("acme"), "credits.transfer", transfer(2))

    def change(path: str, body: Any) -> Any:
        if path.endswith("/transactions"):
            return json.loads(http.get(f"{path}/{other.tx_id.hex()}").text)
        return body

    with pytest.raises(ProofInvalid):
        MarketClient(lying(http, change), pins=MemoryPins()).submit_and_wait(raw)


def test_a_receipt_whose_bytes_were_changed_is_not_taken(node: MarketNode, http: httpx.Client) -> None:
    node.buyer(secret_of("acme"), 100)
    raw = node.signed(secret_of("acme"), "credits.transfer", transfer(200))

    def change(path: str, body: Any) -> Any:
        if path.endswith("/transactions"):
            proof = proof_from_json(body)
            assert proof.receipt.code == "balance_too_low"
            body["shows"]["outcome"] = "done"
        return body

    with pytest.raises(Exception, match="readable part"):
        MarketClient(lying(http, change), pins=MemoryPins()).submit_and_wait(raw)


def test_a_market_that_changes_its_ledger_is_found_out(node: MarketNode, http: httpx.Client, tmp_path: Path) -> None:
    pins = FilePins(tmp_path / "market.pin")
    MarketClient(http, pins=pins).genesis()

    def change(path: str, body: Any) -> Any:
        if path.endswith("/genesis"):
            return {**body, "genesis": encode(shared_genesis()).hex()}
        return body

    with pytest.raises(GenesisChanged):
        MarketClient(lying(http, change), pins=FilePins(tmp_path / "market.pin")).genesis()


def test_a_market_that_shows_two_blocks_of_one_height_is_found_out(node: MarketNode, http: httpx.Client) -> None:
    node.buyer(secret_of("acme"), 100)
    market = MarketClient(http, pins=MemoryPins())
    true = market.head()
    false = msgspec.structs.replace(true, state_hash=bytes(32))
    commit = commit_of([vote_sign(node.keys.secret(VALIDATOR), false)])

    def change(path: str, body: Any) -> Any:
        if path.endswith("/head"):
            return {**body, **signed_header_json(SignedHeader(false, commit))}
        return body

    pins = MemoryPins()
    pins.save(market.light.pin)
    with pytest.raises(ForkFound):
        MarketClient(lying(http, change), pins=pins).head()
    assert len(pins.forks) == 1


def test_a_market_that_tells_of_another_block_is_found_out(node: MarketNode, http: httpx.Client) -> None:
    node.buyer(secret_of("acme"), 100)

    def change(path: str, body: Any) -> Any:
        if path.endswith("/blocks/2"):
            return json.loads(http.get(path.replace("/2", "/1")).text)
        return body

    with pytest.raises(LedgerFault):
        MarketClient(lying(http, change), pins=MemoryPins()).header(2)


def test_ids_stay_one_segment_of_the_path(market: MarketClient) -> None:
    for text in ("../x", "a/b", "", "a?b"):
        with pytest.raises(NotFound):
            market.lot(text)
