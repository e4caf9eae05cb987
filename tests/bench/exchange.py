"""Speed of sealing, checking and opening a lot, and of a handover, against plain AES-256-GCM in the same run.

Run with ``python -m tests.bench.exchange``. Sizes count the plaintext with its padding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from chain.crypto.aead import seal
from chain.crypto.hashing import sha256
from chain.exchange.handover import buyer_secret, funding_new, hub_answer
from chain.exchange.lots import object_check, object_parse, open_lot, seal_lot
from chain.exchange.rows import chunk_count_for, data_chunks, rows_read
from households.privacy.levels import rule_for
from households.privacy.transforms import desensitise
from tests.pure.exchange.world import BUYER, COLUMNS, LEDGER, PAYEE_KEY, R, order_of, rows_of, world_new

ROWS = 700_000
REPEATS = 3
T = TypeVar("T")


def timed(run: Callable[[], T]) -> tuple[float, T]:
    """The best of a few runs, in seconds, and the result."""
    best, result = float("inf"), run()
    for _ in range(REPEATS):
        started = perf_counter()
        result = run()
        best = min(best, perf_counter() - started)
    return best, result


def line(name: str, value: float, unit: str, peer: float) -> None:
    """One figure with its ratio to the peer."""
    sys.stdout.write(f"{name:34} {value:10.1f} {unit:8} {value / peer:6.2f} x peer\n")


def main() -> None:
    """Print the figures."""
    rows = rows_of(ROWS)
    count = chunk_count_for(rows, COLUMNS)
    chunking_s, chunks = timed(lambda: data_chunks(rows, COLUMNS, count))
    megabytes = sum(map(len, chunks)) / 1e6
    plain_s, _ = timed(lambda: [seal(b"k" * 32, bytes(12), chunk, b"aad") for chunk in chunks])
    peer = megabytes / plain_s
    line("peer: AES-256-GCM of the chunks", peer, "MB/s", peer)

    world = world_new(row_count=ROWS)
    seal_s, sealed = timed(lambda: seal_lot(world.secrets, b"manifest", chunks))
    lot = object_parse(sealed.object_bytes)
    parse_s, _ = timed(lambda: object_parse(sealed.object_bytes))
    check_s, _ = timed(lambda: object_check(world.lot, world.digest))
    open_s, opened = timed(lambda: open_lot(world.lot, world.digest, PAYEE_KEY, world.secrets.secret))
    read_s, _ = timed(lambda: rows_read(opened.chunks))
    line(f"rows to chunks ({lot.chunk_count} chunks)", megabytes / chunking_s, "MB/s", peer)
    line("seal", megabytes / seal_s, "MB/s", peer)
    line("parse the object's head", megabytes / parse_s, "MB/s", peer)
    line("check before paying", megabytes / check_s, "MB/s", peer)
    line("open and check", megabytes / open_s, "MB/s", peer)
    line("chunks to rows", megabytes / read_s, "MB/s", peer)

    order = order_of(world)
    fund_s, _ = timed(lambda: funding_new(R, world.row, BUYER, LEDGER))
    answer_s, answer = timed(lambda: hub_answer(world.secrets, order, LEDGER))
    secret_s, _ = timed(lambda: buyer_secret(answer.e, R, world.digest.key_point))
    for name, seconds in (("fund", fund_s), ("hub's answer", answer_s), ("buyer's secret", secret_s)):
        line(f"handover: {name}", 1 / seconds, "/s", 1 / fund_s)

    rule = rule_for("climate", "temperature", "fine", noise_steps=5)
    quiet = rule_for("climate", "temperature", "fine")
    seed = sha256(b"seed")
    readings = [(t // 10, value) for t, value in rows[:100_000]]
    quiet_s, _ = timed(lambda: desensitise(readings, quiet, batch_seed=seed, series_id=seed))
    noisy_s, _ = timed(lambda: desensitise(readings, rule, batch_seed=seed, series_id=seed))
    line("desensitise", len(readings) / quiet_s, "rows/s", len(readings) / quiet_s)
    line("desensitise with noise", len(readings) / noisy_s, "rows/s", len(readings) / quiet_s)


if __name__ == "__main__":
    main()
