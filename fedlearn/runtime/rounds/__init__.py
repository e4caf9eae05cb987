"""One masked sum among the hubs of a cohort, led by a coordinator: who says what to whom, and when it is enough.

The steps are those of ``fedlearn.protocol``; here are the stages' deadlines, the order of messages, and records that
are written down before anything is sent, so that either side may die at any moment and go on.
"""

from __future__ import annotations

from fedlearn.runtime.rounds.coordinator import (
    OPENED,
    RoundRecord,
    round_begin,
    round_decline,
    round_outgoing,
    round_progress,
    round_sent,
    round_take,
    round_tick,
)
from fedlearn.runtime.rounds.member import MemberRecord, MemberWorld, member_begin, member_take
from fedlearn.runtime.rounds.stages import Answer, Outgoing

__all__ = [
    "OPENED",
    "Answer",
    "MemberRecord",
    "MemberWorld",
    "Outgoing",
    "RoundRecord",
    "member_begin",
    "member_take",
    "round_begin",
    "round_decline",
    "round_outgoing",
    "round_progress",
    "round_sent",
    "round_take",
    "round_tick",
]
