"""Where a node's counters are kept: in memory for tests and simulation, or in files."""

from __future__ import annotations

from pathlib import Path

from fedlearn.runtime.errors import KeyInvalid
from fedlearn.runtime.files import private_folder, write_aside
from fedlearn.runtime.names import key_check


class MemoryState:
    """Counters that live as long as the object."""

    def __init__(self) -> None:
        self._saved: dict[str, bytes] = {}

    def load(self, name: str) -> bytes | None:
        """What was saved under the name, or None."""
        return self._saved.get(_plain(name))

    def save(self, name: str, data: bytes) -> None:
        """Replace it."""
        self._saved[_plain(name)] = bytes(data)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._saved)


class FileState:
    """A file for each name in a folder that one process uses at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)

    def load(self, name: str) -> bytes | None:
        """What was saved under the name, or None."""
        try:
            return (self._folder / _plain(name)).read_bytes()
        except FileNotFoundError:
            return None

    def save(self, name: str, data: bytes) -> None:
        """Replace it, all at once and durably."""
        write_aside(self._folder / _plain(name), data)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(entry.name for entry in self._folder.iterdir() if not entry.name.startswith("."))


def _plain(name: str) -> str:
    if "/" in key_check(name):
        raise KeyInvalid
    return name
