"""``manage.py story``: the main job from nothing, on real processes in a scratch folder, with a table at the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from marketplace.common.errors import HearthError
from marketplace.demo.outcome import broken, summary
from marketplace.demo.real_data import real_cast
from marketplace.demo.report import report
from marketplace.demo.simulated import simulated_cast
from marketplace.demo.stage import Stage
from marketplace.demo.story import Story

WIDTH = 120


class Command(BaseCommand):
    help = "Play Hearth's main job from beginning to end, and check that all is as it should be."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, help="Folder with the real data; without it homes are simulated.")
        parser.add_argument("--full", action="store_true", help="All of the real data instead of seven days of each.")
        parser.add_argument(
            "--json", action="store_true", help="Print the figures as one JSON object in the last line."
        )
        parser.add_argument("--keep", action="store_true", help="Keep the scratch folder also when all went well.")

    def handle(self, *args: Any, data: Path | None, full: bool, json: bool, keep: bool, **options: Any) -> None:
        console = Console(file=sys.stderr if json else sys.stdout, width=None if sys.stdout.isatty() else WIDTH)
        stage = Stage()
        try:
            cast = real_cast(data.resolve(), full=full) if data else simulated_cast()
            with stage, _bars(console) as progress:
                outcome = Story(stage, cast, progress).play()
                stage.keep = keep or bool(broken(outcome))
        except HearthError as error:
            raise CommandError(
                f"{error.title}: {error.detail}\nEverything it wrote is in {stage.folder}", returncode=1
            ) from None
        report(console, outcome)
        if json:
            self.stdout.write(_line(summary(outcome)))
        if stage.keep:
            self.stderr.write(f"Everything it wrote is in {stage.folder}")
        if broken(outcome):
            raise CommandError("The story did not end as it should.", returncode=1)


def _bars(console: Console) -> Progress:
    columns = (
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console)


def _line(figures: dict[str, Any]) -> str:
    return msgspec.json.encode(figures).decode()
