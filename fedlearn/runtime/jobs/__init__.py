"""A training job from its first round to its end: the coordinator's and the hubs' records, and what they say.

Either side may die between any two steps: a record is written down before what follows from it is sent.
"""

from __future__ import annotations

from fedlearn.runtime.jobs.coordinator import (
    job_begin,
    job_cancel,
    job_outgoing,
    job_sent,
    job_take,
    job_tick,
)
from fedlearn.runtime.jobs.hub import CLOSE, OPEN, HubRecord, HubWorld, RoundGuard, hub_begin, hub_take
from fedlearn.runtime.jobs.records import (
    CANCELLED,
    COMPLETED,
    FAILED,
    RUNNING,
    JobRecord,
    StepReport,
    job_decode,
    job_encode,
)
from fedlearn.runtime.jobs.terms import Closing, JobTerms, Opening

__all__ = [
    "CANCELLED",
    "CLOSE",
    "COMPLETED",
    "FAILED",
    "OPEN",
    "RUNNING",
    "Closing",
    "HubRecord",
    "HubWorld",
    "JobRecord",
    "JobTerms",
    "Opening",
    "RoundGuard",
    "StepReport",
    "hub_begin",
    "hub_take",
    "job_begin",
    "job_cancel",
    "job_decode",
    "job_encode",
    "job_outgoing",
    "job_sent",
    "job_take",
    "job_tick",
]
