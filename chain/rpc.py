"""Talking to the ledger node: a client for any thread of any process on the node's machine."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from chain.core.codec import decode
from chain.core.types import Genesis, Header, Validator
from chain.engine.proofs import TxProof
from chain.node import frames
from chain.node.frames import LENGTH_BYTES, MAX_FRAME_BYTES, FrameInvalid, LedgerNodeAway, Request, error_from, frame

SHARED: Final = "shared"
CONNECT_S: Final = 2.0
ANSWER_S: Final = 15.0
IDLE_CONNECTIONS: Final = 8


class NodeClient:
    """Asks the node on a unix socket. ``ledger`` is an id, or a kind of which the node keeps one (``shared``).

    Calls raise what the node refused with, as its own class, or ``LedgerNodeAway``. A connection that died while idle
    is made anew: every call may be sent twice, since a transaction that was taken already is taken as the same.
    """

    def __init__(self, socket_path: str | Path | None = None, *, answer_s: float = ANSWER_S) -> None:
        self._path = str(socket_path if socket_path is not None else settings.HEARTH_LEDGER_SOCKET)
        self._answer_s = answer_s
        self._lock = threading.Lock()
        self._idle: list[socket.socket] = []
        self._process = os.getpid()

    def submit(self, raw: bytes, ledger: str = SHARED) -> bytes:
        """Hand in a signed transaction; gives its id as soon as it waits for a block."""
        return bytes(self._ask(frames.Submit(ledger, raw)))

    def submit_and_wait(self, raw: bytes, timeout_s: float = 10.0, ledger: str = SHARED) -> TxProof:
        """Hand in a signed transaction and wait until it is final; raises ``NotFinalYet`` after ``timeout_s``.

        The call may have been refused all the same: ``proof.receipt.code`` says so.
        """
        body = frames.SubmitAndWait(ledger, raw, int(timeout_s * 1000))
        return decode(TxProof, self._ask(body, timeout_s + self._answer_s))

    def proof(self, ledger: str, tx_id: bytes) -> TxProof:
        """The proof of a final transaction; raises ``NotFound``."""
        return decode(TxProof, self._ask(frames.Proof(ledger, tx_id)))

    def get(self, ledger: str, table_name: str, key: bytes) -> bytes | None:
        """The canonical bytes of a row of the state, or None."""
        found = self._ask(frames.Get(ledger, table_name, key))
        return None if found is None else bytes(found)

    def scan(
        self, ledger: str, table_name: str, after: bytes | None = None, limit: int = frames.SCAN_LIMIT
    ) -> list[tuple[bytes, bytes]]:
        """Keys and rows of a table after a key, at most ``limit`` (and at most 1,000) of them."""
        found = self._ask(frames.Scan(ledger, table_name, after, limit))
        return [(bytes(key), bytes(row)) for key, row in found]

    def head(self, ledger: str = SHARED) -> Header | None:
        """The header of the last block, None before the first."""
        found = self._ask(frames.Head(ledger))
        return None if found is None else decode(Header, found)

    def genesis(self, ledger: str = SHARED) -> Genesis:
        """What the ledger started from; its ``ledger`` is the id that transactions are signed for."""
        return decode(Genesis, self._ask(frames.GenesisOf(ledger)))

    def validators(self, ledger: str = SHARED) -> tuple[Validator, ...]:
        """Who votes on the next block."""
        return tuple(decode(Validator, each) for each in self._ask(frames.ValidatorsOf(ledger)))

    def next_nonce(self, ledger: str, address: bytes) -> int:
        """The nonce of the address's next transaction, those that wait included."""
        return int(self._ask(frames.NextNonce(ledger, address)))

    def info(self, ledger: str = SHARED) -> dict[str, Any]:
        """Id, height, how many transactions wait, how far the index is, rows of the state."""
        return dict(self._ask(frames.Info(ledger)))

    def close(self) -> None:
        """Close the idle connections; the client can be used again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _ask(self, body: frames.Body, answer_s: float | None = None) -> Any:
        message = frame(Request(1, body))
        wait_s = self._answer_s if answer_s is None else answer_s
        kept = self._take()
        if kept is not None:
            try:
                return self._exchange(kept, message, wait_s)
            except LedgerNodeAway:
                self.close()  # it died while it was idle, as the others did then
        return self._exchange(self._connect(), message, wait_s)

    def _exchange(self, connection: socket.socket, message: bytes, wait_s: float) -> Any:
        try:
            connection.settimeout(wait_s)
            connection.sendall(message)
            reply = frames.reply_decode(_read(connection))
        except (OSError, FrameInvalid) as fault:
            connection.close()
            raise LedgerNodeAway from fault
        self._give_back(connection)
        if reply.refusal is not None:
            raise error_from(*reply.refusal)
        return reply.value

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(CONNECT_S)
        try:
            connection.connect(self._path)
        except OSError as fault:
            connection.close()
            raise LedgerNodeAway from fault
        return connection

    def _take(self) -> socket.socket | None:
        with self._lock:
            if self._process != os.getpid():
                # A fork shares its parent's sockets; answers would go astray.
                self._process, self._idle = os.getpid(), []
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: socket.socket) -> None:
        with self._lock:
            if len(self._idle) < IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()


def _read(connection: socket.socket) -> bytes:
    size = int.from_bytes(_read_exactly(connection, LENGTH_BYTES), "big")
    if size > 4 * MAX_FRAME_BYTES:
        raise FrameInvalid("the ledger node's answer is too large")
    return _read_exactly(connection, size)


def _read_exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(size - len(parts))
        if not part:
            raise ConnectionResetError("the ledger node closed the connection")
        parts += part
    return bytes(parts)
