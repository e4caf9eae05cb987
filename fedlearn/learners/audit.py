"""How much a model tells about who taught it, and how much attackers take from its quality: measured, not claimed.

Membership is that of homes. The threshold attack takes a low loss for membership (Yeom et al. 2018). The likelihood
attack compares a home's loss with what models taught with and without it had (Carlini et al. 2022, LiRA), here with few
models, so with one spread for all homes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from fedlearn.learners.attacks import Attack, attackers_of
from fedlearn.learners.errors import MeasureInvalid
from fedlearn.learners.families import family
from fedlearn.learners.metrics import auc, metrics_of
from fedlearn.learners.plan import TrainingPlan
from fedlearn.learners.rehearsal import PLAIN, Conditions, Rehearsed, predicted, rehearse
from fedlearn.learners.table import Floats, Table

NO_DEFENCE, CLIP, CLIP_GROUPS = "none", "clip", "clip+groups"
DEFENCES: Final = (NO_DEFENCE, CLIP, CLIP_GROUPS)
MODELS_MIN: Final = 6
_LOSS_MIN = 1e-9


@dataclass(frozen=True, slots=True)
class MembershipAudit:
    """AUCs of two attacks on who took part: 0.5 is guessing. So many models were taught, each with half the homes."""

    threshold_auc: float
    likelihood_auc: float
    models: int
    homes: int


@dataclass(frozen=True, slots=True)
class AttackTrial:
    """One measurement: the metric on unseen rows with honest homes only, and with attackers, under one defence."""

    attack: str
    per_cent: int
    defence: str
    metric: str
    honest: float
    attacked: float

    @property
    def loss(self) -> float:
        """What the attackers took from the metric."""
        return self.honest - self.attacked


def membership_audit(
    plan: TrainingPlan,
    homes: Sequence[Table],
    rng: np.random.Generator,
    models: int = 16,
    conditions: Conditions = PLAIN,
) -> MembershipAudit:
    """Teach so many models with half of the homes each, and attack every one of them with the help of the others.

    Raises ``MeasureInvalid`` for fewer than six models or four homes.
    """
    if models < MODELS_MIN or len(homes) < 4:
        raise MeasureInvalid
    # Halves come in pairs of opposites, so each home is in exactly half of the models.
    inside = np.zeros((models, len(homes)), dtype=np.bool_)
    for number in range(0, models, 2):
        chosen = rng.permutation(len(homes))[: len(homes) // 2]
        inside[number, chosen] = True
        if number + 1 < models:
            inside[number + 1] = ~inside[number]
    losses = np.empty(inside.shape)
    for number in range(models):
        taught = [home for home, member in zip(homes, inside[number], strict=True) if member]
        free = msgspec.structs.replace(plan, minimum=min(plan.minimum, len(taught)))
        losses[number] = home_losses(free, rehearse(free, taught, rng, conditions), homes)
    return MembershipAudit(
        threshold_auc(losses, inside), likelihood_auc(losses, inside), models=models, homes=len(homes)
    )


def home_losses(plan: TrainingPlan, model: Rehearsed, homes: Sequence[Table]) -> Floats:
    """The mean loss of each home's rows (homes,)."""
    chosen = family(plan.family)
    shape = chosen.shape(plan)
    return np.array([chosen.loss(model.parameters, model.scaler.apply(home.x), home.y, shape) for home in homes])


def threshold_auc(losses: Floats, inside: NDArray[np.bool_]) -> float:
    """The mean over models of the AUC of "a low loss means membership"; both arrays are (models, homes).

    Raises ``MeasureInvalid``.
    """
    _check(losses, inside)
    found = [auc(member.astype(np.float64), -loss) for loss, member in zip(losses, inside, strict=True)]
    known = [value for value in found if math.isfinite(value)]
    if not known:
        raise MeasureInvalid
    return float(np.mean(known))


def likelihood_auc(losses: Floats, inside: NDArray[np.bool_]) -> float:
    """The AUC of the likelihood ratio of a home's log loss, over all pairs of a model and a home.

    For each pair the other models, taught with or without the home, give the two means; both arrays are (models,
    homes). Raises ``MeasureInvalid``.
    """
    _check(losses, inside)
    logs = np.log(losses + _LOSS_MIN)
    scores, truths = [], []
    for target in range(len(logs)):
        others = np.arange(len(logs)) != target
        with_home = _mean_where(logs[others], inside[others])
        without_home = _mean_where(logs[others], ~inside[others])
        usable = np.isfinite(with_home) & np.isfinite(without_home)
        centres = np.where(inside[others], with_home, without_home)
        spread = np.nanstd((logs[others] - centres)[:, usable]) + _LOSS_MIN
        ratio = ((logs[target] - without_home) ** 2 - (logs[target] - with_home) ** 2) / (2.0 * spread**2)
        scores.append(ratio[usable])
        truths.append(inside[target][usable].astype(np.float64))
    return auc(np.concatenate(truths), np.concatenate(scores))


def attack_trials(
    plan: TrainingPlan,
    homes: Sequence[Table],
    unseen: Table,
    trials: Iterable[tuple[str, int, str]],
    seed: int,
    factor: float = 10.0,
) -> list[AttackTrial]:
    """Teach the plan with and without attackers and measure both on unseen rows.

    A trial is (attack, per cent of homes, defence); ``clip+groups`` needs a plan with a ``group_size``. All runs use
    the same seed; ``factor`` is that of the scaled attack. Raises ``MeasureInvalid``, ``AttackInvalid``.
    """
    honest: dict[str, tuple[str, float]] = {}
    found = []
    for attack, per_cent, defence in trials:
        if defence not in DEFENCES or (defence == CLIP_GROUPS and not plan.group_size):
            raise MeasureInvalid
        used = plan if defence == CLIP_GROUPS else msgspec.structs.replace(plan, group_size=0)
        conditions = Conditions(clip=defence != NO_DEFENCE)
        if defence not in honest:
            honest[defence] = _metric(used, homes, unseen, conditions, seed)
        attackers = Attack(attack, attackers_of(len(homes), per_cent), factor)
        metric, attacked = _metric(used, homes, unseen, replace(conditions, attack=attackers), seed)
        found.append(AttackTrial(attack, per_cent, defence, metric, honest[defence][1], attacked))
    return found


def _metric(
    plan: TrainingPlan, homes: Sequence[Table], unseen: Table, conditions: Conditions, seed: int
) -> tuple[str, float]:
    binary = family(plan.family).shape(plan).binary
    model = rehearse(plan, homes, np.random.default_rng(seed), conditions)
    name = "auc" if binary else "r2"
    return name, metrics_of(unseen.y, predicted(plan, model, unseen), binary=binary)[name]


def _mean_where(values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    counts = chosen.sum(axis=0)
    return np.where(counts > 0, (values * chosen).sum(axis=0) / np.maximum(counts, 1), np.nan)


def _check(losses: Floats, inside: NDArray[np.bool_]) -> None:
    if losses.ndim != 2 or losses.shape != inside.shape or len(losses) < 3 or not np.isfinite(losses).all():
        raise MeasureInvalid
    if (losses < 0).any():
        raise MeasureInvalid
