"""The follower: nudges on every event, and by the clock when there are none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.server import ServerConnection, serve

from marketplace.management.commands import follower
from marketplace.management.commands.follower import Follower, Listener, events_url


@contextmanager
def market(connected: threading.Event, say: threading.Event) -> Iterator[str]:
    """A market that sends an event each time ``say`` is set."""

    def talk(line: ServerConnection) -> None:
        connected.set()
        while say.wait(10):
            say.clear()
            line.send("{}")

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        say.set()
        server.shutdown()


class Counted:
    """A nudge that lets a test wait for its next call."""

    def __init__(self) -> None:
        self.called = threading.Semaphore(0)

    def __call__(self) -> None:
        self.called.release()

    def next(self) -> bool:
        return self.called.acquire(timeout=10)


@pytest.fixture
def nudge() -> Counted:
    return Counted()


@contextmanager
def following(url: str, nudge: Counted) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Follower(url, [nudge], stop).run, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(15)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("market_url", "expected"),
    [
        ("http://127.0.0.1:8000", "ws://127.0.0.1:8000/ws/v1/market/events"),
        ("https://market.example/", "wss://market.example/ws/v1/market/events"),
        ("https://example.org/hearth", "wss://example.org/hearth/ws/v1/market/events"),
    ],
)
def test_events_come_from_the_market_by_its_own_scheme(market_url: str, expected: str):
    assert events_url(market_url) == expected


def test_an_event_nudges_at_once_and_not_by_the_clock(nudge: Counted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follower, "POLL_S", 60.0)
    connected, say = threading.Event(), threading.Event()
    with market(connected, say) as url:
        stop = threading.Event()
        thread = threading.Thread(target=Follower(url, [nudge], stop).run, daemon=True)
        thread.start()
        assert connected.wait(10)
        assert nudge.next()  # on connecting: something may have happened before
        say.set()
        assert nudge.next()
        stop.set()
        say.set()


def test_without_a_market_it_asks_by_the_clock(nudge: Counted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follower, "POLL_S", 0.05)
    with following("ws://127.0.0.1:9/nobody", nudge):
        assert nudge.next()
        assert nudge.next()


def test_a_nudge_that_fails_does_not_stop_the_others(nudge: Counted):
    def away() -> None:
        raise ConnectionRefusedError

    stop = threading.Event()
    Follower("ws://127.0.0.1:9", [away, nudge], stop).nudge()
    assert nudge.called.acquire(blocking=False)


@contextmanager
def board(heard: list[str], say: threading.Event) -> Iterator[str]:
    """A board that takes tokens, and sends an event each time ``say`` is set."""

    def talk(line: ServerConnection) -> None:
        heard.append(str(line.recv(timeout=10)))
        while say.wait(10):
            say.clear()
            line.send('{"kind": "mail"}')

    with serve(talk, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        say.set()
        server.shutdown()


def test_mail_nudges_at_once_and_the_board_is_told_which_accounts_listen(
    nudge: Counted, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follower, "TOKENS_AGAIN_S", 0.05)
    heard: list[str] = []
    accounts, say, stop = ["hub_a"], threading.Event(), threading.Event()
    with board(heard, say) as url:
        thread = threading.Thread(target=Listener(url, lambda: list(accounts), nudge, stop).run, daemon=True)
        thread.start()
        say.set()
        assert nudge.next()
        accounts.append("org_b")  # another account: the line is opened anew with both
        while len(heard) < 2:
            assert not stop.wait(0.01)
        assert [json.loads(said)["tokens"] for said in heard[:2]] == [["hub_a"], ["hub_a", "org_b"]]
        say.set()
        assert nudge.next()
        stop.set()
        say.set()
        thread.join(15)
    assert not thread.is_alive()


def test_without_accounts_nobody_calls_the_board(nudge: Counted, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(follower, "TOKENS_AGAIN_S", 0.01)
    asked, stop = threading.Semaphore(0), threading.Event()

    def none() -> list[str]:
        asked.release()
        return []

    heard: list[str] = []
    with board(heard, threading.Event()) as url:
        thread = threading.Thread(target=Listener(url, none, nudge, stop).run, daemon=True)
        thread.start()
        assert asked.acquire(timeout=10) and asked.acquire(timeout=10)
        stop.set()
        thread.join(15)
    assert heard == [] and not nudge.called.acquire(blocking=False)
