"""The model card: what a version was taught on, how good it is on homes it never saw, and what it withstands.

A defence is claimed only where a measurement in the card shows it, and privacy only with the numbers that were counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Final

import msgspec

from chain.crypto.hashing import sha256
from fedlearn.learners.audit import AttackTrial, MembershipAudit
from fedlearn.learners.errors import CardInvalid
from fedlearn.learners.families import family
from fedlearn.learners.plan import TrainingPlan, plan_hash
from fedlearn.learners.templates import template

FORMAT: Final = 1
TOLERANCE: Final = 0.05
"""A defence holds where attackers take no more than this from the metric."""


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Metrics by name, and on what: homes that took no part in training, with so many rows."""

    homes: int
    rows: int
    model: dict[str, float]
    baselines: dict[str, dict[str, float]]


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measured attack; ``holds`` only if no more than the card's tolerance was lost."""

    attack: str
    per_cent: int
    defence: str
    metric: str
    honest: float
    attacked: float
    holds: bool


class Membership(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AUCs of the attacks on who took part; 0.5 is guessing."""

    threshold_auc: float
    likelihood_auc: float
    models: int
    homes: int


class Counted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The privacy that was counted: epsilon at this delta for one home over all opened sums that held its data."""

    epsilon: float
    delta: float
    releases: int


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the module. ``parameters`` and ``plan`` are hashes in hexadecimal, ``participants`` a number of homes."""

    task: str
    label: str
    unit: str
    features: tuple[str, ...]
    family: str
    parameter_count: int
    parameters: str
    plan: str
    strategy: str
    rounds: int
    participants: int
    held_out: Figures
    privacy: Counted | None
    membership: Membership | None
    attacks: tuple[Trial, ...]
    tolerance: float
    limits: tuple[str, ...]
    format: int = FORMAT


def card_build(
    plan: TrainingPlan,
    parameters_hash: bytes,
    *,
    rounds: int,
    participants: int,
    held_out: Figures,
    epsilon: float | None = None,
    membership: MembershipAudit | None = None,
    attacks: Iterable[AttackTrial] = (),
) -> Card:
    """The card of a version. ``epsilon`` is what was counted for the rounds done, None where there was no noise.

    Raises ``CardInvalid`` if held-out figures or baselines are missing or not finite, or if an epsilon is given for a
    plan without a privacy target, or none for one with it.
    """
    task, chosen = template(plan.task), family(plan.family)
    trials = tuple(_trial(entry) for entry in attacks)
    card = Card(
        task=task.name,
        label=task.label,
        unit=task.unit,
        features=task.names,
        family=chosen.name,
        parameter_count=chosen.shape(plan).length,
        parameters=parameters_hash.hex(),
        plan=plan_hash(plan).hex(),
        strategy=plan.strategy.name,
        rounds=rounds,
        participants=participants,
        held_out=held_out,
        privacy=_privacy(plan, epsilon, rounds),
        membership=None if membership is None else Membership(**asdict(membership)),
        attacks=trials,
        tolerance=TOLERANCE,
        limits=_limits(epsilon, membership, trials),
    )
    card_check(card)
    return card


def card_check(card: Card) -> None:
    """Raise ``CardInvalid`` for a card that lacks its figures, or claims what its own measurements do not show."""
    figures = card.held_out
    if card.format != FORMAT or figures.homes < 1 or figures.rows < 1 or not figures.model or not figures.baselines:
        raise CardInvalid
    numbers = [*figures.model.values(), *(value for base in figures.baselines.values() for value in base.values())]
    numbers += [value for entry in card.attacks for value in (entry.honest, entry.attacked)]
    if card.membership:
        numbers += [card.membership.threshold_auc, card.membership.likelihood_auc]
    if card.privacy:
        numbers += [card.privacy.epsilon, card.privacy.delta]
    if not all(math.isfinite(value) for value in numbers):
        raise CardInvalid
    if card.tolerance != TOLERANCE or any(
        entry.holds != _holds(entry.honest, entry.attacked) for entry in card.attacks
    ):
        raise CardInvalid
    epsilon = card.privacy.epsilon if card.privacy else None
    if card.limits != _limits(epsilon, card.membership, card.attacks):
        raise CardInvalid


def card_encode(card: Card) -> bytes:
    """The card as JSON with sorted keys: the same bytes for the same card."""
    return msgspec.json.encode(card, order="sorted")


def card_decode(data: bytes) -> Card:
    """The card that the bytes hold, checked. Raises ``CardInvalid``."""
    try:
        card = msgspec.json.decode(data, type=Card)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        raise CardInvalid from fault
    card_check(card)
    return card


def card_hash(card: Card) -> bytes:
    """SHA-256 of the card's bytes, 32 bytes."""
    return sha256(card_encode(card))


def _privacy(plan: TrainingPlan, epsilon: float | None, rounds: int) -> Counted | None:
    if (plan.privacy is None) != (epsilon is None):
        raise CardInvalid
    if plan.privacy is None or epsilon is None:
        return None
    extra = plan.releases - plan.rounds
    return Counted(epsilon=epsilon, delta=plan.privacy.delta, releases=rounds + extra)


def _trial(entry: AttackTrial) -> Trial:
    return Trial(**asdict(entry), holds=_holds(entry.honest, entry.attacked))


def _holds(honest: float, attacked: float) -> bool:
    return honest - attacked <= TOLERANCE


def _limits(
    epsilon: float | None, membership: MembershipAudit | Membership | None, trials: Sequence[Trial]
) -> tuple[str, ...]:
    """What a reader must not take for granted, as codes with words for each in the pages."""
    found = ["figures_of_held_out_homes_only"]
    if epsilon is None:
        found.append("no_privacy_bound")
    if membership is None:
        found.append("membership_not_measured")
    if not trials:
        found.append("attacks_not_measured")
    elif not all(entry.holds for entry in trials):
        found.append("some_attacks_not_withstood")
    return tuple(found)
