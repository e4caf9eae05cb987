"""``manage.py fl simulate``: a training job among homes in memory, with the very rounds of a deployment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table as Grid

from fedlearn.learners.attacks import ATTACKS, Attack
from fedlearn.learners.families import FAMILIES
from fedlearn.learners.plan import Hyper, Privacy, SecureSum, TrainingPlan
from fedlearn.learners.templates import TEMPLATES, template
from fedlearn.protocol.plan import HONEST, MALICIOUS
from fedlearn.protocol.strategy import STRATEGIES, Strategy
from fedlearn.runtime.jobs import COMPLETED, JobRecord
from marketplace.common.errors import HearthError
from marketplace.demo.learning import UNSEEN, Learnt, learn
from marketplace.demo.learning_data import homes_of

MICRO = 1_000_000
MINIMUM_SHARE = 0.5


class Command(BaseCommand):
    help = "Federated learning without a deployment: simulate a job among homes in this process."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        simulate = commands.add_parser("simulate", help="Run a job by the rounds of a deployment, and compare.")
        add = simulate.add_argument
        add("--homes", type=int, default=10, help="How many homes; the last two take no part and are learnt for.")
        add("--dropout", type=float, default=0.0, help="Chance that a home falls silent in a round, from 0 to 1.")
        add("--attackers", type=int, default=0, help="How many of the homes attack.")
        add("--attack", choices=ATTACKS, default="sign_flip", help="What attackers do.")
        add("--data", type=Path, help="Folder with the real data; without it homes are made up.")
        add("--task", choices=list(TEMPLATES), default="next_hour_load")
        add("--family", choices=list(FAMILIES), help="By default logistic for yes or no, linear for numbers.")
        add("--strategy", choices=STRATEGIES, default="fedavg")
        add("--rounds", type=int, default=15)
        add("--epochs", type=int, default=1)
        add("--rate", type=float, default=0.002, help="Step size of a home.")
        add("--clip", type=float, default=1.0, help="Largest L2 norm of a home's update.")
        add("--epsilon", type=float, help="Privacy target of the whole job; without it no noise is added.")
        add("--delta", type=float, default=1e-3)
        add("--groups", type=int, default=0, help="Homes of a group that is opened apart; 0 for one sum of all.")
        add("--malicious", action="store_true", help="Masks that stand a server which lies about survivors.")
        add("--scaling", choices=["fixed", "statistics"], default="fixed")
        add("--seed", type=int, default=1)
        add("--json", action="store_true", help="Print the figures as one JSON object in the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(file=sys.stderr if options["json"] else sys.stdout)
        try:
            learnt = self._simulate(console, options)
        except HearthError as error:
            hint = f"\n{error.hint}" if error.hint else ""
            raise CommandError(f"{error.title}: {error.detail}{hint}", returncode=1) from None
        console.print(_grid(learnt))
        if options["json"]:
            self.stdout.write(msgspec.json.encode(learnt.summary()).decode())
        if learnt.outcome.job.phase != COMPLETED:
            raise CommandError(f"The job failed: {learnt.outcome.job.reason}", returncode=1)

    def _simulate(self, console: Console, options: dict[str, Any]) -> Learnt:
        folder = options["data"].resolve() if options["data"] else None
        homes = homes_of(options["task"], options["homes"], folder, options["seed"])
        plan = plan_of(options)
        attack = Attack(options["attack"], frozenset(range(options["attackers"]))) if options["attackers"] else None
        with Progress(console=console) as bars:
            bar = bars.add_task("rounds", total=plan.releases + 1)
            return learn(
                plan,
                homes,
                seed=options["seed"],
                dropout=options["dropout"],
                attack=attack,
                progress=lambda record: _advance(bars, bar, record),
            )


def plan_of(options: dict[str, Any]) -> TrainingPlan:
    """The plan that the command's words describe."""
    cohort = options["homes"] - UNSEEN
    binary = template(options["task"]).binary
    epsilon = options["epsilon"]
    return TrainingPlan(
        task=options["task"],
        family=options["family"] or ("logistic" if binary else "linear"),
        hyper=Hyper(learning_rate_micro=round(options["rate"] * MICRO)),
        strategy=Strategy(options["strategy"], prox_micro=10_000 if options["strategy"] == "fedprox" else 0),
        rounds=options["rounds"],
        epochs=options["epochs"],
        batch_size=32,
        cohort=cohort,
        minimum=max(2, round(cohort * MINIMUM_SHARE)),
        deadline_s=60,
        clip_micro=round(options["clip"] * MICRO),
        seed=options["seed"],
        scaling=options["scaling"],
        privacy=None if epsilon is None else Privacy(round(epsilon * MICRO), round(options["delta"] * MICRO)),
        secure_sum=SecureSum(MALICIOUS if options["malicious"] else HONEST),
        group_size=options["groups"],
    )


def _advance(bars: Progress, bar: TaskID, record: JobRecord) -> None:
    opened = [report for report in record.reports if report.outcome == "opened"]
    bars.update(bar, completed=len(opened))


def _grid(learnt: Learnt) -> Grid:
    grid = Grid(title="What came of it", show_header=False)
    for name, value in learnt.summary().items():
        grid.add_row(name.replace("_", " "), "-" if value is None else str(value))
    return grid
