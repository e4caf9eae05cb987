"""The pool: bounded, in order, and free of what can never stand in a block."""

from __future__ import annotations

import pytest

from chain.core.errors import Expired, NonceGap, PoolFull
from chain.engine.ledger import Ledger
from chain.engine.mempool import Mempool
from chain.stores.memory import MemoryStore
from tests.pure.chain.toy import LEDGER, TOY_SET, Write, genesis, produce, signed


def ledger_with(pool: Mempool) -> Ledger:
    return Ledger(genesis(), TOY_SET, MemoryStore(LEDGER), pool=pool)


def raw(sender: int, nonce: int, size: int = 1, valid_until: int = 1_000) -> bytes:
    return signed(sender, nonce, "write", Write(b"k", bytes(size)), valid_until=valid_until)


def test_a_full_pool_says_so_and_takes_more_after_the_next_block() -> None:
    ledger = ledger_with(Mempool(max_count=3))
    for nonce in range(3):
        ledger.submit(raw(1, nonce))
    with pytest.raises(PoolFull):
        ledger.submit(raw(2, 0))
    produce(ledger)
    ledger.submit(raw(2, 0))
    assert len(ledger.pool) == 1


def test_the_pool_is_bounded_in_bytes_too() -> None:
    ledger = ledger_with(Mempool(max_bytes=3_000))
    ledger.submit(raw(1, 0, size=2_000))
    with pytest.raises(PoolFull):
        ledger.submit(raw(1, 1, size=2_000))
    ledger.submit(raw(1, 1, size=100))


def test_a_block_takes_the_oldest_first_up_to_its_bounds() -> None:
    ledger = ledger_with(Mempool())
    order = [ledger.submit(raw(sender, 0, size=500)).tx_id for sender in (3, 1, 2, 5)]
    by_count = ledger.pool.take(ledger.state, 1, max_count=2).transactions
    assert [prepared.tx_id for prepared in by_count] == order[:2]
    by_size = ledger.pool.take(ledger.state, 1, max_bytes=2_100).transactions
    assert [prepared.tx_id for prepared in by_size] == order[:3]
    one_too_large = ledger.pool.take(ledger.state, 1, max_bytes=10).transactions
    assert [prepared.tx_id for prepared in one_too_large] == order[:1], "a large one is never stuck"


def test_what_expires_while_it_waits_is_dropped_with_what_builds_on_it() -> None:
    ledger = ledger_with(Mempool())
    ledger.submit(raw(1, 0, valid_until=1))
    ledger.submit(raw(1, 1))
    ledger.submit(raw(2, 0))
    taken = ledger.pool.take(ledger.state, 2)
    assert [prepared.tx.nonce for prepared in taken.transactions] == [0]
    assert [type(reason) for _, reason in taken.dropped] == [Expired, NonceGap]
    assert len(ledger.pool) == 1
    ledger.submit(raw(1, 0))


def test_the_bytes_of_what_left_are_given_back() -> None:
    ledger = ledger_with(Mempool())
    ledger.submit(raw(1, 0))
    ledger.submit(raw(1, 1))
    produce(ledger)
    assert ledger.pool.bytes == 0 and len(ledger.pool) == 0
    ledger.pool.remove([b"never seen"])
