"""What stands between a round and the home's rows: the owner's consent, the account of epsilon, pay for past rounds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from fedlearn.learners.plan import TrainingPlan
from fedlearn.protocol.accounting import Release, epsilon_of
from fedlearn.runtime.jobs.terms import TRAIN
from fedlearn.runtime.rounds import OPENED
from households.learning import errors as account
from households.learning.account import epsilon_release, epsilon_reserve, epsilon_spend
from households.learning.consent import consent_decide
from households.learning.participation.errors import RewardsOutstanding
from households.learning.participation.home import question_of
from households.learning.questions import delta_pico, round_cost
from households.models import HOME, EpsilonEntry, Participation, ParticipationClaim, ParticipationRound
from marketplace.common.errors import HearthError

UNPROVEN_MAX: Final = 2


class Refused(account.LearningRefused):
    """The owner's rules say no; ``code`` is the reason in the history."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code or self.code


class HomeGuard:
    """``RoundGuard`` of one participation. ``now`` tells the time; ``paid_rounds`` what the ledger has paid by now."""

    def __init__(
        self, row: Participation, plan: TrainingPlan, now: Callable[[], datetime], paid_rounds: Callable[[], int]
    ) -> None:
        self._row, self._plan, self._now, self._paid = row, plan, now, paid_rounds

    def allow(self, sequence: int, release: Release | None) -> None:
        """Ask the owner's rules and set the round's epsilon aside.

        Raises ``RewardsOutstanding``, and ``LearningRefused``; why is noted in the home's history.
        """
        micro = None if release is None else self._cost(sequence, release)
        seen = {"noise": release.noise_multiplier if release else None, "micro_epsilon": micro or 0}
        rounds = ParticipationRound.objects.using(HOME)
        rounds.update_or_create(participation=self._row, sequence=sequence, defaults=seen)
        mine = rounds.filter(participation=self._row, sequence=sequence)
        try:
            self._require_proofs()
            self._reserve(sequence, micro)
        except HearthError as reason:
            mine.update(outcome=reason.code[:48])
            raise

    def _reserve(self, sequence: int, micro: int | None) -> None:
        row = self._row
        question = question_of(row, micro=micro, sequence=sequence)
        answer = consent_decide(household=row.household, question=question, now=self._now())
        if answer.rule is None:
            raise Refused(answer.code)
        if micro is None or self._plan.privacy is None:
            return  # the owner allows jobs without noise: there is no epsilon to count
        epsilon_reserve(
            household=row.household,
            rule=answer.rule,
            job=bytes(row.job),
            round=sequence,
            classes=answer.classes,
            micro_epsilon=micro,
            delta_pico=delta_pico(self._plan.privacy.delta),
            now=self._now(),
        )

    def spend(self, sequence: int) -> None:
        """The update is about to leave. Raises ``EpsilonGivenBack`` if the home has left the round meanwhile."""
        if self._plan.privacy is None:
            return
        epsilon_spend(household=self._row.household, job=bytes(self._row.job), round=sequence)

    def over(self, sequence: int, outcome: str) -> None:
        """Give back what was set aside and not spent."""
        try:
            epsilon_release(household=self._row.household, job=bytes(self._row.job), round=sequence)
        except (account.EpsilonSpent, account.EpsilonEntryUnknown):
            return

    def _cost(self, sequence: int, release: Release) -> int:
        """What the round adds to the epsilon of those whose update has left."""
        assert self._plan.privacy is not None
        row, delta = self._row, self._plan.privacy.delta
        entries = EpsilonEntry.objects.using(HOME).filter(household=row.household, job=row.job)
        spent = entries.filter(state=EpsilonEntry.State.SPENT).exclude(round=sequence).values_list("round", flat=True)
        rows = ParticipationRound.objects.using(HOME).filter(participation=row, sequence__in=list(spent))
        before = [Release(noise) for noise in rows.values_list("noise", flat=True) if noise is not None]
        return round_cost(epsilon_of(before, delta), epsilon_of([*before, release], delta))

    def _require_proofs(self) -> None:
        """No further round while three finished ones can't be claimed (docs/adr/0059)."""
        done = ParticipationRound.objects.using(HOME).filter(participation=self._row, kind=TRAIN, outcome=OPENED)
        opened = done.exclude(masked=b"").count()
        claims = ParticipationClaim.objects.using(HOME).filter(order__participation=self._row, number__gt=0)
        shown = claims.values("number").distinct().count()
        if opened - shown > UNPROVEN_MAX and opened - self._paid() > UNPROVEN_MAX:
            raise RewardsOutstanding
