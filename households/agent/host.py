"""Many devices on one machine: import once, then one forked process for each, with its own key, files and
connection."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
import time

from households.agent.spec import AgentSpec

log = logging.getLogger("hearth.agent")
RESTART_AFTER_S = 1.0
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask Linux to end this process when its parent ends; ends it now if the parent is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def run_one(spec: AgentSpec) -> None:
    """Run one device until SIGTERM or SIGINT."""
    from households.agent.connection import Agent

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        try:
            await Agent(spec).run()
        except asyncio.CancelledError:
            log.info("%s: stopped", spec.name)

    asyncio.run(main())


class Host:
    """Parent of the device processes: starts each, starts it again if it crashes, stops all on a signal."""

    def __init__(self, specs: tuple[AgentSpec, ...]) -> None:
        self._specs = specs
        self._children: dict[int, AgentSpec] = {}
        self._stopping = False

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, or until every device has ended by itself."""
        import households.agent.connection
        import households.consensus.judge  # noqa: F401  numpy and the checks once, shared by all children

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for spec in self._specs:
            self._start(spec)
        while self._children:
            self._reap()

    def _start(self, spec: AgentSpec) -> None:
        parent = os.getpid()
        child = os.fork()
        if child:
            self._children[child] = spec
            return
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            die_with_parent(parent)
            run_one(spec)
            code = 0
        finally:
            os._exit(code)

    def _reap(self) -> None:
        try:
            child, status = os.wait()
        except ChildProcessError:
            self._children.clear()
            return
        spec = self._children.pop(child, None)
        if spec is None or self._stopping or os.waitstatus_to_exitcode(status) == 0:
            return
        log.warning("%s: ended with status %s, starting again", spec.name, os.waitstatus_to_exitcode(status))
        time.sleep(RESTART_AFTER_S)
        if not self._stopping:
            self._start(spec)

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True
        for child in self._children:
            os.kill(child, signal.SIGTERM)
