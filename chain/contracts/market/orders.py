"""An order: escrow, the seller's commitment and answer, payment or refund (protocols.md 3).

The windows never overlap: a step of the seller counts while ``time <= deadline``, anyone may end the wait once
``time > deadline``. So each state that holds money has an exit that anyone can take after its deadline.
"""

from __future__ import annotations

import msgspec

from chain.contracts import credits, registry
from chain.contracts.market import errors as refused
from chain.contracts.market.ids import commitment_of, fund_digest, order_id_of
from chain.contracts.market.lots import batch_kill, lot_get, totals_add
from chain.contracts.market.rows import (
    BURNT,
    COMMITTED,
    DELIVERED,
    FUNDED,
    GONE,
    LISTED,
    LOTS,
    ORDERS,
    OUTCOME_ACCEPTED,
    OUTCOME_LOT_BURNT,
    OUTCOME_MISSED,
    OUTCOME_REJECTED,
    OUTCOME_SETTLED,
    REFUNDED,
    SETTLED,
    USED_POINTS,
    Accept,
    Commit,
    Deliver,
    Expire,
    Fund,
    LotRow,
    OrderRow,
    Reject,
    Settle,
    Used,
)
from chain.contracts.market.terms import fee_of, term
from chain.core.state import State
from chain.core.types import Context, Event
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import is_point, is_scalar, point_add, point_mul_base, verify


def order_get(state: State, order_id: bytes) -> OrderRow:
    """An order by its id; raises ``OrderUnknown``."""
    order = state.get(ORDERS, order_id)
    if order is None:
        raise refused.OrderUnknown
    return order


def fund(ctx: Context, state: State, args: Fund) -> tuple[Event, ...]:
    """An accredited buyer pays the lot's price into escrow, under a point R that r itself signed for."""
    lot = lot_get(state, args.lot_id)
    order_id = order_id_of(args.lot_id, args.point)
    _require_offer(ctx, state, lot, args)
    _require_point(ctx, state, lot, args, order_id)
    moved = credits.move(state, ctx.sender, credits.ESCROW, args.price)
    order = OrderRow(
        order_id=order_id,
        lot_id=args.lot_id,
        buyer=ctx.sender,
        buyer_key=ctx.sender_key,
        point=args.point,
        sealed_r=args.sealed_r,
        price=args.price,
        fee=fee_of(ctx, args.price),
        licence=args.licence,
        status=FUNDED,
        funded_ms=ctx.time_ms,
        deadline_ms=ctx.time_ms + term(ctx, "t1_ms"),
    )
    state.put(ORDERS, order_id, order)
    state.put(USED_POINTS, args.point, Used(by=order_id))
    state.put(LOTS, args.lot_id, msgspec.structs.replace(lot, open_orders=(*lot.open_orders, order_id)))
    totals_add(state, open_orders=1, escrow=args.price)
    return (order_event("order.funded", order, lot), moved)


def reject(ctx: Context, state: State, args: Reject) -> tuple[Event, ...]:
    """The seller declines in time; the buyer has the money back and the lot no mark."""
    order, lot = _of_seller(ctx, state, args.order_id)
    if order.status != FUNDED:
        raise refused.OrderNotFunded
    _require_in_time(ctx, order)
    return refund(state, order, lot, OUTCOME_REJECTED, reject_code=args.code)


def commit(ctx: Context, state: State, args: Commit) -> tuple[Event, ...]:
    """The seller binds itself to one answer, once, and has the delivery window to open it."""
    order, lot = _of_seller(ctx, state, args.order_id)
    if order.status != FUNDED:
        raise refused.OrderNotFunded
    _require_in_time(ctx, order)
    deadline_ms = ctx.time_ms + term(ctx, "t1_deliver_ms")
    order = msgspec.structs.replace(order, status=COMMITTED, commitment=args.commitment, deadline_ms=deadline_ms)
    state.put(ORDERS, args.order_id, order)
    return (order_event("order.committed", order, lot),)


def deliver(ctx: Context, state: State, args: Deliver) -> tuple[Event, ...]:
    """The seller opens its commitment, and the contract checks eG = S + R: from e the buyer has s = e - r."""
    order, lot = _of_seller(ctx, state, args.order_id)
    if order.status != COMMITTED:
        raise refused.OrderNotCommitted
    _require_in_time(ctx, order)
    if commitment_of(args.e, args.nonce) != order.commitment:
        raise refused.CommitmentMismatch
    if not is_scalar(args.e):
        raise refused.ScalarInvalid
    if point_mul_base(args.e) != point_add(lot.digest.key_point, order.point):
        raise refused.AnswerWrong
    deadline_ms = ctx.time_ms + term(ctx, "t2_ms")
    order = msgspec.structs.replace(order, status=DELIVERED, e=args.e, deadline_ms=deadline_ms)
    state.put(ORDERS, args.order_id, order)
    return (order_event("order.delivered", order, lot),)


def accept(ctx: Context, state: State, args: Accept) -> tuple[Event, ...]:
    """The buyer ends the complaint time early; the seller is paid."""
    order = delivered_of_buyer(ctx, state, args.order_id)
    return _settle(ctx, state, order, OUTCOME_ACCEPTED)


def settle(ctx: Context, state: State, args: Settle) -> tuple[Event, ...]:
    """Anyone, after the complaint time: the seller is paid."""
    order = order_get(state, args.order_id)
    if order.status != DELIVERED:
        raise refused.OrderNotDelivered
    _require_late(ctx, order)
    return _settle(ctx, state, order, OUTCOME_SETTLED)


