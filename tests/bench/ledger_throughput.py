"""Anchors a second: ``market.publish``, signed by fresh keys, verified, executed, durable with synchronous=FULL.

Run with ``python -m tests.bench.ledger_throughput``. The peer does the least that any ledger in Python must: verify the
same signatures with libsecp256k1 and insert the same bytes, one row a transaction, in transactions of 500.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future
from time import perf_counter

from chain.core.codec import decode
from chain.core.transactions import tx_id_of
from chain.core.types import SignedTransaction
from chain.crypto.secp256k1 import parsed_keys_forget, verify
from chain.engine.application import Prepared
from chain.engine.ledger import Ledger
from chain.node.verify_pool import VerifyPool
from chain.stores.sql import durable
from tests.bench.ledger_world import ALIAS, BLOCK, anchors, block_make, ledger_new, line, portions, scratch_database

COUNT = 20_000
REPEATS = 3
BATCH = 125
AHEAD = 12


def floor(raws: list[bytes]) -> float:
    """Seconds for bare verification and insertion."""
    items = [(decode(SignedTransaction, raw), tx_id_of(raw), raw) for raw in raws]
    with scratch_database():
        with durable(ALIAS) as cursor:
            cursor.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, data BLOB)")
        parsed_keys_forget()
        started = perf_counter()
        for part in portions(items, BLOCK):
            for signed, digest, _ in part:
                if not verify(signed.tx.sender, digest, signed.signature):
                    raise ValueError("a signature of the benchmark does not hold")
            with durable(ALIAS) as cursor:
                cursor.executemany("INSERT INTO bare (data) VALUES (%s)", [(raw,) for _, _, raw in part])
        return perf_counter() - started


def one_process(raws: list[bytes]) -> float:
    """Seconds for everything in this process."""
    with scratch_database():
        ledger = ledger_new()
        parsed_keys_forget()
        started = perf_counter()
        for part in portions(raws, BLOCK):
            block_make(ledger, [ledger.submit(raw) for raw in part])
        seconds = perf_counter() - started
        check(ledger, len(raws))
        return seconds


def with_pool(raws: list[bytes], pool: VerifyPool) -> float:
    """Seconds with signatures checked in other processes, a few batches ahead."""
    with scratch_database():
        ledger = ledger_new()
        parsed_keys_forget()
        started = perf_counter()
        waiting: deque[tuple[list[Prepared], Future[list[bool]]]] = deque()
        ready: list[Prepared] = []
        rest = portions(raws, BATCH)
        while True:
            while len(waiting) < AHEAD and (part := next(rest, None)):
                prepared = [ledger.prepare(raw) for raw in part]
                waiting.append((prepared, pool.submit(prepared)))
            if not waiting:
                break
            prepared, answers = waiting.popleft()
            if not all(answers.result()):
                raise ValueError("a signature of the benchmark does not hold")
            for each in prepared:
                ledger.admit(each)
            ready += prepared
            if len(ready) >= BLOCK or not waiting:
                block_make(ledger, ready)
                ready = []
        seconds = perf_counter() - started
        check(ledger, len(raws))
        return seconds


def check(ledger: Ledger, count: int) -> None:
    """A benchmark that did not do its work measures nothing."""
    receipts = [receipt for block in ledger.store.blocks() for receipt in block.receipts]
    if len(receipts) != count or any(receipt.code for receipt in receipts):
        raise ValueError("the benchmark's transactions did not go through")


def main() -> None:
    """Print the figures."""
    raws = anchors(COUNT)
    cores = len(os.sched_getaffinity(0))
    pool = VerifyPool(cores)
    try:
        peers, alone, pooled = [], [], []
        for _ in range(REPEATS):
            peers.append(floor(raws))
            alone.append(one_process(raws))
            pooled.append(with_pool(raws, pool))
    finally:
        pool.close()
    peer = COUNT / min(peers)
    line(f"peer: bare verify + insert ({len(raws[0])} B each)", peer, "tx/s", peer)
    line("anchors, one process", COUNT / min(alone), "tx/s", peer)
    line(f"anchors, verify pool of {cores}", COUNT / min(pooled), "tx/s", peer)


if __name__ == "__main__":
    main()
