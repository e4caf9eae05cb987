"""Jobs: opened for licences that the shared ledger shows as paid, one round after the other, and their end.

The ledger can't see what was learnt. It holds the enterprise to what it declared: rounds in their order, each starting
from the model that the one before left, with enough homes in the sum, within the declared epsilon.
"""

from __future__ import annotations

import msgspec

from chain.contracts.crossing import (
    COMPLETED,
    FAILED,
    FUND_TRAINING,
    FundTraining,
    JobEnd,
    Round,
    job_id_of,
)
from chain.contracts.market.terms import YEAR_MS
from chain.contracts.peers import block_await
from chain.contracts.service_models import errors as refused
from chain.contracts.service_models.rows import (
    JOBS,
    OPEN,
    REASON_DEADLINE,
    ROUNDS,
    JobLicences,
    JobOpen,
    JobRow,
    RoundRow,
    round_key,
)
from chain.contracts.service_models.services import accreditation_require, receipt_use, service_get
from chain.core.codec import decode
from chain.core.merkle import EMPTY_ROOT
from chain.core.proofs import TxProof
from chain.core.state import State
from chain.core.types import Context, Event
from chain.crypto.hashing import address_of


def job_get(state: State, job: bytes) -> JobRow:
    """A job by its id; raises ``JobUnknown``."""
    row = state.get(JOBS, job)
    if row is None:
        raise refused.JobUnknown
    return row


def job_open(ctx: Context, state: State, args: JobOpen) -> tuple[Event, ...]:
    """An accredited enterprise opens a job for the plan that it paid licences for."""
    accreditation_require(ctx, state)
    service_get(state, args.service)
    job = job_id_of(ctx.sender, args.plan, args.nonce)
    if state.get(JOBS, job) is not None:
        raise refused.JobExists
    if not ctx.time_ms < args.deadline_ms <= ctx.time_ms + YEAR_MS:
        raise refused.JobDeadlineInvalid
    row = JobRow(
        job=job,
        service=args.service,
        enterprise=ctx.sender,
        enterprise_key=ctx.sender_key,
        plan=args.plan,
        task=args.task,
        rounds=args.rounds,
        cohort_min=args.cohort_min,
        epsilon_limit_micro=args.epsilon_micro,
        delta_micro=args.delta_micro,
        deadline_ms=args.deadline_ms,
        opened_ms=ctx.time_ms,
        model=args.model,
        status=OPEN,
        licences=_licences(state, job, ctx.sender_key, args.proofs),
        tx_id=ctx.tx_id,
    )
    state.put(JOBS, job, row)
    block_await(state)  # its hash is the job's seed: who is held out, who is grouped with whom
    return (_event("job.opened", row),)


def job_licences(ctx: Context, state: State, args: JobLicences) -> tuple[Event, ...]:
    """More licences for an open job."""
    row = _open_of_sender(ctx, state, args.job)
    licences = row.licences + _licences(state, row.job, ctx.sender_key, args.proofs)
    row = msgspec.structs.replace(row, licences=licences)
    state.put(JOBS, row.job, row)
    return (_event("job.licensed", row),)


def round_end(ctx: Context, state: State, args: Round) -> tuple[Event, ...]:
    """The enterprise commits to how the job's next round ended."""
    row = _open_of_sender(ctx, state, args.job)
    if ctx.time_ms > row.deadline_ms:
        raise refused.JobDeadlinePassed
    if args.number != row.done + 1 or args.number > row.rounds:
        raise refused.RoundOutOfOrder
    if args.model_before != row.model:
        raise refused.ModelMismatch
    if args.complete == bool(args.reason):
        raise refused.ReasonInvalid
    _require_epsilon(row, args)
    if not args.complete:
        return _aborted(state, row, args)
    _require_participants(row, args)
    done = RoundRow(
        number=args.number,
        model_before=args.model_before,
        model_after=args.model_after,
        joined=args.joined,
        survivors=args.survivors,
        leaf_count=args.leaf_count,
        root=args.root,
        epsilon_micro=args.epsilon_micro,
        height=ctx.height,
        time_ms=ctx.time_ms,
    )
    state.put(ROUNDS, round_key(row.job, args.number), done)
    row = msgspec.structs.replace(row, done=args.number, model=args.model_after, epsilon_micro=args.epsilon_micro)
    state.put(JOBS, row.job, row)
    return (_event("job.round", row),)


def job_end(ctx: Context, state: State, args: JobEnd) -> tuple[Event, ...]:
    """The enterprise ends its job; after the deadline anyone ends it as failed."""
    row = job_get(state, args.job)
    if row.status != OPEN:
        raise refused.JobOver
    by_anyone = ctx.time_ms > row.deadline_ms and (args.outcome, args.reason) == (FAILED, REASON_DEADLINE)
    if ctx.sender_key != row.enterprise_key and not by_anyone:
        raise refused.NotTheJobsEnterprise
    if (args.outcome == COMPLETED) == bool(args.reason):
        raise refused.ReasonInvalid
    if args.outcome == COMPLETED and not row.done:
        raise refused.JobUnfinished
    if (args.share_count == 0) != (args.shares_root == EMPTY_ROOT) or (args.share_count and args.outcome != COMPLETED):
        raise refused.SharesInvalid
    row = msgspec.structs.replace(row, status=args.outcome, reason=args.reason)
    state.put(JOBS, row.job, row)
    return (_event(f"job.{args.outcome}", row),)


def _licences(state: State, job: bytes, sender_key: bytes, proofs: tuple[TxProof, ...]) -> int:
    """How many licences of the job the receipts show, each used once."""
    count = 0
    for proof in proofs:
        tx = receipt_use(state, proof, job, FUND_TRAINING)
        paid = decode(FundTraining, tx.args)
        if tx.sender != sender_key or job_id_of(address_of(tx.sender), paid.plan, paid.nonce) != job:
            raise refused.LicencesOfOther
        count += len(paid.lines)
    return count


def _open_of_sender(ctx: Context, state: State, job: bytes) -> JobRow:
    row = job_get(state, job)
    if ctx.sender_key != row.enterprise_key:
        raise refused.NotTheJobsEnterprise
    if row.status != OPEN:
        raise refused.JobOver
    return row


def _require_epsilon(row: JobRow, args: Round) -> None:
    if args.epsilon_micro < row.epsilon_micro:
        raise refused.EpsilonShrinks
    if args.epsilon_micro > row.epsilon_limit_micro:
        raise refused.EpsilonExceeded


def _require_participants(row: JobRow, args: Round) -> None:
    if args.survivors < row.cohort_min:
        raise refused.CohortTooSmall
    if not args.survivors <= args.joined or not args.survivors <= args.leaf_count <= row.licences:
        raise refused.ParticipantsInvalid


def _aborted(state: State, row: JobRow, args: Round) -> tuple[Event, ...]:
    if args.survivors or args.leaf_count or args.root != EMPTY_ROOT or args.model_after != args.model_before:
        raise refused.AbortedWithResult
    row = msgspec.structs.replace(row, aborted=row.aborted + 1, epsilon_micro=args.epsilon_micro, reason=args.reason)
    state.put(JOBS, row.job, row)
    return (_event("job.round_aborted", row),)


def _event(kind: str, row: JobRow) -> Event:
    return Event(kind=kind, subjects=(row.job, row.service, row.enterprise))
