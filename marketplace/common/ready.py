"""How a process without a socket tells the supervisor that it is ready: a file in var/run."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings


def say_ready(name: str) -> None:
    """Leave ``var/run/<name>.ready``; the supervisor removes it before each start."""
    folder = Path(settings.HEARTH_VAR) / "run"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{name}.ready").touch()
