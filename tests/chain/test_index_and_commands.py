"""The read index behind the blocks, and ``manage.py ledger``."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from chain import selectors
from chain.consensus.validators import vote_sign
from chain.contracts import CONTRACT_SETS
from chain.contracts.credits import Mint, Transfer
from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Block, Genesis, Record
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.ports import NoSuchLedger
from chain.engine.proofs import proof_verify
from chain.models import EventIndex, IndexHead, TxIndex
from chain.stores.index import LedgerIndex
from chain.stores.sql import SqlStore
from marketplace.common.errors import NotFound
from tests.pure.chain.toy import GENESIS_MS, secret

ALIAS, NAME = "ledger", "shared-test"
TREASURY, BUYER = 1, 2

pytestmark = pytest.mark.django_db(databases="__all__")


def address(number: int) -> bytes:
    return address_of(public_key(secret(number)))


def raw(sender: int, nonce: int, call: str, args: Record) -> bytes:
    tx = tx_new(ledger=NAME, sender=public_key(secret(sender)), nonce=nonce, valid_until=10**6, call=call, args=args)
    return encode(tx_sign(tx, secret(sender)))


def produce(ledger: Ledger, *raws: bytes) -> Block:
    for each in raws:
        ledger.submit(each)
    taken = ledger.pool.take(ledger.state, ledger.height + 1)
    proposal = ledger.execute(taken.transactions, ledger.time_ms + 1, public_key(secret(0)))
    return ledger.commit(proposal, [vote_sign(secret(0), proposal.header)])


@pytest.fixture
def ledger() -> Ledger:
    params = {
        "t1_ms": 1, "t1_deliver_ms": 1, "t2_ms": 1, "preview_ms": 1, "preview_chunks": 2, "fee_bps": 0, "max_chunks": 99
    }  # fmt: skip
    roles = (("operator", public_key(secret(3))), ("treasury", public_key(secret(TREASURY))))
    validators = (public_key(secret(0)),)
    genesis = Genesis(NAME, "shared", GENESIS_MS, validators, tuple(sorted(params.items())), roles)
    ledger = Ledger(genesis, CONTRACT_SETS["shared"], SqlStore(NAME, ALIAS))
    produce(ledger, raw(TREASURY, 0, "credits.mint", Mint(to=address(BUYER), amount=10)))
    produce(
        ledger,
        raw(BUYER, 0, "credits.transfer", Transfer(to=address(BUYER), amount=4)),
        raw(BUYER, 1, "credits.transfer", Transfer(to=address(5), amount=400)),
    )
    produce(ledger)
    return ledger


def ledger_command(*arguments: str) -> str:
    out = StringIO()
    call_command("ledger", *arguments, stdout=out)
    return out.getvalue()


def index_rows() -> tuple[list[Any], list[Any]]:
    transactions = TxIndex.objects.using(ALIAS).order_by("height", "position").values()
    events = EventIndex.objects.using(ALIAS).order_by("height", "position", "number", "subject").values()
    return list(transactions), list(events)


def test_transactions_are_found_by_id_and_sender_with_their_proof(ledger: Ledger) -> None:
    LedgerIndex(SqlStore(NAME, ALIAS)).advance()
    sent = selectors.transactions_of_sender(alias=ALIAS, ledger=NAME, sender=address(BUYER))
    assert [(row.height, row.position, row.call, row.code) for row in sent] == [
        (2, 0, "credits.transfer", ""),
        (2, 1, "credits.transfer", "balance_too_low"),
    ]
    proof = selectors.transaction_proof(alias=ALIAS, ledger=NAME, tx_id=bytes(sent[1].tx_id))
    assert proof_verify(proof, ledger.genesis).tx.nonce == 1
    with pytest.raises(NotFound):
        selectors.transaction_find(alias=ALIAS, ledger=NAME, tx_id=bytes(32))


def test_events_are_found_by_whom_they_touch_once_each(ledger: Ledger) -> None:
    LedgerIndex(SqlStore(NAME, ALIAS)).advance()
    touching = selectors.events_of_subject(alias=ALIAS, ledger=NAME, subject=address(BUYER))
    assert [(row.height, row.kind) for row in touching] == [(1, "credits.minted"), (2, "credits.moved")]
    later = selectors.events_after(alias=ALIAS, ledger=NAME, after_height=1, kinds=("credits.moved",))
    assert [row.height for row in later] == [2]
    assert selectors.events_after(alias=ALIAS, ledger=NAME, after_height=3) == []


def test_the_index_may_lag_and_catches_up_in_portions(ledger: Ledger) -> None:
    index = LedgerIndex(SqlStore(NAME, ALIAS))
    assert [index.advance(limit=2), index.advance(limit=2), index.advance(limit=2)] == [2, 1, 0]
    assert index.height == 3
    assert LedgerIndex(SqlStore(NAME, ALIAS)).height == 3


def test_two_indexers_do_not_write_a_block_twice(ledger: Ledger) -> None:
    first, second = LedgerIndex(SqlStore(NAME, ALIAS)), LedgerIndex(SqlStore(NAME, ALIAS))
    first.advance()
    second.advance()
    produce(ledger)
    first.advance()
    second.advance()
    assert first.height == second.height == 4
    assert TxIndex.objects.using(ALIAS).count() == 3


def test_reindex_makes_the_same_index_anew(ledger: Ledger) -> None:
    LedgerIndex(SqlStore(NAME, ALIAS)).advance()
    before = index_rows()
    TxIndex.objects.using(ALIAS).filter(height=2).update(code="nonsense")
    EventIndex.objects.using(ALIAS).all().delete()
    assert "3 blocks indexed" in ledger_command("reindex", "shared")
    assert index_rows() == before
    assert IndexHead.objects.using(ALIAS).get().height == 3


def test_show_names_ledger_height_and_blocks(ledger: Ledger) -> None:
    shown = ledger_command("show", NAME)
    assert NAME in shown and "height      3" in shown and ledger.head_hash.hex()[:16] in shown


def test_verify_says_that_the_ledger_holds(ledger: Ledger) -> None:
    said = ledger_command("verify", "shared")
    assert "3 blocks and 3 transactions hold" in said and ledger.head_hash.hex() in said


def test_verify_fails_and_names_the_height(ledger: Ledger) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT data FROM chain_block WHERE height = 2")
        data = bytes(cursor.fetchone()[0])
        changed = data[:200] + bytes([data[200] ^ 1]) + data[201:]
        cursor.execute("UPDATE chain_block SET data = %s WHERE height = 2", [changed])
    with pytest.raises(CommandError, match="wrong at height 2"):
        ledger_command("verify", NAME)


def test_an_unknown_ledger_is_said_to_be_unknown(ledger: Ledger) -> None:
    for name in ("nowhere", "device"):
        with pytest.raises(CommandError, match="no ledger"):
            ledger_command("verify", name)
    with pytest.raises(NoSuchLedger):
        selectors.ledger_genesis(alias="home", ledger=NAME)


def test_device_ledgers_stand_in_the_home_database(ledger: Ledger) -> None:
    store = SqlStore("home-1", "home")
    genesis = Genesis("home-1", "device", GENESIS_MS, (public_key(secret(7)),), (), (("owner", public_key(secret(7))),))
    store.save_genesis(genesis)
    assert "home-1" in ledger_command("show", "home-1", "--database", "home")
    assert "0 blocks" in ledger_command("verify", "device", "--database", "home")
