"""A TCP proxy that keeps every byte: what roles say to each other when the market's URL points at it."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

PORTION = 65_536


class Recorder:
    """Listens on a port of its own, forwards each connection to ``target``, writes both directions to ``file``."""

    def __init__(self, file: Path, target: str = "") -> None:
        self.target = target
        self._out = file.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        with self._lock:
            self._out.close()

    def _accept(self) -> None:
        while True:
            try:
                inward, _ = self._listener.accept()
            except OSError:
                return
            parts = urlsplit(self.target)
            try:
                outward = socket.create_connection((parts.hostname, parts.port))
            except OSError:  # the market is not up yet; whoever asks comes again
                inward.close()
                continue
            for source, sink in ((inward, outward), (outward, inward)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while portion := source.recv(PORTION):
                with self._lock:
                    self._out.write(portion)
                sink.sendall(portion)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
