"""``manage.py follower``: listens to the market's events and nudges the roles of this deployment to look.

Without the WebSocket (the market is away, a proxy cuts it) it nudges every two seconds: events are late, not lost.
"""

from __future__ import annotations

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
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from marketplace.common.ready import say_ready

log = logging.getLogger(__name__)

POLL_S = 2.0
REST_S = 0.1  # several blocks within this time make one nudge
CONNECT_TIMEOUT_S = 5.0
NUDGES = {
    "households.services.market_event_nudge": {"home"},
    "enterprises.nudges.market_event_nudge": {"market", "enterprise"},
}
Nudge = Callable[[], None]


def events_url(market_url: str) -> str:
    """The WebSocket of the market at ``market_url``."""
    parts = urlsplit(market_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return urlunsplit((scheme, parts.netloc, f"{parts.path.rstrip('/')}/ws/v1/market/events", "", ""))


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
        say_ready("follower")
        Follower(events_url(settings.HEARTH_MARKET_URL), nudges, stop).run()
