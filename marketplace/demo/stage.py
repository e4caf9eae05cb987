"""The story's stage: a scratch folder with a whole deployment in it, its processes, and its devices."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from marketplace.child import Child
from marketplace.demo.client import Api
from marketplace.supervisor import BEAT, NODE, ORDER, PYTHON, VALKEY, WEB, Stack

# Deadlines of seconds, and no limit on log-ins: everybody of the story comes from one address within a moment.
DEADLINES = {
    "HEARTH_T1_MS": "8000",
    "HEARTH_T1_DELIVER_MS": "8000",
    "HEARTH_T2_MS": "6000",
    "HEARTH_PREVIEW_CHUNKS": "2",
    "HEARTH_EMPTY_BLOCK_MS": "200",
    "HEARTH_BATCH_WINDOW_MS": "5",
    "HEARTH_K_CELL": "2",
    "HEARTH_DEMO": "1",
    "HEARTH_RATE_LOGIN": "6000/min",
}


class Stage:
    """One deployment of all three roles. What it writes lies in ``folder``, which goes at the end unless it failed.

    Without ``beat`` nothing sweeps: the story closes batches itself, and events and nudges lead on from there.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, folder: Path | None = None, *, beat: bool = True
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="hearth-story-"))
        self.stack = Stack(
            var=self.folder / "var",
            scratch=True,
            only=[name for name in ORDER if beat or name != BEAT],
            environ={**DEADLINES, **(environ or {})},
        )
        self.devices: Child | None = None
        self.keep = False

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.stop()
        if kind is None and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def url(self) -> str:
        return self.stack.url

    @property
    def var(self) -> Path:
        return self.stack.var

    def prepare(self) -> None:
        """Databases and the operator's account, in one process."""
        self.stack.manage("demo", "--bare")

    def api(self) -> Api:
        return Api(self.url)

    def start_devices(self, spec: Mapping[str, Any]) -> None:
        """Start one host that forks an agent for each device of the specification."""
        file = self.folder / "devices.json"
        file.write_text(json.dumps(spec))
        file.chmod(0o600)  # it holds pairing codes
        self.devices = self.stack.spawn("devices", [PYTHON, "-m", "households.agent", "host", str(file)])

    def workers_stop(self) -> None:
        """Switch off all that acts by itself: workers, in which hubs and buyers' nodes live, and the devices."""
        acting = [child for child in self.stack.children if child.name not in (VALKEY, NODE, WEB)]
        with ThreadPoolExecutor(len(acting)) as pool:
            list(pool.map(Child.stop, acting))
