"""One child process of the supervisor: dies with its parent, speaks through one log, ends in good order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LAST_LINES = 20
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

LineSink = Callable[[str, str], None]  # (name of the process, one line without its end)


class Child:
    """A running process. Its output goes line by line to ``sink``; the last lines are kept for a failure's message."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        folder: Path,
        sink: LineSink,
        grace_s: float,
    ) -> None:
        self.name = name
        self.grace_s = grace_s
        self.last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._sink = sink
        parent = os.getpid()
        self._process = subprocess.Popen(  # noqa: S603  the supervisor's own commands
            list(command),
            env=dict(environ),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            bufsize=1,
            start_new_session=True,  # Ctrl-C reaches the supervisor only, which stops its children in order
            preexec_fn=lambda: _die_with(parent),  # one system call; its library is loaded already
        )
        self._pump = threading.Thread(target=self._read, name=f"log-{name}", daemon=True)
        self._pump.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to end, wait ``grace_s``, then end it and what it started by force."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(self.grace_s)
            except subprocess.TimeoutExpired:
                self._sink(self.name, f"did not end within {self.grace_s:.0f} s; killed")
                self.kill()
        self._pump.join(timeout=1)

    def kill(self) -> None:
        """End it and the processes of its session at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.last_lines.append(line.rstrip())
            self._sink(self.name, line.rstrip())


def _die_with(parent: int) -> None:
    """In the child, before it becomes the program: be told to end when the supervisor is gone, however it went."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it went in the moment before the line above
        os._exit(1)
