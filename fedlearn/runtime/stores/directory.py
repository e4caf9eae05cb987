"""A store in a folder: one file for an object, written aside and renamed.

The folder holds a marker. When it is missing, the folder is not the store (a disk that is not mounted looks like an
empty folder), and nothing is answered from it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from fedlearn.runtime.errors import ObjectTooLarge, StoreUnavailable
from fedlearn.runtime.files import sync_directory
from fedlearn.runtime.names import key_check, prefix_check
from fedlearn.runtime.ports import PAGE

MARKER: Final = ".hearth-store"
ASIDE: Final = ".aside"


class DirectoryStore:
    """Objects as files under ``root``; several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        """Use the store that ``create`` made. Raises ``StoreUnavailable`` if there is none."""
        self._root = root
        with _answering():
            self._require_marker()
            self._sweep()

    @classmethod
    def create(cls, root: Path) -> DirectoryStore:
        """Make a store in the folder, or use the one that is there."""
        with _answering():
            (root / ASIDE).mkdir(parents=True, exist_ok=True)
            (root / MARKER).touch()
            sync_directory(root)
        return cls(root)

    def put(self, key: str, data: bytes) -> None:
        """Write an object, or replace it, durably."""
        path = self._root / key_check(key)
        with _answering():
            self._require_marker()
            self._make_folders(path.parent)
            with self._aside() as (aside, out):
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
                aside.replace(path)
            sync_directory(path.parent)

    def get(self, key: str, max_bytes: int) -> bytes | None:
        """The object, or None; raises ``ObjectTooLarge``."""
        path = self._root / key_check(key)
        with _answering():
            try:
                with path.open("rb") as held:
                    data = held.read(max_bytes + 1)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                self._require_marker()
                return None
        if len(data) > max_bytes:
            raise ObjectTooLarge
        return data

    def keys(self, prefix: str, after: str = "", limit: int = PAGE) -> list[str]:
        """At most ``limit`` keys under the folder, sorted, all greater than ``after``."""
        folder = self._root / prefix_check(prefix)
        with _answering():
            self._require_marker()
            found = sorted(key for path in _files(folder) if (key := path.relative_to(self._root).as_posix()) > after)
        return found[:limit]

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        path = self._root / key_check(key)
        with _answering():
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                self._require_marker()

    def _require_marker(self) -> None:
        if not (self._root / MARKER).exists():
            raise StoreUnavailable("The folder is not a store of messages, or its disk is not there")

    def _make_folders(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self._make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_directory(folder.parent)

    @contextmanager
    def _aside(self) -> Iterator[tuple[Path, IO[bytes]]]:
        """A file of its own to write to. Its lock says that the writer lives, so that others do not sweep it away."""
        while True:
            path = self._root / ASIDE / secrets.token_hex(16)
            with path.open("xb") as out:
                fcntl.flock(out, fcntl.LOCK_EX)
                if not path.exists():
                    continue  # swept between its making and its lock
                try:
                    yield path, out
                finally:
                    path.unlink(missing_ok=True)
                return

    def _sweep(self) -> None:
        """Remove what killed writers left."""
        for path in (self._root / ASIDE).iterdir():
            try:
                with path.open("rb") as left:
                    fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
            except (FileNotFoundError, BlockingIOError):
                continue


def _files(folder: Path) -> Iterator[Path]:
    """All files under a folder, also in its folders; unlike ``os.walk`` it keeps no error to itself."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield Path(entry.path)


@contextmanager
def _answering() -> Iterator[None]:
    """Tell what the file system refuses as what it is to the caller."""
    try:
        yield
    except OSError as fault:
        raise StoreUnavailable(f"The store of messages answers {fault.strerror}") from fault
