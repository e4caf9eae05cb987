"""Training licences: paid into escrow for a job, accepted by the payee, ended at the latest after a deadline.

A licence hands over no key. Its price is released by rounds (``training_pay``); the rest goes back to the buyer. The
windows never overlap: the payee accepts while ``time <= accept_until_ms``, anyone expires later; claims are taken while
``time <= deadline_ms + claim_ms``, anyone ends the licence later.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from chain.contracts import credits, registry
from chain.contracts.crossing import FundTraining, TrainingLine, job_id_of, training_order_id_of
from chain.contracts.market import errors as refused
from chain.contracts.market import training_errors as no
from chain.contracts.market.lots import lot_get
from chain.contracts.market.rows import LISTED, LotRow
from chain.contracts.market.terms import YEAR_MS, fee_of, term
from chain.contracts.market.training_rows import (
    ACCEPTED,
    ENDED,
    FUNDED,
    OPEN,
    OPEN_STATES,
    OUTCOME_ALL_ROUNDS,
    OUTCOME_DEADLINE,
    OUTCOME_DECLINED,
    OUTCOME_MISSED,
    POOLS,
    REFUNDED,
    SETTLED,
    TRAINING_TOTALS,
    TRAININGS,
    AcceptTraining,
    DeclineTraining,
    EndTraining,
    ExpireTraining,
    PoolRow,
    TrainingRow,
    TrainingTotals,
)
from chain.core.state import State
from chain.core.types import Context, Event

_TOTALS_KEY = b""


def training_totals(state: State) -> TrainingTotals:
    """The counters of training licences."""
    return state.get(TRAINING_TOTALS, _TOTALS_KEY) or TrainingTotals()


def training_totals_add(state: State, *, waiting: int = 0, orders: int = 0, pools: int = 0, escrow: int = 0) -> None:
    """Change the counters by these amounts."""
    old = training_totals(state)
    new = TrainingTotals(old.waiting + waiting, old.orders + orders, old.pools + pools, old.escrow + escrow)
    state.put(TRAINING_TOTALS, _TOTALS_KEY, new)


def training_get(state: State, order_id: bytes) -> TrainingRow:
    """A licence by its order's id; raises ``TrainingUnknown``."""
    row = state.get(TRAININGS, order_id)
    if row is None:
        raise no.TrainingUnknown
    return row


def fund_training(ctx: Context, state: State, args: FundTraining) -> tuple[Event, ...]:
    """An accredited enterprise pays for licences on lots that are listed for training, and into the job's pool."""
    if not registry.is_accredited(state, ctx.sender, ctx.time_ms):
        raise refused.BuyerNotAccredited
    if not ctx.time_ms + term(ctx, "t1_ms") < args.deadline_ms <= ctx.time_ms + YEAR_MS:
        raise no.DeadlineInvalid
    require_once(line.lot_id for line in args.lines)
    total = sum(line.price for line in args.lines) + args.bonus
    if credits.balance(state, ctx.sender) < total:
        raise credits.BalanceTooLow
    job = job_id_of(ctx.sender, args.plan, args.nonce)
    events = [_fund_line(ctx, state, args, job, line) for line in args.lines]
    if args.bonus:
        events.append(_fund_pool(ctx, state, args, job))
    moved = credits.move(state, ctx.sender, credits.ESCROW, total)
    training_totals_add(state, waiting=len(args.lines), orders=len(args.lines), escrow=total)
    return (*events, moved)


def accept_training(ctx: Context, state: State, args: AcceptTraining) -> tuple[Event, ...]:
    """The payee key lets the job learn from its lot, in time."""
    row = _of_payee(ctx, state, args.order_id)
    if row.status != FUNDED:
        raise no.TrainingNotFunded
    _require_accept_time(ctx, row)
    row = msgspec.structs.replace(row, status=ACCEPTED)
    state.put(TRAININGS, row.order_id, row)
    training_totals_add(state, waiting=-1)
    return (training_event("training.accepted", row),)


def decline_training(ctx: Context, state: State, args: DeclineTraining) -> tuple[Event, ...]:
    """The payee key declines in time, or leaves a licence in force; what was not released goes back to the buyer."""
    row = _of_payee(ctx, state, args.order_id)
    if row.status not in OPEN_STATES:
        raise no.TrainingOver
    if row.status == FUNDED:
        _require_accept_time(ctx, row)
    return training_end(state, row, OUTCOME_DECLINED, reject_code=args.code)


def expire_training(ctx: Context, state: State, args: ExpireTraining) -> tuple[Event, ...]:
    """Anyone, after the payee's time to accept: the buyer has the money back."""
    require_once(args.orders)
    events: list[Event] = []
    for order_id in args.orders:
        row = training_get(state, order_id)
        if row.status != FUNDED:
            raise no.TrainingNotFunded
        if ctx.time_ms <= row.accept_until_ms:
            raise no.AcceptNotPassed
        events += training_end(state, row, OUTCOME_MISSED)
    return tuple(events)


