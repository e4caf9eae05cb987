"""What is asked of the owner's rules, and the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fedlearn.learners.table import Need
from fedlearn.learners.templates import TEMPLATES
from households.learning.errors import EpsilonUnbounded
from households.models import ConsentRule

MICRO = 1_000_000
PICO = 1_000_000_000_000

# Why not, in the order in which it is asked. The codes stand in the history and are stable.
TASK_UNKNOWN = "task_unknown"
LEARNING_OFF = "learning_off"
HOME_NOT_RUNNING = "home_not_running"
NO_RULE = "no_rule"
ENTERPRISE_NOT_COVERED = "enterprise_not_covered"
CLASS_NOT_COVERED = "class_not_covered"
RULE_EXPIRED = "rule_expired"
TEXT_CHANGED = "text_changed"
EPSILON_UNBOUNDED = "epsilon_unbounded"
RULE_EPSILON = "rule_epsilon_exceeded"
HOME_EPSILON = "home_epsilon_exceeded"
NO_DATA = "no_suitable_data"


@dataclass(frozen=True, slots=True)
class Question:
    """May ``enterprise`` (20 bytes) learn this task, at this cost? What the task reads is Hearth's to say, not theirs.

    Before a job ``micro_epsilon`` is the cost of all its rounds, before a round (``job`` and ``round`` are given) that
    of this round; None is a plan without noise, whose cost has no bound. ``notice`` and ``job`` have 32 bytes or none.
    """

    task: str
    enterprise: bytes
    enterprise_name: str
    micro_epsilon: int | None
    notice: bytes = b""
    job: bytes = b""
    round: int | None = None

    @property
    def before_a_round(self) -> bool:
        return self.round is not None

    @property
    def classes(self) -> list[str]:
        """Every device class that the task could read, sorted."""
        return sorted({name for need in needs_of(self.task) for name, _ in need.sources})


@dataclass(frozen=True, slots=True)
class Answer:
    """``rule`` is the one that allows it; ``code`` says why not and is empty for a yes.

    ``classes`` are those that may be learnt from: the task reads them, the rule names them, the home has them.
    """

    rule: ConsentRule | None
    code: str = ""
    classes: frozenset[str] = frozenset()

    @property
    def allowed(self) -> bool:
        return not self.code


def needs_of(task: str) -> tuple[Need, ...]:
    """What a task reads; nothing if there is no such task template."""
    return TEMPLATES[task].needs if task in TEMPLATES else ()


def micro_epsilon(epsilon: float) -> int:
    """Epsilon in millionths, rounded up. Raises ``EpsilonUnbounded`` unless it is finite and not below 0."""
    if not math.isfinite(epsilon) or epsilon < 0:
        raise EpsilonUnbounded
    return math.ceil(epsilon * MICRO)


def delta_pico(delta: float) -> int:
    """Delta in millionths of a millionth, rounded up. Raises ``EpsilonUnbounded`` unless it is from 0 to 1."""
    if not 0 <= delta <= 1:
        raise EpsilonUnbounded
    return math.ceil(delta * PICO)


def round_cost(epsilon_before: float, epsilon_after: float) -> int:
    """What one more round adds to a job's epsilon, in millionths; over all rounds exactly the job's, rounded up.

    Both are the job's whole epsilon (``fedlearn.protocol.accounting.epsilon_of``), without and with the round.
    """
    return max(0, micro_epsilon(epsilon_after) - micro_epsilon(epsilon_before))
