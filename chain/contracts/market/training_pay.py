"""Paying training licences: a share for each completed round, and the job's bonus at its end.

What the service-model ledger says is read from its receipts. Anybody may hand them in, so a home's hub needs nobody
for its reward. An order that was paid already is passed over, so that two callers with one receipt are no hindrance to
each other; any other fault refuses the whole call.
"""

from __future__ import annotations

import msgspec

from chain.contracts import credits
from chain.contracts.crossing import (
    COMPLETED,
    JOB_END,
    MICRO,
    ROUND,
    SERVICE_MODELS,
    JobEnd,
    Round,
    participant_leaf,
    share_leaf,
)
from chain.contracts.ledgers import receipt_check
from chain.contracts.market import training_errors as no
from chain.contracts.market.training import (
    claims_until_ms,
    require_once,
    training_end,
    training_event,
    training_get,
    training_totals_add,
)
from chain.contracts.market.training_rows import (
    ACCEPTED,
    BONUSES,
    ENDED,
    FUNDED,
    OPEN,
    OPEN_STATES,
    OUTCOME_ALL_ROUNDS,
    OUTCOME_JOB_OVER,
    POOLS,
    TRAININGS,
    BonusClaim,
    BonusRow,
    ClaimBonus,
    CloseTraining,
    EndPool,
    PoolRow,
    ReleaseRound,
    RoundClaim,
    TrainingRow,
)
from chain.core.codec import decode
from chain.core.merkle import leaf_hash, verify_path
from chain.core.state import State
from chain.core.types import Context, Event, Transaction
from chain.crypto.hashing import address_of


def release_round(ctx: Context, state: State, args: ReleaseRound) -> tuple[Event, ...]:
    """Pay each order its share of a completed round, once; with the last round the licence is settled."""
    tx = receipt_check(state, SERVICE_MODELS, args.proof, ROUND)
    done = decode(Round, tx.args)
    if not done.complete:
        raise no.RoundNotComplete
    require_once(claim.order_id for claim in args.claims)
    events: list[Event] = []
    for claim in args.claims:
        row = training_get(state, claim.order_id)
        _require_claim(row, tx, done, claim)
        if not row.is_paid(done.number):
            events += _pay_round(ctx, state, row, done.number)
    if not events:
        raise no.RoundPaid
    return tuple(events)


def close_training(ctx: Context, state: State, args: CloseTraining) -> tuple[Event, ...]:
    """The job is over: its time for claims runs from now on, and orders that nobody accepted yet are refunded."""
    job = _ended(state, args).job
    require_once(args.orders)
    events: list[Event] = []
    for order_id in args.orders:
        row = training_get(state, order_id)
        if row.job != job:
            raise no.JobMismatch
        if row.status not in OPEN_STATES:
            raise no.TrainingOver
        if row.status == FUNDED:
            events += training_end(state, row, OUTCOME_JOB_OVER)
        else:
            row = msgspec.structs.replace(row, deadline_ms=min(row.deadline_ms, ctx.time_ms))
            state.put(TRAININGS, order_id, row)
            events.append(training_event("training.closed", row))
    pool = state.get(POOLS, job)
    if pool is not None and pool.status == OPEN:
        pool = msgspec.structs.replace(pool, deadline_ms=min(pool.deadline_ms, ctx.time_ms))
        state.put(POOLS, job, pool)
        events.append(Event(kind="training.pool_closed", subjects=(job, pool.buyer)))
    return tuple(events)


def claim_bonus(ctx: Context, state: State, args: ClaimBonus) -> tuple[Event, ...]:
    """Pay orders their shares of the job's pool, as the enterprise found them at the job's end; once each."""
    end = _ended(state, args)
    if end.outcome != COMPLETED:
        raise no.JobNotCompleted
    pool = _pool(state, end.job)
    if ctx.time_ms > claims_until_ms(ctx, pool.deadline_ms):
        raise no.ClaimsPassed
    require_once(claim.order_id for claim in args.claims)
    events: list[Event] = []
    for claim in args.claims:
        row = training_get(state, claim.order_id)
        _require_share(row, end, claim)
        if state.get(BONUSES, row.order_id) is None:
            events += _pay_bonus(state, row, claim.weight_micro)
    if not events:
        raise no.BonusPaid
    return tuple(events)


