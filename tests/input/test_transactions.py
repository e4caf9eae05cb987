"""Bad transactions at the market's door, in front of a real ledger node: each has its own code, and nothing changes.

tests/chain/test_api.py has the plain cases; here are those that somebody makes on purpose.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.contracts.credits import Mint, Transfer
from chain.core.codec import decode, encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import SignedTransaction
from chain.crypto.secp256k1 import ORDER, public_key
from chain.engine.application import MAX_TX_BYTES
from tests.chain.market_node import MarketNode, market_node
from tests.input.everything import everything
from tests.pure.chain.contracts.world import address, secret_of

OCTETS = "application/octet-stream"
DOOR = "/api/v1/market/ledger/transactions"
PAYER = secret_of("acme")
KNOWN = {
    "input_invalid", "tx_malformed", "tx_too_large", "tx_bad_signature", "tx_wrong_ledger", "tx_expired",
    "tx_nonce_used", "tx_nonce_gap", "tx_unknown_call", "tx_bad_arguments",
}  # fmt: skip


@pytest.fixture
def node(transactional_db: None, tmp_path: Path) -> Iterator[MarketNode]:
    """A node on which acme has 100 credits and has sent one transaction."""
    with market_node(tmp_path) as running:
        running.buyer(PAYER, 100)
        running.done(PAYER, "credits.transfer", Transfer(to=address("bolt"), amount=1))
        running.until_indexed()
        yield running


def post(client: Client, body: Any, kind: str = OCTETS) -> tuple[int, str]:
    answer = client.post(DOOR, body, content_type=kind)
    told = answer.json()
    if answer.status_code != 200:
        assert answer["Content-Type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "code"} <= set(told)
    return answer.status_code, told.get("code", "")


def transfer(node: MarketNode, amount: int = 1, **changes: Any) -> SignedTransaction:
    """A right transaction of acme's, or one that differs in what ``changes`` names and is signed as it stands."""
    fields = {
        "ledger": node.id, "sender": public_key(PAYER), "nonce": 1, "valid_until": 10**9, "call": "credits.transfer",
        "args": Transfer(to=address("bolt"), amount=amount),
    }  # fmt: skip
    return tx_sign(tx_new(**{**fields, **changes}), changes.get("secret", PAYER))


def head(node: MarketNode) -> tuple[bytes, int]:
    """The state's hash, and the height."""
    assert node.ledger.head is not None
    return node.ledger.head.state_hash, node.ledger.height


def before(node: MarketNode) -> tuple[bytes, int, dict[str, bytes]]:
    return *head(node), everything()


def high_s(signed: SignedTransaction) -> bytes:
    other = ORDER - int.from_bytes(signed.signature[32:], "big")
    return encode(msgspec.structs.replace(signed, signature=signed.signature[:32] + other.to_bytes(32, "big")))


def by_another_key(signed: SignedTransaction) -> bytes:
    """Acme's transaction under the signature of somebody else."""
    forged = tx_sign(msgspec.structs.replace(signed.tx, sender=public_key(secret_of("thief"))), secret_of("thief"))
    return encode(msgspec.structs.replace(signed, signature=forged.signature))


def test_each_bad_transaction_has_its_own_code_and_changes_nothing(node: MarketNode, client: Client) -> None:
    right = transfer(node)
    raw = encode(right)
    cases = [
        (raw[:20], 400, "tx_malformed"),
        (b"\xdc\x00\x02" + raw[1:], 400, "tx_malformed"),  # the same, one array announced in more bytes than needed
        (b"\x93" * 5_000, 400, "tx_malformed"),  # arrays in arrays
        (b"\xdd\xff\xff\xff\xff", 400, "tx_malformed"),  # an array of four thousand million
        (raw + bytes(MAX_TX_BYTES), 413, "tx_too_large"),
        (high_s(right), 400, "tx_bad_signature"),
        (by_another_key(right), 400, "tx_bad_signature"),
        (encode(msgspec.structs.replace(right, signature=bytes(64))), 400, "tx_bad_signature"),
        (encode(transfer(node, ledger="shared-elsewhere")), 400, "tx_wrong_ledger"),
        (encode(transfer(node, valid_until=1)), 400, "tx_expired"),
        (encode(transfer(node, amount=5, nonce=0)), 409, "tx_nonce_used"),  # another one in the place of the first
        (encode(transfer(node, nonce=9)), 409, "tx_nonce_gap"),
        (encode(transfer(node, call="os.system")), 400, "tx_unknown_call"),
        (encode(transfer(node, args=Mint(to=address("acme"), amount=1), call="credits.move")), 400, "tx_unknown_call"),
    ]
    as_it_was = before(node)
    assert [post(client, raw) for raw, _, _ in cases] == [(status, code) for _, status, code in cases]
    assert before(node) == as_it_was
    assert post(client, encode(right)) == (200, ""), "the sender can still send the right one"


def test_a_transaction_sent_again_pays_once(node: MarketNode, client: Client) -> None:
    raw = encode(transfer(node, amount=30))
    assert post(client, raw) == (200, "")
    node.until_indexed()
    as_it_was = before(node)
    for _ in range(3):
        assert post(client, raw) == (200, "")
    assert before(node) == as_it_was
    assert client.get(f"/api/v1/market/ledger/accounts/{address('bolt').hex()}").json()["balance"] == 31


def test_what_comes_as_json_is_refused_as_clearly(node: MarketNode, client: Client) -> None:
    def text(value: Any) -> str:
        return json.dumps({"tx": value})

    big = base64.b64encode(bytes(MAX_TX_BYTES + 1)).decode()
    cases = [
        ("", "application/json", 400, "input_invalid"),
        ("{", "application/json", 400, "input_invalid"),
        ("[]", "application/json", 400, "input_invalid"),
        ("null", "application/json", 400, "input_invalid"),
        (text(7), "application/json", 400, "tx_malformed"),
        (text(None), "application/json", 400, "input_invalid"),
        (text({"a": 1}), "application/json", 400, "input_invalid"),
        (text("päß"), "application/json", 400, "tx_malformed"),
        (text("\x00"), "application/json", 400, "input_invalid"),
        (text(big), "application/json", 413, "tx_too_large"),
        ("tx=x", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"x", "text/html", 415, "unsupported_media_type"),
    ]
    as_it_was = before(node)
    got = [post(client, body, kind) for body, kind, _, _ in cases]
    assert got == [(status, code) for _, _, status, code in cases]
    assert before(node) == as_it_was


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(0, 10**6), change=st.integers(1, 255), kind=st.sampled_from(("change", "cut", "insert", "end"))
)
def test_no_change_to_a_signed_transaction_gets_past_the_door(
    node: MarketNode, client: Client, place: int, change: int, kind: str
) -> None:
    raw = encode(transfer(node))
    at = place % len(raw)
    spoilt = {
        "change": raw[:at] + bytes([raw[at] ^ change]) + raw[at + 1 :],
        "cut": raw[:at] + raw[at + 1 :],
        "insert": raw[:at] + bytes([change]) + raw[at:],
        "end": raw[:at],
    }[kind]
    as_it_was = head(node)
    status, code = post(client, spoilt)
    assert 400 <= status < 500 and code in KNOWN
    assert head(node) == as_it_was


def test_the_spoilt_transaction_of_these_tests_is_a_right_one_before(node: MarketNode) -> None:
    assert decode(SignedTransaction, encode(transfer(node))) == transfer(node)
    assert not node.client.submit_and_wait(encode(transfer(node))).receipt.code
