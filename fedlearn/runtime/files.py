"""Files of a node: written aside and renamed, mode 0600, in a folder that one process at a time may use."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fedlearn.runtime.errors import NodeBusy

LOCK_FILE = "lock"


def write_aside(path: Path, data: bytes) -> None:
    """Replace a file of a locked folder by one with this content, mode 0600, durably and all at once."""
    aside = path.with_name(f".new-{path.name}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    aside.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a rename or a new file in a directory survive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_folder(path: Path) -> Path:
    """The folder, made if need be, with mode 0700."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold a folder against every other process and thread; the system lets go of it however the process ends.

    Raises ``NodeBusy`` at once if somebody holds it.
    """
    with (folder / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise NodeBusy from fault
        yield
