"""Where a pin is kept between calls and restarts. A market is one pin: a store holds the pin of one ledger."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from chain.client.records import ForkProof, Pin, fork_to_json
from chain.core.codec import decode, encode


class PinStore(Protocol):
    """Keeps one pin. ``locked`` is held while a pin is read, compared and replaced."""

    def locked(self) -> AbstractContextManager[None]: ...

    def load(self) -> Pin | None: ...

    def save(self, pin: Pin) -> None: ...

    def save_fork(self, fork: ForkProof) -> None: ...


class MemoryPins:
    """A pin for the life of a process."""

    def __init__(self) -> None:
        self._pin: Pin | None = None
        self._lock = threading.RLock()
        self.forks: list[ForkProof] = []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the pin against other threads."""
        with self._lock:
            yield

    def load(self) -> Pin | None:
        """The pin, or None before the first contact."""
        return self._pin

    def save(self, pin: Pin) -> None:
        """Replace the pin."""
        self._pin = pin

    def save_fork(self, fork: ForkProof) -> None:
        """Keep the proof of a fork."""
        self.forks.append(fork)


class FilePins:
    """A pin in a file, shared by the processes of a node; the proof of a fork lies beside it as JSON."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the pin against other processes and threads; the system lets go of it however a process ends."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._path.with_name(f"{self._path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def load(self) -> Pin | None:
        """The pin, or None before the first contact; raises ``Malformed`` if the file was changed."""
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return None
        return decode(Pin, data)

    def save(self, pin: Pin) -> None:
        """Replace the pin at once, so that no reader sees a part of it."""
        self._write(self._path, encode(pin))

    def save_fork(self, fork: ForkProof) -> None:
        """Keep the proof of a fork beside the pin."""
        height = fork.first.header.height
        data = json.dumps(fork_to_json(fork), indent=2).encode()
        self._write(self._path.with_name(f"{self._path.name}.fork-{height}.json"), data)

    def _write(self, path: Path, data: bytes) -> None:
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_bytes(data)
        aside.replace(path)
