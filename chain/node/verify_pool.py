"""Checks signatures in other processes, so that they use the other cores while this one executes blocks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from chain.engine.application import Prepared
from chain.node.verify_worker import COUNT_BYTES
from marketplace.common.errors import Unavailable

_ROOT = Path(__file__).resolve().parent.parent.parent


class VerifierAway(Unavailable):
    """A process that checks signatures has ended."""

    code = "verifier_away"
    title = "The signatures could not be checked"


class VerifyPool:
    """``processes`` workers, each held by one thread that writes a batch and reads its answer."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="verify")
        self._free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        self._workers = [_worker() for _ in range(processes)]
        for worker in self._workers:
            self._free.put(worker)

    def submit(self, batch: Sequence[Prepared]) -> Future[list[bool]]:
        """Whether the signature of each transaction holds; the future raises ``VerifierAway`` if a worker has died."""
        data = packed(batch)
        return self._threads.submit(self._ask, len(batch), data)

    def close(self) -> None:
        """End the workers."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            if worker.stdin is not None and worker.stdout is not None:
                worker.stdin.close()
                worker.wait()
                worker.stdout.close()

    def _ask(self, count: int, data: bytes) -> list[bool]:
        worker = self._free.get()
        try:
            assert worker.stdin is not None and worker.stdout is not None
            worker.stdin.write(count.to_bytes(COUNT_BYTES, "big") + data)
            worker.stdin.flush()
            found = worker.stdout.read(count)
        except OSError as fault:
            raise VerifierAway from fault
        finally:
            self._free.put(worker)
        if len(found) != count:
            raise VerifierAway
        return [byte == 1 for byte in found]


def packed(batch: Iterable[Prepared]) -> bytes:
    """Public key, digest and signature of each transaction, one after the other."""
    return b"".join(
        part for prepared in batch for part in (prepared.signed.tx.sender, prepared.tx_id, prepared.signed.signature)
    )


def _worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "chain.node.verify_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        start_new_session=False,
    )
