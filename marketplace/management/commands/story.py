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
from marketplace.demo.real_data import learning_cast, real_cast
from marketplace.demo.report import report, report_taught
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
        parser.add_argument(
            "--learn",
            action="store_true",
            help="Go on with the second act: the recorded homes teach a model and get advice from it (needs --data).",
        )
        parser.add_argument("--keep", action="store_true", help="Keep the scratch folder also when all went well.")

    def handle(
        self, *args: Any, data: Path | None, full: bool, json: bool, learn: bool, keep: bool, **options: Any
    ) -> None:
        if learn and data is None:
            raise CommandError("The second act is played by the recorded homes: give their folder with --data.")
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
        told, wrong = summary(outcome), broken(outcome)
        if learn and data is not None:
            more, missing = self._second_act(console, data.resolve(), keep=keep)
            told |= more
            wrong += missing
        if json:
            self.stdout.write(_line(told))
        if stage.keep:
            self.stderr.write(f"Everything it wrote is in {stage.folder}")
        if wrong:
            raise CommandError("\n".join(["The story did not end as it should.", *wrong]), returncode=1)

    def _second_act(self, console: Console, data: Path, *, keep: bool) -> tuple[dict[str, Any], list[str]]:
        """The act's figures, and what did not happen as it should."""
        # Here, because it brings scikit-learn with it, for which the first act need not wait.
        from marketplace.demo.learning_story import LEARNING_DAYS, LEARNING_DEADLINES, compared, teach

        stage = Stage(LEARNING_DEADLINES)
        try:
            with stage, _bars(console) as progress:
                taught = teach(stage, learning_cast(data, LEARNING_DAYS), progress)
                stage.keep = keep or bool(taught.broken())
        except HearthError as error:
            raise CommandError(
                f"{error.title}: {error.detail}\nEverything it wrote is in {stage.folder}", returncode=1
            ) from None
        report_taught(console, taught)
        training = taught.training() | compared(taught, data)
        return {"training": training, "service": taught.service()}, taught.broken()


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
