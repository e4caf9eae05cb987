"""Checks signatures in other processes, so that they use the other cores while this one executes blocks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
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
        for _ in range(processes):
            self._free.put(_worker())

    def submit(self, batch: Sequence[Prepared]) -> Future[list[bool]]:
        """Whether the signature of each transaction holds; the future raises ``VerifierAway`` if a worker has died."""
        data = packed(batch)
        return self._threads.submit(self._ask, len(batch), data)

    def close(self) -> None:
        """End the workers."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        while not self._free.empty():
            _end(self._free.get())

    def _ask(self, count: int, data: bytes) -> list[bool]:
        """Have one worker answer; one that has died is replaced for the next batch."""
        worker = self._free.get()
        try:
            found = _exchange(worker, count.to_bytes(COUNT_BYTES, "big") + data, count)
        except OSError as fault:
            _end(worker)
            worker = _worker()
            raise VerifierAway from fault
        finally:
            self._free.put(worker)
        return [byte == 1 for byte in found]


def packed(batch: Iterable[Prepared]) -> bytes:
    """Public key, digest and signature of each transaction, one after the other."""
    return b"".join(
        part for prepared in batch for part in (prepared.signed.tx.sender, prepared.tx_id, prepared.signed.signature)
    )


def _exchange(worker: subprocess.Popen[bytes], message: bytes, size: int) -> bytes:
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(message)
    worker.stdin.flush()
    found = worker.stdout.read(size)
    if len(found) != size:
        raise BrokenPipeError("the worker ended in the middle of its answer")
    return found


def _end(worker: subprocess.Popen[bytes]) -> None:
    assert worker.stdin is not None and worker.stdout is not None
    with suppress(BrokenPipeError):  # what it was still to read has nowhere to go
        worker.stdin.close()
    worker.wait()
    worker.stdout.close()


def _worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "chain.node.verify_worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        start_new_session=False,
    )
