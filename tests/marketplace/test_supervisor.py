"""Processes under one roof: they end with the supervisor however it ends, and a failure names who failed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from marketplace.child import Child
from marketplace.probes import answers_on
from marketplace.supervisor import VALKEY, WEB, AlreadyRunning, PortTaken, Stack, StackFault

ROOT = Path(__file__).resolve().parent.parent.parent
SLEEP = [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); signal.pause()",
]
# A supervisor that starts a child, says its pid and waits to be killed.
PARENT = """
import os, pathlib, sys, threading
sys.path.insert(0, sys.argv[1])
from marketplace.child import Child
ready = threading.Event()
child = Child("c", [sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"],
              environ=dict(os.environ), folder=pathlib.Path("."), sink=lambda name, line: ready.set(), grace_s=5)
ready.wait(20)
print(child.pid, flush=True)
threading.Event().wait()
"""


def until(done: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait on a condition, looking twenty times a second."""
    pause = threading.Event()
    for _ in range(int(timeout_s * 20)):
        if done():
            return
        pause.wait(0.05)
    raise AssertionError("the condition did not come true in time")


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def child_of(command: list[str], grace_s: float = 5.0) -> tuple[Child, list[str]]:
    said: list[str] = []
    child = Child(
        "c", command, environ=dict(os.environ), folder=ROOT, sink=lambda name, line: said.append(line), grace_s=grace_s
    )
    until(lambda: bool(said))
    return child, said


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_child_does_not_outlive_a_supervisor_that_was_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(ROOT)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_running(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    until(lambda: not is_running(pid))


def test_a_child_that_does_not_listen_is_ended_by_force():
    child, said = child_of(STUBBORN, grace_s=0.3)
    child.stop()
    assert child.exit_code == -signal.SIGKILL
    assert any("killed" in line for line in said)


def test_a_child_that_listens_ends_by_itself():
    child, _ = child_of(SLEEP)
    child.stop()
    assert child.exit_code == -signal.SIGTERM


def test_children_end_in_reverse_order(tmp_path: Path):
    stack = Stack(var=tmp_path, scratch=True, only=())
    order: list[str] = []
    for name in ("first", "second", "third"):
        child = stack.spawn(name, SLEEP)
        child.stop = lambda name=name, stop=child.stop: (order.append(name), stop())  # type: ignore[method-assign]
    stack.stop()
    assert order == ["third", "second", "first"]
    assert stack.children == []


def test_a_process_that_ends_is_named_with_its_last_words(tmp_path: Path):
    with Stack(var=tmp_path, scratch=True, only=()) as stack:
        stack.spawn("broken", [sys.executable, "-c", "raise SystemExit('no ledger here')"])
        with pytest.raises(StackFault, match="broken ended with 1") as fault:
            stack.wait(lambda: False, "broken", 20)
        until(lambda: "no ledger here" in stack.log.file.read_text())
    assert fault.value.code == "stack_fault"


def test_a_process_that_is_not_ready_in_time_is_named(tmp_path: Path):
    with Stack(var=tmp_path, scratch=True, only=()) as stack:
        stack.spawn("slow", SLEEP)
        with pytest.raises(StackFault, match="slow was not ready"):
            stack.wait(lambda: False, "slow", 0.2)


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with Stack(var=tmp_path, scratch=True, port=other.getsockname()[1], only=(WEB,)) as stack:
            with pytest.raises(PortTaken):
                stack.start()
            assert stack.children == []


def test_two_supervisors_do_not_share_a_folder(tmp_path: Path):
    with Stack(var=tmp_path, scratch=True, only=()) as first, Stack(var=tmp_path, scratch=True, only=()) as second:
        first.start()
        with pytest.raises(AlreadyRunning):
            second.start()


def test_a_folder_is_free_again_after_a_stop(tmp_path: Path):
    with Stack(var=tmp_path, scratch=True, only=()) as first:
        first.start()
    with Stack(var=tmp_path, scratch=True, only=()) as second:
        second.start()


def test_valkey_starts_on_its_socket_and_is_gone_after_the_stop(tmp_path: Path):
    with Stack(var=tmp_path, scratch=True, only=(VALKEY,)) as stack:
        stack.start()
        address = stack.environ["HEARTH_VALKEY_SOCKET"]
        assert answers_on(address)
        assert {path.name for path in tmp_path.glob("*.sock")} == {"valkey.sock"}
    assert not answers_on(address)


def test_a_scratch_stack_takes_no_settings_of_the_real_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("DATABASE_URL", "DATABASE_URL_HOME", "REDIS_URL", "HEARTH_SECRET_KEY", "HEARTH_SECRETS_DIR"):
        monkeypatch.setenv(name, "real")
    scratch = Stack(var=tmp_path / "a", scratch=True).environ
    assert "real" not in scratch.values()
    kept = Stack(var=tmp_path / "b").environ
    assert kept["DATABASE_URL_HOME"] == "real"


def test_a_redis_from_outside_takes_the_place_of_valkey(tmp_path: Path):
    assert VALKEY not in Stack(var=tmp_path, scratch=True, environ={"REDIS_URL": "redis://cache:6379"}).names


def test_a_home_alone_starts_no_ledger_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEARTH_MARKET_URL", "https://market.example")
    stack = Stack(var=tmp_path, roles=("home",))
    assert "node" not in stack.names
    assert stack.environ["HEARTH_MARKET_URL"] == "https://market.example"
