"""A ledger node in a process and a folder of its own, for tests that kill it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from select import select
from time import monotonic
from types import TracebackType

from chain.core.codec import encode
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Record
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.node.frames import LedgerNodeAway
from chain.rpc import SHARED, NodeClient
from tests.pure.chain.toy import secret

ROOT = Path(__file__).parents[2]
START_S = 30.0


class NodeProcess:
    """``manage.py ledger_node`` over a scratch folder. A context manager that leaves no process behind."""

    def __init__(self, **environment: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hearth-node-")
        self.var = Path(self._folder.name)
        self.environment = {
            **os.environ,
            "HEARTH_VAR": self._folder.name,
            "HEARTH_LEDGER_SOCKET": str(self.var / "ledger.sock"),
            "HEARTH_DEMO": "1",
            "HEARTH_ROLES": "home,market,enterprise",
            "DJANGO_SETTINGS_MODULE": "marketplace.settings.test",
            **environment,
        }
        self.client = NodeClient(self.var / "ledger.sock")
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> NodeProcess:
        assert self.manage("migrate", "chain", "--database", "ledger", "-v", "0").returncode == 0
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.close()
        if self.process is not None:
            self.kill()
        self._folder.cleanup()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60)

    def start(self) -> None:
        """Start the node and wait until it says that it is ready."""
        command = [sys.executable, "manage.py", "ledger_node"]
        self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stderr=subprocess.PIPE)
        self._wait_for("ledger node ready")

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nothing is tidied."""
        assert self.process is not None and self.process.stderr is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()
        self.process = None

    def stop(self) -> int:
        """SIGTERM, as the supervisor does it; the exit code."""
        assert self.process is not None and self.process.stderr is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process.stderr.close()
        self.process = None
        return code

    def signed(self, sender: int, nonce: int, call: str, args: Record) -> bytes:
        key = secret(sender)
        ledger = self.client.genesis(SHARED).ledger
        tx = tx_new(ledger=ledger, sender=public_key(key), nonce=nonce, valid_until=10**9, call=call, args=args)
        return encode(tx_sign(tx, key))

    def _wait_for(self, words: str) -> None:
        assert self.process is not None and self.process.stderr is not None
        end, seen = monotonic() + START_S, b""
        while words.encode() not in seen:
            ready, _, _ = select([self.process.stderr], [], [], max(0.0, end - monotonic()))
            part = os.read(self.process.stderr.fileno(), 4096) if ready else b""
            if not part:
                raise LedgerNodeAway(f"the node did not start: {seen.decode(errors='replace')}")
            seen += part


def address(number: int) -> bytes:
    return address_of(public_key(secret(number)))
