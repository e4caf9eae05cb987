"""The ledger node as a process: lock, socket, signals, threads."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connections

from chain.node.announce import Announcer
from chain.node.beside import Opened, ledgers_beside_open
from chain.node.host import NodeHost
from chain.node.keys import KeyFiles, key_files
from chain.node.server import NodeServer
from chain.node.service import Pace
from chain.node.shared import ALIAS, shared_ledger_open
from chain.node.verify_pool import VerifyPool
from chain.node.verifying import InlineVerifier, PooledVerifier
from marketplace.common.errors import HearthError

log = logging.getLogger("chain.node")
_BACKLOG = 512


class NodeAlreadyRuns(HearthError):
    """Another process holds the lock: there is one writer of a ledger."""

    code = "ledger_node_runs"
    http_status = 409
    title = "A ledger node runs here already"


def clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def node_run() -> None:
    """Open the shared ledger and those beside it, and serve them until SIGTERM or SIGINT.

    Raises ``NodeAlreadyRuns``, ``SecretMissing``, ``SecretUnusable`` or ``LedgerFault`` before it serves anything.
    """
    socket = Path(settings.HEARTH_LEDGER_SOCKET)
    socket.parent.mkdir(parents=True, exist_ok=True)
    with _only_node(socket):
        opened = ledgers_open(key_files(), clock_ms())
        connections.close_all()  # from here on the disk thread's connection is the one that is used
        gc.freeze()  # modules and the opened state stay; the collector need not walk them again
        for each in opened:
            log.info("ledger %s opened at height %d", each.ledger.genesis.ledger, each.ledger.height)
        asyncio.run(_serve(opened, socket))


def ledgers_open(keys: KeyFiles, now_ms: int) -> list[Opened]:
    """All ledgers of the node, the shared one first; begins those that the database does not have."""
    shared, secret = shared_ledger_open(keys, now_ms)
    return [Opened(shared, secret), *ledgers_beside_open(shared, keys, ALIAS, now_ms)]


async def _serve(opened: list[Opened], socket: Path) -> None:
    processes = int(getattr(settings, "HEARTH_VERIFY_PROCESSES", 0))
    pool = VerifyPool(processes) if processes > 0 else None
    disk = ThreadPoolExecutor(1, thread_name_prefix="disk")
    announcer = Announcer()
    host = await NodeHost.begin(
        opened,
        pace=pace_from_settings(),
        verifier=InlineVerifier() if pool is None else PooledVerifier(pool),
        disk=disk,
        clock_ms=clock_ms,
        on_block=announcer.block,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, host.stop)
    await host.introduce(key_files())
    listener = await _listen(host.server, socket)
    log.info("ledger node ready on %s", socket)
    try:
        await host.run()
    finally:
        listener.close()
        host.server.close()
        socket.unlink(missing_ok=True)
        await announcer.close()
        disk.submit(connections.close_all).result()
        disk.shutdown()
        if pool is not None:
            pool.close()
    for each in opened:
        log.info("ledger %s stopped at height %d", each.ledger.genesis.ledger, each.ledger.height)


def pace_from_settings() -> Pace:
    """The node's pace, in the settings' milliseconds."""
    return Pace(
        window_s=int(getattr(settings, "HEARTH_BATCH_WINDOW_MS", 20)) / 1000,
        empty_s=int(getattr(settings, "HEARTH_EMPTY_BLOCK_MS", 5_000)) / 1000,
    )


async def _listen(server: NodeServer, socket: Path) -> asyncio.AbstractServer:
    socket.unlink(missing_ok=True)  # left by a process that was killed; the lock says that it is gone
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(server.serve, path=socket, backlog=_BACKLOG)
    finally:
        os.umask(before)


@contextmanager
def _only_node(socket: Path) -> Iterator[None]:
    """Hold the lock beside the socket; the system lets go of it however the process ends."""
    with socket.with_name(socket.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise NodeAlreadyRuns from fault
        yield


__all__ = ["ALIAS", "NodeAlreadyRuns", "clock_ms", "ledgers_open", "node_run", "pace_from_settings"]