def end_pool(ctx: Context, state: State, args: EndPool) -> tuple[Event, ...]:
    """Anyone, after the time for claims: what is left of the pool goes back to the buyer."""
    pool = _pool(state, args.job)
    if ctx.time_ms <= claims_until_ms(ctx, pool.deadline_ms):
        raise no.ClaimsNotPassed
    rest = pool.amount - pool.paid
    state.put(POOLS, pool.job, msgspec.structs.replace(pool, status=ENDED))
    training_totals_add(state, pools=-1, escrow=-rest)
    event = Event(kind="training.pool_ended", subjects=(pool.job, pool.buyer))
    return (event, credits.move(state, credits.ESCROW, pool.buyer, rest)) if rest else (event,)


def _require_claim(row: TrainingRow, tx: Transaction, done: Round, claim: RoundClaim) -> None:
    if row.job != done.job or row.buyer_key != tx.sender:
        raise no.JobMismatch
    if done.number > row.rounds:
        raise no.RoundBeyondLicence
    leaf = leaf_hash(participant_leaf(row.order_id, claim.update))
    if not verify_path(leaf, claim.index, done.leaf_count, claim.path, done.root):
        raise no.NotAParticipant


def _pay_round(ctx: Context, state: State, row: TrainingRow, number: int) -> tuple[Event, ...]:
    if row.status != ACCEPTED:
        raise no.TrainingNotAccepted
    if ctx.time_ms > claims_until_ms(ctx, row.deadline_ms):
        raise no.ClaimsPassed
    released = row.released_after(row.paid_rounds + 1)
    share, fee = released - row.released, row.fee_within(released) - row.fee_within(row.released)
    paid = bytearray(row.paid.ljust((row.rounds + 7) // 8, b"\x00"))
    paid[(number - 1) // 8] |= 1 << (number - 1) % 8
    row = msgspec.structs.replace(row, paid=bytes(paid), paid_rounds=row.paid_rounds + 1, released=released)
    state.put(TRAININGS, row.order_id, row)
    training_totals_add(state, escrow=-share)
    events = [training_event("training.round_paid", row)]
    if share > fee:
        events.append(credits.move(state, credits.ESCROW, row.payee, share - fee))
    if fee:
        events.append(credits.move(state, credits.ESCROW, address_of(ctx.roles["operator"]), fee))
    last = training_end(state, row, OUTCOME_ALL_ROUNDS) if row.paid_rounds == row.rounds else ()
    return (*events, *last)


def _ended(state: State, args: CloseTraining | ClaimBonus) -> JobEnd:
    """The job's end that a receipt proves. Who called it is the other ledger's matter: a job's id names its owner."""
    return decode(JobEnd, receipt_check(state, SERVICE_MODELS, args.proof, JOB_END).args)


def _pool(state: State, job: bytes) -> PoolRow:
    pool = state.get(POOLS, job)
    if pool is None:
        raise no.PoolUnknown
    if pool.status != OPEN:
        raise no.PoolOver
    return pool


def _require_share(row: TrainingRow, end: JobEnd, claim: BonusClaim) -> None:
    if row.job != end.job:
        raise no.JobMismatch
    if not row.paid_rounds:
        raise no.BonusWithoutRound
    leaf = leaf_hash(share_leaf(row.order_id, claim.weight_micro))
    if not verify_path(leaf, claim.index, end.share_count, claim.path, end.shares_root):
        raise no.ShareNotOfJob


def _pay_bonus(state: State, row: TrainingRow, weight_micro: int) -> tuple[Event, ...]:
    pool = _pool(state, row.job)
    amount = pool.amount * weight_micro // MICRO
    if pool.paid + amount > pool.amount:
        raise no.BonusBeyondPool
    state.put(POOLS, pool.job, msgspec.structs.replace(pool, paid=pool.paid + amount))
    state.put(BONUSES, row.order_id, BonusRow(amount=amount))
    training_totals_add(state, escrow=-amount)
    event = training_event("training.bonus_paid", row)
    return (event, credits.move(state, credits.ESCROW, row.payee, amount)) if amount else (event,)
