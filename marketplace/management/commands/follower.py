"""``manage.py follower``: listens to the market's events and nudges the roles of this deployment to look.

One line is about blocks and public; the other, with the tokens of this node's accounts, about notices and their mail.
Without the WebSocket (the market is away, a proxy cuts it) it nudges every two seconds: events are late, not lost.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from marketplace.common.errors import HearthError
from marketplace.common.ready import say_ready

log = logging.getLogger(__name__)

POLL_S = 2.0
REST_S = 0.1  # several blocks within this time make one nudge
CONNECT_TIMEOUT_S = 5.0
NUDGES = {
    "households.services.market_event_nudge": {"home"},
    "enterprises.nudges.market_event_nudge": {"market", "enterprise"},
}
# Who may hear of mail: functions that give the market tokens of this node's accounts.
TOKENS = {"enterprises.nudges.market_tokens": {"enterprise"}}
TOKENS_MAX = 256
TOKENS_AGAIN_S = 30.0
Nudge = Callable[[], None]
Tokens = Callable[[], list[str]]


def events_url(market_url: str, what: str = "events") -> str:
    """The WebSocket of the market at ``market_url``."""
    parts = urlsplit(market_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws/v1/market/{what}", "", ""))


class Follower:
    """Calls every nudge after each event, at most once in ``REST_S``, and at least once in ``POLL_S``."""

    def __init__(self, url: str, nudges: list[Nudge], stop: threading.Event) -> None:
        self.url = url
        self.nudges = nudges
        self.stop = stop

    def run(self) -> None:
        connected_before = True
        while not self.stop.is_set():
            try:
                with connect(self.url, open_timeout=CONNECT_TIMEOUT_S, proxy=None) as line:
                    connected_before = True
                    self.nudge()
                    self.listen(line)
            except (OSError, WebSocketException, TimeoutError) as error:
                if connected_before:
                    log.warning("no events from the market (%s); asking every %s s", type(error).__name__, POLL_S)
                connected_before = False
            self.nudge()
            self.stop.wait(POLL_S)

    def listen(self, line: Connection) -> None:
        while not self.stop.is_set():
            try:
                line.recv(timeout=POLL_S)
                self.stop.wait(REST_S)
                _drain(line)
            except TimeoutError:
                pass
            self.nudge()

    def nudge(self) -> None:
        for nudge in self.nudges:
            try:
                nudge()
            except (OSError, OperationalError) as error:  # the broker is away; the next round tries again
                log.warning("nudge failed: %s", type(error).__name__)


class Listener:
    """Nudges when the board says that there is a notice, or mail for one of the tokens' accounts.

    It only makes things quicker: the follower nudges by the clock in any case. Every ``TOKENS_AGAIN_S`` it looks
    whether the node has other accounts by now.
    """

    def __init__(self, url: str, tokens: Tokens, nudge: Nudge, stop: threading.Event) -> None:
        self.url, self.tokens, self.nudge, self.stop = url, tokens, nudge, stop

    def run(self) -> None:
        while not self.stop.is_set():
            tokens = self.tokens()
            if tokens:
                try:
                    with connect(self.url, open_timeout=CONNECT_TIMEOUT_S, proxy=None) as line:
                        line.send(json.dumps({"tokens": tokens[:TOKENS_MAX]}))
                        self.listen(line, tokens)
                except (OSError, WebSocketException, TimeoutError) as error:
                    log.info("no events of the board: %s", type(error).__name__)
            self.stop.wait(TOKENS_AGAIN_S)

    def listen(self, line: Connection, tokens: list[str]) -> None:
        """Until the line breaks or the node has other accounts."""
        while not self.stop.is_set():
            try:
                line.recv(timeout=TOKENS_AGAIN_S)
                self.stop.wait(REST_S)
                _drain(line)
                self.nudge()
            except TimeoutError:
                if self.tokens() != tokens:
                    return


def tokens_of(hooks: list[Tokens]) -> list[str]:
    """All tokens of the node's accounts; for a thread of its own, whose connections to databases are looked after."""
    close_old_connections()
    try:
        return [token for hook in hooks for token in hook()]
    except (DatabaseError, HearthError) as error:
        log.warning("tokens of the market not read: %s", type(error).__name__)
        return []


def _drain(line: Connection) -> None:
    """Take what has come meanwhile."""
    while True:
        try:
            line.recv(timeout=0)
        except TimeoutError:
            return


class Command(BaseCommand):
    help = "Follow the market's events."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        played = set(settings.HEARTH_ROLES)
        nudges: list[Nudge] = [import_string(name) for name, roles in NUDGES.items() if roles & played]
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()
            sys.exit(0)

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        hooks: list[Tokens] = [import_string(name) for name, roles in TOKENS.items() if roles & played]
        follower = Follower(events_url(settings.HEARTH_MARKET_URL), nudges, stop)
        board = events_url(settings.HEARTH_MARKET_URL, "board")
        listener = Listener(board, lambda: tokens_of(hooks), follower.nudge, stop)
        threading.Thread(target=listener.run, name="board", daemon=True).start()
        say_ready("follower")
        follower.run()