def end_training(ctx: Context, state: State, args: EndTraining) -> tuple[Event, ...]:
    """Anyone, after the time for claims: what was not released goes back to the buyer."""
    require_once(args.orders)
    events: list[Event] = []
    for order_id in args.orders:
        row = training_get(state, order_id)
        if row.status != ACCEPTED:
            raise no.TrainingNotAccepted
        if ctx.time_ms <= claims_until_ms(ctx, row.deadline_ms):
            raise no.ClaimsNotPassed
        events += training_end(state, row, OUTCOME_DEADLINE)
    return tuple(events)


def training_end(state: State, row: TrainingRow, outcome: str, *, reject_code: str = "") -> tuple[Event, ...]:
    """Close a licence: what was not released goes back. All of it released is SETTLED, none of it REFUNDED."""
    rest = row.price - row.released
    status = SETTLED if not rest else ENDED if row.released else REFUNDED
    waiting = -1 if row.status == FUNDED else 0
    outcome = outcome if rest else OUTCOME_ALL_ROUNDS
    row = msgspec.structs.replace(row, status=status, outcome=outcome, reject_code=reject_code)
    state.put(TRAININGS, row.order_id, row)
    training_totals_add(state, waiting=waiting, orders=-1, escrow=-rest)
    event = training_event(f"training.{status.lower()}", row)
    return (event, credits.move(state, credits.ESCROW, row.buyer, rest)) if rest else (event,)


def claims_until_ms(ctx: Context, deadline_ms: int) -> int:
    """Until when receipts of rounds and shares of the bonus are taken, after a job's deadline."""
    return deadline_ms + term(ctx, "claim_ms")


def training_event(kind: str, row: TrainingRow) -> Event:
    """An event that both sides of the licence find, and whoever follows the job."""
    return Event(kind=kind, subjects=(row.order_id, row.lot_id, row.job, row.payee, row.buyer))


def require_once(ids: Iterable[bytes]) -> None:
    """Raise ``LineTwice`` if an id is there twice."""
    found = list(ids)
    if len(set(found)) < len(found):
        raise no.LineTwice


def _fund_line(ctx: Context, state: State, args: FundTraining, job: bytes, line: TrainingLine) -> Event:
    lot = lot_get(state, line.lot_id)
    _require_line(ctx, lot, line)
    order_id = training_order_id_of(job, line.lot_id)
    if state.get(TRAININGS, order_id) is not None:
        raise no.TrainingUsed
    row = TrainingRow(
        order_id=order_id,
        job=job,
        lot_id=line.lot_id,
        buyer=ctx.sender,
        buyer_key=ctx.sender_key,
        payee=lot.payee,
        payee_key=lot.payee_key,
        price=line.price,
        fee=fee_of(ctx, line.price),
        licence=line.licence,
        rounds=args.rounds,
        status=FUNDED,
        funded_ms=ctx.time_ms,
        accept_until_ms=ctx.time_ms + term(ctx, "t1_ms"),
        deadline_ms=args.deadline_ms,
    )
    state.put(TRAININGS, order_id, row)
    return training_event("training.funded", row)


def _require_line(ctx: Context, lot: LotRow, line: TrainingLine) -> None:
    if lot.status != LISTED:
        raise refused.LotNotListed
    if ctx.time_ms >= lot.digest.expires_ms:
        raise refused.LotExpired
    if lot.digest.licence_kind != "training":
        raise no.NotForTraining
    if line.price != lot.price:
        raise refused.PriceChanged
    if line.licence != lot.digest.licence:
        raise refused.LicenceMismatch


def _fund_pool(ctx: Context, state: State, args: FundTraining, job: bytes) -> Event:
    pool = state.get(POOLS, job)
    if pool is None:
        pool = PoolRow(job=job, buyer=ctx.sender, amount=0, paid=0, deadline_ms=args.deadline_ms, status=OPEN)
        training_totals_add(state, pools=1)
    elif pool.status != OPEN:
        raise no.PoolOver
    deadline_ms = max(pool.deadline_ms, args.deadline_ms)
    pool = msgspec.structs.replace(pool, amount=pool.amount + args.bonus, deadline_ms=deadline_ms)
    state.put(POOLS, job, pool)
    return Event(kind="training.pool_funded", subjects=(job, ctx.sender))


def _of_payee(ctx: Context, state: State, order_id: bytes) -> TrainingRow:
    row = training_get(state, order_id)
    if ctx.sender_key != row.payee_key:
        raise no.NotThePayee
    return row


def _require_accept_time(ctx: Context, row: TrainingRow) -> None:
    if ctx.time_ms > row.accept_until_ms:
        raise no.AcceptPassed
