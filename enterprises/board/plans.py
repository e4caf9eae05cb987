"""What the board knows of a plan: its bytes, its hash, its task. Hubs and ledgers judge whether it is a good one."""

from __future__ import annotations

from typing import Final

from enterprises.board.errors import PlanUnreadable
from fedlearn.learners.errors import PlanMalformed
from fedlearn.learners.plan import TrainingPlan, plan_decode
from fedlearn.learners.plan import plan_hash as hash_of

PLAN_MAX_BYTES: Final = 16 * 1024


def plan_read(data: bytes) -> tuple[TrainingPlan, str]:
    """The plan that the bytes stand for, and the hash by which ledgers know it, hexadecimal.

    Raises:
        PlanUnreadable: more than 16 KiB, or not the canonical bytes of a plan.
    """
    if not 0 < len(data) <= PLAN_MAX_BYTES:
        raise PlanUnreadable(f"A plan has 1 to {PLAN_MAX_BYTES} bytes.")
    try:
        plan = plan_decode(data)
    except PlanMalformed as fault:
        raise PlanUnreadable from fault
    return plan, hash_of(plan).hex()
