"""A home's training jobs as its owner sees them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from households.learning.account import COUNTED
from households.models import (
    HOME,
    EpsilonEntry,
    Household,
    Participation,
    ParticipationClaim,
    ParticipationOrder,
    ParticipationRound,
    VersionProof,
)


@dataclass(frozen=True, slots=True)
class RoundView:
    """A round as the home saw it, and the credits that it brought; 0 while they are being claimed."""

    row: ParticipationRound
    reward: int


@dataclass(frozen=True, slots=True)
class ParticipationView:
    """A job with its figures. ``rounds`` is empty in lists; ``micro_epsilon`` counts what is set aside or spent."""

    row: Participation
    lots: int
    accepted: int
    rewards: int
    bonus: int
    micro_epsilon: int
    rounds: tuple[RoundView, ...] = ()


def participations(household: Household) -> QuerySet[Participation]:
    """Every notice that the home was asked about, newest first."""
    return Participation.objects.using(HOME).filter(household=household)


def participation_view(row: Participation, *, whole: bool = False) -> ParticipationView:
    """One of them; ``whole`` has its rounds."""
    orders = ParticipationOrder.objects.using(HOME).filter(participation=row)
    claims = ParticipationClaim.objects.using(HOME).filter(order__participation=row)
    spent = EpsilonEntry.objects.using(HOME).filter(household=row.household, job=row.job, state__in=COUNTED)
    return ParticipationView(
        row=row,
        lots=len(row.offered),
        accepted=orders.exclude(accept_raw=b"").count(),
        rewards=orders.aggregate(total=Sum("reward"))["total"] or 0,
        bonus=claims.filter(number=0).aggregate(total=Sum("reward"))["total"] or 0,
        micro_epsilon=(spent.order_by().aggregate(total=Sum("micro_epsilon"))["total"] or 0) if row.job else 0,
        rounds=_rounds(row, claims) if whole else (),
    )


def proof_file(row: VersionProof) -> tuple[str, bytes]:
    """Name and content of the file that proves that the home's update is in a version."""
    return f"update-in-version-{bytes(row.version).hex()[:16]}.json", bytes(row.document)


def _rounds(row: Participation, claims: QuerySet[ParticipationClaim]) -> tuple[RoundView, ...]:
    """Rounds newest first. Claims name rounds by the ledger's number, which counts training steps that were opened."""
    brought: dict[int, int] = defaultdict(int)
    for number, reward in claims.filter(number__gt=0).values_list("number", "reward"):
        brought[number] += reward
    rounds = ParticipationRound.objects.using(HOME).filter(participation=row)
    return tuple(
        RoundView(one, brought[one.step] if one.kind == "train" and one.outcome == "opened" else 0) for one in rounds
    )
