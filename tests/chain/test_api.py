"""The ledger's REST API over a real node: what it answers, to whom, and how it refuses."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.test import Client

from chain.client.records import SignedHeader
from chain.client.wire import signed_header_parse
from chain.contracts.credits import Transfer
from chain.contracts.market.ids import order_id_of, preview_indices
from chain.contracts.market.rows import Accept, LotRow, OrderRow, Publish, Reprice
from chain.contracts.registry import AddValidator
from chain.core.blocks import header_hash
from chain.core.codec import decode
from chain.core.finality import votes_check
from chain.core.types import Validator
from chain.crypto.hashing import address_of
from chain.engine.application import MAX_TX_BYTES
from chain.engine.proofs import proof_from_json, proof_verify
from chain.node.keys import OPERATOR
from chain.wallets.address import address_text
from marketplace.accounts.models import User
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

LEDGER = "/api/v1/market/ledger"
OCTETS = "application/octet-stream"


def get(client: Client, path: str, status: int = 200, **query: Any) -> Any:
    response = client.get(f"{LEDGER}/{path}", query)
    assert response.status_code == status, response.content
    return response.json()


def post(client: Client, raw: bytes, status: int = 200) -> Any:
    response = client.post(f"{LEDGER}/transactions", raw, content_type=OCTETS)
    assert response.status_code == status, response.content
    return response.json()


def test_the_genesis_names_the_ledger_that_transactions_are_signed_for(node: MarketNode, client: Client) -> None:
    told = get(client, "genesis")
    assert told["ledger"] == node.id
    assert told["params"]["preview_chunks"] == 2


def test_before_it_has_begun_the_ledger_is_not_there(transactional_db: None, client: Client) -> None:
    for path in ("genesis", "head", "events"):
        assert get(client, path, 404)["code"] == "ledger_unknown"


def test_a_node_that_is_away_is_said_so_and_may_be_asked_again(transactional_db: None, client: Client) -> None:
    told = get(client, f"accounts/{address('acme').hex()}", 503)
    assert told["code"] == "ledger_node_away"


def test_a_transaction_is_answered_with_a_receipt_that_proves_itself(node: MarketNode, client: Client) -> None:
    node.buyer(secret_of("acme"), 100)
    raw = node.signed(secret_of("acme"), "credits.transfer", Transfer(to=address("bolt"), amount=30))
    proof = proof_from_json(post(client, raw))
    assert proof_verify(proof, node.ledger.genesis).tx.call == "credits.transfer"
    assert proof.receipt.code == ""
    again = get(client, f"transactions/{proof.tx_id.hex()}")
    assert proof_from_json(again) == proof
    assert proof_from_json(post(client, raw)) == proof, "sent again, it is the same transaction"
    told = get(client, f"accounts/{address('bolt').hex()}")
    assert (told["balance"], told["address"]) == (30, address_text(address("bolt")))
    assert get(client, f"accounts/{address_text(address('acme'))}")["nonce"] == 1


def test_a_refused_call_is_final_and_its_receipt_has_the_code(node: MarketNode, client: Client) -> None:
    raw = node.signed(secret_of("poor"), "credits.transfer", Transfer(to=address("bolt"), amount=1))
    assert post(client, raw)["shows"]["outcome"] == "balance_too_low"


def test_a_transaction_may_come_as_base64_in_json(node: MarketNode, client: Client) -> None:
    raw = node.signed(secret_of("poor"), "credits.transfer", Transfer(to=address("bolt"), amount=1))
    body = json.dumps({"tx": base64.b64encode(raw).decode()})
    response = client.post(f"{LEDGER}/transactions", body, content_type="application/json")
    assert response.status_code == 200
    bad = client.post(f"{LEDGER}/transactions", json.dumps({"tx": "!"}), content_type="application/json")
    assert (bad.status_code, bad.json()["code"]) == (400, "tx_malformed")


def test_what_is_no_transaction_is_refused_with_its_own_code(node: MarketNode, client: Client) -> None:
    right = node.signed(secret_of("acme"), "credits.transfer", Transfer(to=address("bolt"), amount=1))
    flipped = right[:-1] + bytes([right[-1] ^ 1])
    gap = node.signed(secret_of("acme"), "credits.transfer", Transfer(to=address("bolt"), amount=1), nonce=7)
    unknown = node.signed(secret_of("acme"), "credits.steal", Transfer(to=address("bolt"), amount=1))
    wrong = node.signed(secret_of("acme"), "credits.transfer", Reprice(price=1))
    for raw, status, code in (
        (b"", 400, "input_invalid"),
        (b"\x90", 400, "tx_malformed"),
        (right[:-1], 400, "tx_malformed"),
        (right + b"\x00", 400, "tx_malformed"),
        (bytes(MAX_TX_BYTES + 1), 413, "tx_too_large"),
        (flipped, 400, "tx_bad_signature"),
        (gap, 409, "tx_nonce_gap"),
        (unknown, 400, "tx_unknown_call"),
        (wrong, 400, "tx_bad_arguments"),
    ):
        assert post(client, raw, status)["code"] == code
    assert get(client, "head")["height"] == 0


def test_problem_details_are_of_their_own_media_type(node: MarketNode, client: Client) -> None:
    response = client.get(f"{LEDGER}/lots/{'0' * 64}")
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "ledger_lot_unknown"
    assert get(client, f"orders/{'0' * 64}", 404)["code"] == "ledger_order_unknown"
    assert get(client, f"transactions/{'0' * 64}", 404)["code"] == "not_found"
    assert get(client, "blocks/99", 404)["code"] == "not_found"
    assert get(client, "accounts/nobody", 400)["code"] == "address_invalid"
    assert get(client, "events", 400, after="x")["code"] == "cursor_invalid"
    assert get(client, "events", 400, limit=0)["code"] == "input_invalid"


def test_headers_come_with_the_votes_that_make_them_final(node: MarketNode, client: Client) -> None:
    empty = get(client, "head")
    assert (empty["height"], empty["header"]) == (0, "")
    node.buyer(secret_of("acme"), 100)
    head: SignedHeader = signed_header_parse(get(client, "head"))
    votes_check([Validator(key) for key in node.ledger.genesis.validators], head.header, head.commit)
    first = signed_header_parse(get(client, "blocks/1"))
    assert first.header.height == 1
    assert signed_header_parse(get(client, "blocks/2")).header.previous == header_hash(first.header)


def purchase(node: MarketNode) -> tuple[bytes, bytes]:
    """A lot from publish to a settled order; gives the ids of both."""
    lot = make_lot("api", expires_ms=10**15)
    world = World(shared_genesis())
    world.genesis = node.ledger.genesis
    payee = secret_of(lot.payee)
    anchored = node.done(payee, "market.publish", lot.digest).header.height
    while (beacon := node.ledger.store.block(anchored + 1)) is None or node.ledger.height <= anchored:
        node.client.head()
    indices = preview_indices(header_hash(beacon.header), lot.lot_id, lot.digest.chunk_count, 2)
    node.done(payee, "market.open_preview", lot.preview(indices))
    node.done(secret_of("acme"), "market.fund", fund_args(world, lot, "r1", "acme"))
    order_id = order_id_of(lot.lot_id, key_of("r1"))
    e = answer(lot, "r1")
    node.done(payee, "market.commit", commit_args(order_id, e))
    node.done(payee, "market.deliver", deliver_args(order_id, e))
    node.done(secret_of("acme"), "market.accept", Accept(order_id=order_id))
    return lot.lot_id, order_id


def test_a_purchase_is_told_by_rows_events_and_histories(node: MarketNode, client: Client) -> None:
    node.buyer(secret_of("acme"), 100)
    lot_id, order_id = purchase(node)
    node.until_indexed()
    lot = get(client, f"lots/{lot_id.hex()}")
    assert (lot["status"], lot["digest"]["device_class"]) == ("LISTED", "thermometer")
    assert decode(LotRow, bytes.fromhex(lot["row"])).lot_id == lot_id
    order = get(client, f"orders/{order_id.hex()}")
    assert (order["status"], order["outcome"]) == ("SETTLED", "accepted")
    assert decode(OrderRow, bytes.fromhex(order["row"])).order_id == order_id
    kinds = [event["kind"] for event in get(client, "events")["events"]]
    assert [kind for kind in kinds if kind != "credits.moved"] == [
        "registry.accredited", "credits.minted", "lot.anchored", "lot.listed",
        "order.funded", "order.committed", "order.delivered", "order.settled",
    ]  # fmt: skip

    def moves(account: bytes) -> list[tuple[str, int, str]]:
        told = get(client, f"accounts/{account.hex()}/history")["moves"]
        return [(move["kind"], move["amount"], move["order_id"]) for move in told]

    assert moves(address("acme")) == [("mint", 100, ""), ("escrow", -40, order_id.hex())]
    assert moves(address("payee/api")) == [("reward", 39, order_id.hex())]
    operator = bytes.fromhex(get(client, "genesis")["roles"]["operator"])
    assert moves(address_of(operator)) == [("fee", 1, order_id.hex())]


def test_events_and_histories_come_in_pages_without_gap_or_repetition(node: MarketNode, client: Client) -> None:
    node.buyer(secret_of("acme"), 100)
    for amount in (1, 2, 3, 4):
        node.done(secret_of("acme"), "credits.transfer", Transfer(to=address("bolt"), amount=amount))
    node.until_indexed()
    whole = get(client, "events")
    assert whole["next"] is None and whole["indexed_height"] == 6
    pages, after = [], "0"
    while after is not None:
        page = get(client, "events", after=after, limit=1)
        pages += page["events"]
        after = page["next"]
    assert pages == whole["events"]
    assert [event["height"] for event in get(client, "events", after="4")["events"]] == [5, 6]
    assert [event["height"] for event in get(client, "events", after="2", up_to=3)["events"]] == [3]
    assert len(get(client, "events", kind="credits.minted")["events"]) == 1
    path = f"accounts/{address('acme').hex()}/history"
    first = get(client, path, limit=2)
    rest = get(client, path, after=first["next"])
    assert [move["amount"] for move in first["moves"] + rest["moves"]] == [100, -1, -2, -3, -4]
    assert get(client, path, after="6") == {"moves": [], "next": None, "indexed_height": 6}


def test_changes_of_the_validators_come_with_their_proofs(node: MarketNode, client: Client) -> None:
    args = AddValidator(key=key_of("second"))
    done = node.done(node.keys.secret(OPERATOR), "registry.add_validator", args)
    node.until_indexed()
    (told,) = get(client, "validators/changes")["proofs"]
    assert proof_from_json(told) == done
    assert get(client, "validators/changes", after=done.header.height)["proofs"] == []


READS = ["genesis", "head", "events", f"accounts/{'0' * 40}", f"accounts/{'0' * 40}/history", "validators/changes"]


@pytest.mark.parametrize("role", ["stranger", "owner", "other_owner", "member", "other_member", "operator"])
def test_reads_and_sending_are_public_and_alike_for_every_role(
    node: MarketNode, client: Client, request: pytest.FixtureRequest, role: str
) -> None:
    if role != "stranger":
        user: User = request.getfixturevalue(role)
        client.force_login(user)
    for path in READS:
        assert client.get(f"{LEDGER}/{path}").status_code == 200
    raw = node.signed(secret_of("poor"), "credits.transfer", Transfer(to=address("bolt"), amount=1))
    assert post(client, raw)["shows"]["outcome"] == "balance_too_low"


def test_a_wrong_token_does_not_keep_anybody_from_what_is_public(node: MarketNode, client: Client) -> None:
    assert client.get(f"{LEDGER}/head", headers={"Authorization": "Bearer hub_nonsense"}).status_code == 200


def test_only_the_methods_that_are_there_are_answered(node: MarketNode, client: Client) -> None:
    for method in ("post", "put", "delete"):
        assert getattr(client, method)(f"{LEDGER}/head").status_code == 405
    assert client.get(f"{LEDGER}/transactions").status_code == 405


def test_sending_is_throttled(node: MarketNode, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from rest_framework.throttling import ScopedRateThrottle

    monkeypatch.setattr(ScopedRateThrottle, "THROTTLE_RATES", {"market_write": "2/min"})
    for _ in range(2):
        post(client, b"", 400)
    assert post(client, b"", 429)["code"] == "throttled"
    assert get(client, "head")["height"] == 0, "reads go on"


def test_every_endpoint_is_in_the_schema(client: Client, db: None) -> None:
    response = client.get("/api/schema/", headers={"Accept": "application/json"})
    paths = {path for path in response.json()["paths"] if path.startswith(LEDGER)}
    assert paths == {
        f"{LEDGER}/{path}"
        for path in (
            "genesis", "head", "blocks/{height}", "transactions", "transactions/{tx_id}", "accounts/{address}",
            "accounts/{address}/history", "events", "lots/{lot_id}", "orders/{order_id}", "validators/changes",
            "trainings/{order_id}", "pools/{job}", "service-money/{key}",
            "{ledger}/genesis", "{ledger}/head", "{ledger}/blocks/{height}", "{ledger}/transactions",
            "{ledger}/transactions/{tx_id}", "{ledger}/accounts/{address}", "{ledger}/events",
            "{ledger}/validators/changes",
            "service_models/services", "service_models/services/{service}",
            "service_models/services/{service}/models", "service_models/jobs/{job}",
            "service_models/jobs/{job}/rounds", "service_models/versions/{version}",
            "service_models/versions/{version}/lineage", "service_models/orders/{order_id}",
            "service_models/peers/{address}", "service_models/round-keys/{key}",
        )
    }  # fmt: skip


def test_a_digest_reaches_the_ledger_as_it_was_signed(node: MarketNode, client: Client) -> None:
    lot = make_lot("exact", expires_ms=10**15)
    proof = proof_from_json(post(client, node.signed(secret_of(lot.payee), "market.publish", lot.digest)))
    assert decode(Publish, proof.signed.tx.args) == lot.digest