def expire(ctx: Context, state: State, args: Expire) -> tuple[Event, ...]:
    """Anyone, after the seller's deadline: the buyer has the money back, the lot a mark."""
    order = order_get(state, args.order_id)
    if order.status not in (FUNDED, COMMITTED):
        raise refused.OrderNotOpen
    _require_late(ctx, order)
    lot = lot_get(state, order.lot_id)
    return refund(state, order, msgspec.structs.replace(lot, missed=lot.missed + 1), OUTCOME_MISSED)


def delivered_of_buyer(ctx: Context, state: State, order_id: bytes) -> OrderRow:
    """The sender's own order in its complaint time or after it, not yet settled; raises why not."""
    order = order_get(state, order_id)
    if ctx.sender_key != order.buyer_key:
        raise refused.NotTheBuyer
    if order.status != DELIVERED:
        raise refused.OrderNotDelivered
    return order


def refund(state: State, order: OrderRow, lot: LotRow, outcome: str, *, reject_code: str = "") -> tuple[Event, ...]:
    """Pay an open order back. Writes ``lot`` too, which may bear a new mark of the caller's."""
    moved = credits.move(state, credits.ESCROW, order.buyer, order.price)
    order = msgspec.structs.replace(order, status=REFUNDED, outcome=outcome, reject_code=reject_code)
    _close(state, order, lot)
    return (order_event("order.refunded", order, lot), moved)


def burn(state: State, lot: LotRow) -> tuple[Event, ...]:
    """Take a lot that was proven false off the market for good, and pay all its open orders back.

    There are at most ``max_open_orders`` of them, so the work is bounded.
    """
    if lot.status in (LISTED, GONE):
        batch_kill(state, lot)
    lot = msgspec.structs.replace(lot, status=BURNT)
    events = [Event(kind="lot.burnt", subjects=(lot.lot_id, lot.payee))]
    state.put(LOTS, lot.lot_id, lot)
    for order_id in lot.open_orders:
        events += refund(state, order_get(state, order_id), lot_get(state, lot.lot_id), OUTCOME_LOT_BURNT)
    return tuple(events)


def order_event(kind: str, order: OrderRow, lot: LotRow) -> Event:
    """An event that both sides of the order find."""
    return Event(kind=kind, subjects=(order.order_id, order.lot_id, lot.payee, order.buyer))


def _require_offer(ctx: Context, state: State, lot: LotRow, args: Fund) -> None:
    if not registry.is_accredited(state, ctx.sender, ctx.time_ms):
        raise refused.BuyerNotAccredited
    if lot.status != LISTED:
        raise refused.LotNotListed
    if ctx.time_ms >= lot.digest.expires_ms:
        raise refused.LotExpired
    if lot.digest.licence_kind != "copy":
        raise refused.NotForCopy
    if args.price != lot.price:
        raise refused.PriceChanged
    if args.licence != lot.digest.licence:
        raise refused.LicenceMismatch
    if len(lot.open_orders) >= term(ctx, "max_open_orders"):
        raise refused.TooManyOpenOrders
    if credits.balance(state, ctx.sender) < args.price:
        raise credits.BalanceTooLow


def _require_point(ctx: Context, state: State, lot: LotRow, args: Fund, order_id: bytes) -> None:
    if not is_point(args.point):
        raise refused.PointInvalid
    if state.get(USED_POINTS, args.point) is not None:
        raise refused.PointUsed
    # Two compressed points sum to infinity exactly when they have one x and two parities.
    if args.point[1:] == lot.digest.key_point[1:]:
        raise refused.PointsCancel
    digest = fund_digest(ctx.genesis.ledger, order_id, args.lot_id, ctx.sender)
    if not verify(args.point, digest, args.r_signature):
        raise refused.RSignatureInvalid


def _of_seller(ctx: Context, state: State, order_id: bytes) -> tuple[OrderRow, LotRow]:
    order = order_get(state, order_id)
    lot = lot_get(state, order.lot_id)
    if ctx.sender_key != lot.payee_key:
        raise refused.NotTheSeller
    return order, lot


def _require_in_time(ctx: Context, order: OrderRow) -> None:
    if ctx.time_ms > order.deadline_ms:
        raise refused.DeadlinePassed


def _require_late(ctx: Context, order: OrderRow) -> None:
    if ctx.time_ms <= order.deadline_ms:
        raise refused.DeadlineNotPassed


def _settle(ctx: Context, state: State, order: OrderRow, outcome: str) -> tuple[Event, ...]:
    lot = lot_get(state, order.lot_id)
    moves = [credits.move(state, credits.ESCROW, lot.payee, order.price - order.fee)]
    if order.fee:
        moves.append(credits.move(state, credits.ESCROW, address_of(ctx.roles["operator"]), order.fee))
    order = msgspec.structs.replace(order, status=SETTLED, outcome=outcome)
    _close(state, order, lot)
    return (order_event("order.settled", order, lot), *moves)


def _close(state: State, order: OrderRow, lot: LotRow) -> None:
    open_orders = tuple(other for other in lot.open_orders if other != order.order_id)
    state.put(ORDERS, order.order_id, order)
    state.put(LOTS, order.lot_id, msgspec.structs.replace(lot, open_orders=open_orders))
    totals_add(state, open_orders=-1, escrow=-order.price)
