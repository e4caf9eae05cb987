"""The one log of all processes: a file, and in the terminal each line with the time and the name of who said it."""

from __future__ import annotations

import sys
import threading
from datetime import datetime
from pathlib import Path

NAME_WIDTH = 8
KEEP_BYTES = 20_000_000
_COLOURS = ("36", "33", "35", "32", "34", "31")


class StepLog:
    """Thread-safe. A file that has grown past ``KEEP_BYTES`` is put aside once when the log is opened."""

    def __init__(self, file: Path, *, echo: bool) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > KEEP_BYTES:
            file.replace(file.with_suffix(".old.log"))
        self.file = file
        self._out = file.open("a", buffering=1)
        self._echo = echo
        self._colours: dict[str, str] = {}
        self._lock = threading.Lock()

    def line(self, name: str, text: str) -> None:
        """Write one line that the process ``name`` said."""
        now = datetime.now().astimezone()
        with self._lock:
            self._out.write(f"{now.isoformat(timespec='milliseconds')} {name:<{NAME_WIDTH}}| {text}\n")
            if self._echo:
                sys.stdout.write(f"{self._tag(name, now)} {text}\n")
                sys.stdout.flush()

    def _tag(self, name: str, now: datetime) -> str:
        tag = f"{now:%H:%M:%S} {name:<{NAME_WIDTH}}|"
        if not sys.stdout.isatty():
            return tag
        colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
        return f"\033[{colour}m{tag}\033[0m"
