"""``manage.py up``: everything that Hearth needs, under one supervisor, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace import assets
from marketplace.common.errors import HearthError
from marketplace.supervisor import PYTHON, Stack

# Where ``manage.py demo`` says which devices to start.
DEVICES_FILE = Path("demo") / "devices.json"
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Command(BaseCommand):
    help = "Start Hearth: databases, ledger node, web, workers and, in the demo, homes with devices."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=settings.HEARTH_PORT)
        parser.add_argument("--host", default=os.environ.get("HEARTH_HOST", "127.0.0.1"))
        parser.add_argument("--no-demo", action="store_true", help="Start without demo homes and enterprises.")

    def handle(self, *args: Any, port: int, host: str, no_demo: bool, **options: Any) -> None:
        began = time.monotonic()
        stack = Stack(
            var=settings.HEARTH_VAR,
            port=port,
            host=host,
            roles=settings.HEARTH_ROLES,
            settings_module=os.environ["DJANGO_SETTINGS_MODULE"],
            echo=True,
        )
        stop = threading.Event()
        self._catch_signals(stack, stop)
        code = 0
        try:
            self._say(stack, "assets and databases")
            assets.ensure(settings.BASE_DIR, settings.HEARTH_VENDOR)
            if not getattr(settings, "WHITENOISE_USE_FINDERS", False):
                stack.manage("collectstatic", "--noinput", "--verbosity=0")
            stack.migrate()
            self._say(stack, "processes")
            stack.start()
            logins = self._demo(stack) if settings.HEARTH_DEMO and not no_demo else ""
            self._say(
                stack, f"ready after {time.monotonic() - began:.0f} s\n\n  {stack.url}/\n{logins}\n  Ctrl-C stops.\n"
            )
            stack.run(stop)
        except _Stopped:
            pass
        except HearthError as error:
            if not stop.is_set():
                self.stderr.write(f"{error.title}: {error.detail}\n{error.hint}")
                code = 1
        finally:
            began = time.monotonic()
            stack.stop()
            stack.log.line("up", f"stopped in {time.monotonic() - began:.1f} s")
        if code:
            raise CommandError("Hearth has stopped.", returncode=code)

    def _catch_signals(self, stack: Stack, stop: threading.Event) -> None:
        """The first signal ends in good order, the second at once."""

        def end(number: int, frame: FrameType | None) -> None:
            if stop.is_set():
                stack.kill()
                sys.exit(130)
            stop.set()
            raise _Stopped

        for number in HANDLED:
            signal.signal(number, end)

    def _demo(self, stack: Stack) -> str:
        """Make the demo's homes and enterprises if need be, and start their devices; the log-ins to print."""
        if "demo" not in get_commands():
            return ""
        self._say(stack, "demo homes and enterprises")
        logins = stack.manage("demo")
        devices = stack.var / DEVICES_FILE
        if devices.exists():
            stack.spawn("devices", [PYTHON, "-m", "households.agent", "host", str(devices)])
        return logins

    def _say(self, stack: Stack, text: str) -> None:
        for line in text.splitlines():
            stack.log.line("up", line)


class _Stopped(BaseException):
    """The first Ctrl-C or SIGTERM, wherever the start or the watch was at that moment."""
