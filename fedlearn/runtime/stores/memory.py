"""A store in memory, for tests and simulation."""

from __future__ import annotations

import threading
from bisect import bisect_right

from fedlearn.runtime.errors import ObjectTooLarge
from fedlearn.runtime.names import key_check, prefix_check
from fedlearn.runtime.ports import PAGE


class MemoryStore:
    """Objects in a dictionary, usable from several threads."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, key: str, data: bytes) -> None:
        """Write an object, or replace it."""
        with self._lock:
            self._objects[key_check(key)] = bytes(data)

    def get(self, key: str, max_bytes: int) -> bytes | None:
        """The object, or None; raises ``ObjectTooLarge``."""
        data = self._objects.get(key_check(key))
        if data is not None and len(data) > max_bytes:
            raise ObjectTooLarge
        return data

    def keys(self, prefix: str, after: str = "", limit: int = PAGE) -> list[str]:
        """At most ``limit`` keys under the folder, sorted, all greater than ``after``."""
        prefix_check(prefix)
        with self._lock:
            found = sorted(key for key in self._objects if key.startswith(prefix))
        start = bisect_right(found, after)
        return found[start : start + limit]

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        with self._lock:
            self._objects.pop(key_check(key), None)
