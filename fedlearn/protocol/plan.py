"""What all sides of a round agree on beforehand; its hash is bound into every key, signature, share and mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chain.core.codec import encode
from chain.core.types import Hash, Name, PublicKey, Record, Uint
from chain.crypto.hashing import tagged
from fedlearn.protocol.errors import CohortWrong, ModeUnknown, PlanInvalid, TooFewMembers
from fedlearn.protocol.graph import MIN_MEMBERS, abort_chance, degree_for

HONEST = "honest-but-curious"
MALICIOUS = "malicious"
_PER_CENT = {HONEST: 51, MALICIOUS: 67}
MAX_LENGTH = 2**26


class RoundPlan(Record):
    """One round of secure aggregation.

    ``length`` is the number of 32-bit words of a vector, ``minimum`` the fewest survivors whose sum may be opened (the
    noise is planned for them), ``dropout_pm`` the share of members, per mille, whose loss the round must stand, and
    ``cohort`` the hash of the job keys of all who are asked (``cohort_hash``).
    """

    job_id: Hash
    round: Uint
    model_hash: Hash
    cohort: Hash
    mode: Name
    length: Uint
    minimum: Uint
    dropout_pm: Uint

    @property
    def round_id(self) -> bytes:
        """The 32-byte name of this round of this job over this model."""
        return tagged("hearth/secagg/round/1", encode(self))


@dataclass(frozen=True, slots=True)
class Shape:
    """The graph's degree and Shamir's threshold for a number of participants."""

    members: int
    degree: int
    threshold: int

    @property
    def colluders(self) -> int:
        """How many of a hub's neighbours may help a lying server without its update being opened."""
        return min(2 * self.threshold - 2 - self.degree, self.threshold - 2)


def cohort_hash(keys: Sequence[bytes]) -> bytes:
    """The hash of the hubs' job keys (33 bytes each) in their order; a hub's index is its place in it."""
    return tagged("hearth/secagg/cohort/1", *keys)


def plan_check(plan: RoundPlan, cohort: Sequence[PublicKey]) -> None:
    """Raises ``ModeUnknown``, ``TooFewMembers``, ``CohortWrong`` or ``PlanInvalid`` for a plan that can't work."""
    if plan.mode not in _PER_CENT:
        raise ModeUnknown
    if len(cohort) < MIN_MEMBERS or not MIN_MEMBERS - 1 <= plan.minimum <= len(cohort):
        raise TooFewMembers
    if not 1 <= plan.length <= MAX_LENGTH or plan.dropout_pm >= 1000:
        raise PlanInvalid
    if any(len(key) != 33 for key in cohort) or len(set(cohort)) != len(cohort) or cohort_hash(cohort) != plan.cohort:
        raise CohortWrong


def shape_of(members: int, mode: str, dropout_pm: int) -> Shape:
    """Degree and threshold: 51 of 100 against an honest-but-curious server, 67 of 100 against a malicious one.

    The threshold t always keeps 2t - 1 above the degree: a hub's own share and those of its neighbours never suffice
    for both its secrets, whatever survivors the server tells to whom. Raises ``ModeUnknown``, ``TooFewMembers``.
    """
    if mode not in _PER_CENT:
        raise ModeUnknown
    degree = degree_for(members, dropout_pm / 1000)
    threshold = max(-(-degree * _PER_CENT[mode] // 100), (degree + 1) // 2 + 1)
    return Shape(members, degree, threshold)


def round_abort_chance(members: int, mode: str, dropout_pm: int) -> float:
    """The chance (0..1) that a round of so many members ends without a sum, if each drops out with this chance.

    To be shown to people before they open a job. Raises ``ModeUnknown``, ``TooFewMembers``.
    """
    shape = shape_of(members, mode, dropout_pm)
    return abort_chance(members, shape.degree, shape.threshold, dropout_pm / 1000)
