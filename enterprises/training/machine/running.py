"""Leading the rounds: tick, write down, send, write down."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction

from chain.core.codec import encode
from enterprises.training.beacon import LedgerBeacon
from enterprises.training.calls import ROUND, call, calls_of, refusal_of
from enterprises.training.contributions import worth_of
from enterprises.training.leaves import happened_of, round_args
from enterprises.training.models import TrainingJob
from enterprises.training.moves import State, end, tell
from enterprises.training.ports import Desk, Post
from enterprises.training.records import record_open, record_write, step_write
from enterprises.training.releasing import releases_send
from fedlearn.runtime.errors import PathNotPermitted, PeerNotApproved
from fedlearn.runtime.jobs import (
    COMPLETED,
    FAILED,
    RUNNING,
    JobRecord,
    job_cancel,
    job_outgoing,
    job_sent,
    job_tick,
)
from fedlearn.runtime.jobs.terms import TRAIN
from fedlearn.runtime.names import job_path
from fedlearn.runtime.offers import TERMS
from fedlearn.runtime.rounds import OPENED
from marketplace.common.work import wait

PAUSE_S = 1.0
log = logging.getLogger(__name__)


def run(desk: Desk, post: Post, job: TrainingJob) -> None:
    """RUNNING: take the job as far as it goes at this time, and end it when it is over."""
    if not job.terms_sent:
        _terms_send(post, job)
    record = record_open(job)
    if record.phase == RUNNING:
        record = _cancelled(desk, job, record) or _ticked(desk, post, job, record)
    record = _send(post, job, record)
    releases_send(desk, post, job)
    if record.phase == RUNNING:
        wait(job, using="enterprise", seconds=PAUSE_S)
        return
    state = {COMPLETED: State.COMPLETED, FAILED: State.FAILED}.get(record.phase, State.CANCELLED)
    reason = record.reason if record.reason != "cancelled" else ""
    if state == State.CANCELLED and reason:
        state = State.FAILED  # ended by us for a reason, not by a member
    end(job, state, reason)


def _terms_send(post: Post, job: TrainingJob) -> None:
    terms = record_open(job).terms
    post.job_open(job.ledger_job, [peer for peer in terms.peers if peer in set(post.approved())])
    for peer in terms.peers:
        _post(post, peer, job_path(job.ledger_job, "in", 0, TERMS), encode(terms))
    TrainingJob.objects.filter(pk=job.pk).update(terms_sent=True)
    job.terms_sent = True


def _cancelled(desk: Desk, job: TrainingJob, record: JobRecord) -> JobRecord | None:
    """The record of a job that can't or shall not go on, or None."""
    reason = ""
    if job.cancel_asked:
        reason = "cancelled"
    elif desk.market.head().time_ms > job.deadline_ms:
        reason = "deadline_passed"
    else:
        reason = next((code for row in calls_of(job, ROUND) if (code := refusal_of(row))), "")
    if not reason:
        return None
    record = job_cancel(record, desk.now_ms(), reason)
    record_write(job, record)
    return record


def _ticked(desk: Desk, post: Post, job: TrainingJob, before: JobRecord) -> JobRecord:
    """Go on as far as the job can, and write down the record, the rounds that ended, and what the ledger is told."""
    beacon = LedgerBeacon(desk, job)
    record = job_tick(before, desk.now_ms(), beacon)
    fresh = record.reports[len(before.reports) :]
    if record is before and not fresh:
        return record
    worth = worth_of(post, before) if any(report.kind == TRAIN for report in fresh) else {}
    with transaction.atomic(using="enterprise"):
        changes: dict[str, Any] = {}
        for report in fresh:
            number = report.step if report.kind == TRAIN else 0
            step_write(job, report, number, worth if report.outcome == OPENED else {})
            if number:
                call(job, ROUND, round_args(job, report), str(report.sequence))
            job.sent_bytes = job.received_bytes = 0
            changes = {"sent_bytes": 0, "received_bytes": 0}
        if fresh:
            changes["happened"] = happened_of(job)
        record_write(job, record, **changes)
        beacon.queue()
        if fresh:
            tell(job)
    if record.sequence != before.sequence:
        post.prune(job.ledger_job, before.sequence)
    return record


def _send(post: Post, job: TrainingJob, record: JobRecord) -> JobRecord:
    """Send what the record says, then note that it is on its way; what was cut off is sent again."""
    outgoing = job_outgoing(record)
    if not outgoing:
        return record
    sent = 0
    for peer, sequence, name, data in outgoing:
        if _post(post, peer, job_path(job.ledger_job, "in", sequence, name), data):
            sent += len(data)
    record = job_sent(record)
    record_write(job, record, sent_bytes=job.sent_bytes + sent)
    return record


def _post(post: Post, peer: str, path: str, data: bytes) -> bool:
    """Send to a home; one that has closed its channel is passed over, and will be missing in the sum."""
    try:
        post.send(peer, path, data)
    except (PeerNotApproved, PathNotPermitted) as gone:
        log.warning("nothing sent to %s: %s", peer, gone.code)
        return False
    return True
