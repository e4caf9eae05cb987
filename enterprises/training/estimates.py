"""What a job will take: time, bytes, epsilon and credits, told before money moves and shown beside what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from enterprises.training.models import JobPeer
from fedlearn.learners.families import family
from fedlearn.learners.plan import TrainingPlan
from fedlearn.protocol.errors import PlanInvalid
from fedlearn.protocol.graph import degree_for
from fedlearn.runtime.jobs.evaluation import slots
from fedlearn.runtime.jobs.terms import FINAL, TRAIN, Kind
from fedlearn.runtime.jobs.vector import Layout, epsilon_spent

EXCHANGES: Final = 5
PAUSE_S: Final = 2.0
"""Between a message and its answer lies the pause of a sweep on each side."""
NEIGHBOUR_BYTES: Final = 250
"""Keys, shares and unmasking for each neighbour, both ways, as measured."""
FIXED_BYTES: Final = 700
"""Terms, signatures and what else a round says to a home whatever its size is, as measured."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A home that would take part, the lots whose licences are paid, and their price in credits."""

    peer: JobPeer
    lots: tuple[dict[str, Any], ...]

    @property
    def price(self) -> int:
        return sum(int(lot["price"]) for lot in self.lots)


def choices_of(plan: TrainingPlan, peers: Sequence[JobPeer]) -> list[Choice]:
    """Who would take part: homes that are ready, in the order of their answers, as far as cohort and budget reach.

    Of a home the cheapest lots are taken, up to the reward of all rounds (where the plan names one).
    """
    left = plan.budget_credits - plan.bonus_credits
    found: list[Choice] = []
    for peer in peers:
        if peer.state != JobPeer.State.READY or len(found) == plan.cohort:
            continue
        most = min(left, plan.reward_credits * plan.rounds) if plan.reward_credits else left
        lots: list[dict[str, Any]] = []
        for lot in sorted(peer.lots, key=lambda lot: (int(lot["price"]), lot["lot"])):
            if sum(int(each["price"]) for each in lots) + int(lot["price"]) <= most:
                lots.append(lot)
        if lots:
            found.append(Choice(peer, tuple(lots)))
            left -= found[-1].price
    return found


def estimate_of(plan: TrainingPlan, choices: Sequence[Choice] | None, train_s: float = 0.5) -> dict[str, Any]:
    """The estimate as JSON; without ``choices`` for a full cohort within the budget.

    ``train_s``: how long a home computes in a round, as the dry run has it.
    """
    homes = plan.cohort if choices is None else len(choices)
    rounds = plan.rounds + 1
    licences = plan.budget_credits - plan.bonus_credits if choices is None else sum(each.price for each in choices)
    return {
        "homes": homes,
        "rounds": plan.rounds,
        "seconds": round(rounds * (EXCHANGES * PAUSE_S + train_s)),
        "seconds_most": rounds * plan.deadline_s,
        "bytes_home_round": _bytes(plan, max(homes, plan.minimum)),
        "epsilon": _epsilon(plan, max(homes, plan.minimum)),
        "delta": plan.privacy.delta if plan.privacy else None,
        "licences": licences,
        "bonus": plan.bonus_credits,
        "total": licences + plan.bonus_credits,
    }


def _bytes(plan: TrainingPlan, homes: int) -> int:
    """What letters hold, both ways: the model (float64), the masked words, keys and shares of the neighbours.

    Envelopes are not counted, here and in what is shown beside it.
    """
    chosen = family(plan.family)
    shape = chosen.shape(plan)
    evaluation = slots(shape.binary)
    words = chosen.update_length(plan) * plan.rounds + evaluation * (1 if plan.privacy else plan.rounds + 1)
    neighbours = degree_for(max(homes, 3), plan.secure_sum.dropout_pm / 1000)
    return 8 * shape.length + 4 * words // (plan.rounds + 1) + NEIGHBOUR_BYTES * (neighbours + 1) + FIXED_BYTES


def _epsilon(plan: TrainingPlan, homes: int) -> float | None:
    """What a home that takes part in all rounds and in the evaluation spends; None without noise."""
    if plan.privacy is None:
        return None
    cell = min(homes, plan.group_size) if plan.group_size else homes
    kinds: list[tuple[Kind, int]] = [(TRAIN, plan.rounds), (FINAL, 1)]
    releases = []
    for kind, count in kinds:
        try:
            release = Layout(plan, kind, max(cell, 2), min(plan.minimum, max(cell, 2))).release
        except PlanInvalid:
            return plan.privacy.epsilon
        if release is not None:
            releases += [release] * count
    return round(epsilon_spent(releases, plan.privacy.delta), 6)
