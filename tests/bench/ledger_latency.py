"""From submit to final through the running node: p50 and p95 at 50 transactions a second.

The node is a process of its own with its usual settings; eight clients on its socket send at fixed moments, whatever
the answers do. Run with ``python -m tests.bench.ledger_latency``. The peer is one durable SQLite transaction of the
same size.
"""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import perf_counter

from chain.contracts.credits import Transfer
from tests.bench.ledger_world import line
from tests.chain.node_process import NodeProcess, address

RATE = 50
COUNT = 400
CLIENTS = 8


def peer_s(size: int) -> float:
    """The median time of a durable insert."""
    with TemporaryDirectory(prefix="hearth-bench-") as folder:
        connection = sqlite3.connect(Path(folder) / "bare.sqlite3", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, data BLOB)")
        times = []
        for _ in range(COUNT):
            started = perf_counter()
            connection.execute("INSERT INTO bare (data) VALUES (?)", [bytes(size)])
            times.append(perf_counter() - started)
        connection.close()
        return median(times)


def send_all(node: NodeProcess, raws: list[bytes]) -> list[float]:
    """Send each at its moment; the seconds from sending to the proof in hand."""
    begin = perf_counter() + 0.2
    gate = threading.Event()

    def send(number: int) -> float:
        due = begin + number / RATE
        gate.wait(max(0.0, due - perf_counter()))
        started = perf_counter()
        node.client.submit_and_wait(raws[number])
        return perf_counter() - started

    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(send, range(len(raws))))


def main() -> None:
    """Print the figures."""
    with NodeProcess() as node:
        node.start()
        raws = [
            node.signed(number + 1, 0, "credits.transfer", Transfer(to=address(0), amount=1)) for number in range(COUNT)
        ]
        times = send_all(node, raws)
        node.stop()
    peer = peer_s(len(raws[0])) * 1000
    p95 = quantiles(times, n=20)[-1] * 1000
    line("peer: one durable SQLite insert, median", peer, "ms", peer)
    line(f"submit to final at {RATE} tx/s, p50", median(times) * 1000, "ms", peer)
    line(f"submit to final at {RATE} tx/s, p95", p95, "ms", peer)


if __name__ == "__main__":
    main()
