"""kill -9 at every step of either side: every message is handled at least once and, by its number, applied once.

A child process plays the whole story of an enterprise and a hub on real files. It counts each step that changes a file
or ends such a change, of Hearth and of Syft, and kills itself at one of them. Another child then plays the story from
the start, as a restarted app would, and what both left behind is judged. One child dies at every step there is.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fedlearn.runtime.names import DATASETS, job_path
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.stores import DirectoryStore, all_keys
from fedlearn.runtime.stores.directory import ASIDE
from tests.pure.fedlearn.runtime.world import ENTERPRISE, HUB, JOB, yes

ROUNDS = 1
PRIVATE = b"RAW-21.375"
CHANGES = (
    *((Path, name) for name in ("replace", "unlink", "mkdir")),
    *((os, name) for name in ("open", "rmdir", "unlink")),
)
REPLACE = Path.replace
CHUNKS = 8


class Steps:
    """Counts steps, and dies after the one that was asked for: between two steps there is nothing else to see."""

    def __init__(self, fatal: int | None) -> None:
        self.count, self._fatal = 0, fatal

    def step(self) -> None:
        self.count += 1
        if self.count == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        for owner, name in CHANGES:
            setattr(owner, name, self._then_step(getattr(owner, name)))
        for name in ("write_text", "write_bytes"):
            setattr(Path, name, self._in_two(getattr(Path, name)))
        os.fsync = self._written  # type: ignore[assignment]

    def _then_step(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            there = os.path.lexists(args[0])
            result = real(*args, **kwargs)
            if real is REPLACE or os.path.lexists(args[0]) != there:
                self.step()
            return result

        return call

    def _in_two(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """A file that is written in place is half there for a while."""

        def call(path: Path, data: Any, *args: Any, **kwargs: Any) -> Any:
            real(path, data[: len(data) // 2], *args, **kwargs)
            self.step()
            result = real(path, data, *args, **kwargs)
            self.step()
            return result

        return call

    def _written(self, descriptor: int) -> None:
        """A file's content is written, and the file not yet in its place. A kill loses nothing that is still in memory
        of the system, so there is no waiting for the disk."""
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            self.step()


class Journal:
    """The app's database: what was done, written with the deed in one step."""

    def __init__(self, path: Path, steps: Steps) -> None:
        self._path, self._steps = path, steps

    def lines(self) -> list[list[Any]]:
        return [json.loads(line) for line in self._path.read_text().splitlines()] if self._path.exists() else []

    def write(self, *line: Any) -> None:
        with self._path.open("a") as out:
            out.write(json.dumps(line) + "\n")
        self._steps.step()


def _send_once(node: Any, journal: Journal, peer: str, path: str, data: bytes) -> None:
    if ["sent", path] not in journal.lines():
        node.send(peer, path, data)
        journal.write("sent", path)


def _handle(node: Any, journal: Journal) -> None:
    for message in node.receive():
        journal.write("handled", message.number, message.path)


def _enrol(enterprise: EnterpriseNode, hub: HubNode, root: Path) -> None:
    if enterprise.approved() != [HUB] or hub.approved() != [ENTERPRISE]:
        enterprise.request(HUB)
        hub.answer_requests(yes)
        enterprise.refresh()
    assert (enterprise.approved(), hub.approved()) == ([HUB], [ENTERPRISE])
    hub.job_open(JOB, [ENTERPRISE])
    enterprise.job_open(JOB, [HUB])
    if hub.datasets() != ["meter"]:
        hub.dataset_create("meter", mock=root / "mock", private=root / "table.bin")
    hub.dataset_share("meter", [ENTERPRISE])


def story(root: Path, steps: Steps) -> None:
    """What the apps of both sides do, in steps that may each be repeated."""
    store = DirectoryStore.create(root / "store")
    pins: dict[str, str] = json.loads((root / "ledger").read_text())
    with (
        EnterpriseNode.opened(root / "e", ENTERPRISE, store, pins) as enterprise,
        HubNode.opened(root / "h", HUB, store, pins) as hub,
    ):
        pins.update({ENTERPRISE: enterprise.fingerprint, HUB: hub.fingerprint})
        (root / "ledger.new").write_bytes(json.dumps(pins).encode())
        (root / "ledger.new").replace(root / "ledger")
        enterprise.refresh()
        hub.refresh()
        mine, yours = Journal(root / "e.journal", steps), Journal(root / "h.journal", steps)
        if ["closed"] not in mine.lines():
            _enrol(enterprise, hub, root)
            if not enterprise.mocks():
                hub.dataset_send("meter", ENTERPRISE)
            for number in range(ROUNDS):
                _send_once(enterprise, mine, HUB, job_path(JOB, "in", number, "global"), b"g" * 300)
                _handle(hub, yours)
                _send_once(hub, yours, ENTERPRISE, job_path(JOB, "out", number, "masked"), b"u" * 300)
                _handle(enterprise, mine)
                enterprise.prune(JOB, number)
                hub.prune(JOB, number)
            mine.write("closed")
        hub.job_close(JOB)
        enterprise.job_close(JOB)


def in_child(work: Callable[[], None]) -> int:
    """Run it in a process of its own; minus the signal that killed it, else its exit code."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - whatever it is, the parent must not go on in this process
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def play(root: Path, fatal: int | None = None) -> int:
    def work() -> None:
        steps = Steps(fatal)
        steps.watch()
        story(root, steps)
        (root / "steps").write_bytes(str(steps.count).encode())

    return in_child(work)


def prepare(root: Path) -> Path:
    (root / "mock").mkdir(parents=True)
    np.save(root / "mock" / "features.npy", np.arange(3.0))
    (root / "table.bin").write_bytes(PRIVATE)
    (root / "ledger").write_bytes(b"{}")
    return root


def judge(root: Path) -> None:
    """All that must be true once the story came to its end."""
    wanted = {
        "h": [job_path(JOB, "in", number, "global") for number in range(ROUNDS)],
        "e": [job_path(JOB, "out", number, "masked") for number in range(ROUNDS)],
    }
    for side, paths in wanted.items():
        handled = [line[1:] for line in Journal(root / f"{side}.journal", Steps(None)).lines() if line[0] == "handled"]
        by_number = dict(handled)
        assert sorted(by_number.values()) == sorted(paths), (side, handled)
    store = DirectoryStore(root / "store")
    assert list(all_keys(store, "mail/")) == []
    assert len(list(all_keys(store, "request/"))) == len(list(all_keys(store, "bundle/"))) == 2
    assert list((root / "store" / ASIDE).iterdir()) == []
    for side, identity in (("e", ENTERPRISE), ("h", HUB)):
        assert not (root / side / "box" / identity / "jobs" / JOB).exists()
    mock = root / "e" / "box" / HUB / DATASETS / "meter"
    assert sorted(path.name for path in mock.iterdir()) == ["dataset.yaml", "features.npy"]
    for folder in (root / "e", root / "store"):
        assert all(PRIVATE not in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def total(tmp_path_factory) -> int:
    """How many steps the story has; Syft is loaded here once for all children."""
    from fedlearn.runtime import control

    assert control
    root = prepare(tmp_path_factory.mktemp("whole"))
    assert play(root) == 0
    judge(root)
    return int((root / "steps").read_bytes())


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_kill_at_any_step_loses_nothing_and_repeats_nothing(tmp_path, total, chunk):
    assert total > 100
    for fatal in range(1 + chunk, total + 1, CHUNKS):
        root = prepare(tmp_path / str(fatal))
        assert play(root, fatal) == -signal.SIGKILL
        assert play(root) == 0, f"after a death at step {fatal}"
        judge(root)
