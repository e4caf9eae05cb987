"""Service orders: a household picks an offer of a version, the enterprise answers, the service is given.

The money is on the shared ledger; here its receipts are read, each once. An order with a price is placed only when the
money is in escrow, and completed only when it was paid out.
"""

from __future__ import annotations

import msgspec

from chain.contracts.crossing import (
    CONFIRM_SERVICE,
    FUND_SERVICE,
    ConfirmService,
    FundService,
    service_order_id_of,
)
from chain.contracts.market.terms import YEAR_MS
from chain.contracts.service_models import errors as refused
from chain.contracts.service_models.rows import (
    CONFIRMED,
    DECLINED,
    EXPIRED,
    FULFILLED,
    ORDERS,
    PLACED,
    Order,
    OrderComplete,
    OrderConfirm,
    OrderDecline,
    OrderExpire,
    OrderRow,
)
from chain.contracts.service_models.services import receipt_use
from chain.contracts.service_models.versions import version_get
from chain.core.codec import decode
from chain.core.state import State
from chain.core.types import Context, Event
from chain.crypto.hashing import address_of


def order_get(state: State, order_id: bytes) -> OrderRow:
    """A service order by its id; raises ``OrderUnknown``."""
    row = state.get(ORDERS, order_id)
    if row is None:
        raise refused.OrderUnknown
    return row


def order(ctx: Context, state: State, args: Order) -> tuple[Event, ...]:
    """A household orders an offer of a version that was not withdrawn."""
    version = version_get(state, args.version)
    if version.withdrawn:
        raise refused.VersionWithdrawn
    order_id = service_order_id_of(ctx.sender, args.version, args.offer, args.nonce)
    if state.get(ORDERS, order_id) is not None:
        raise refused.OrderExists
    if not ctx.time_ms < args.deadline_ms <= ctx.time_ms + YEAR_MS:
        raise refused.OrderDeadlineInvalid
    row = OrderRow(
        order_id=order_id,
        version=args.version,
        service=version.service,
        household=ctx.sender,
        enterprise=version.enterprise,
        offer=args.offer,
        price=args.price,
        placed_ms=ctx.time_ms,
        deadline_ms=args.deadline_ms,
        status=PLACED,
    )
    _require_money(ctx, state, args, row)
    state.put(ORDERS, order_id, row)
    return (_event("service_order.placed", row),)


def order_confirm(ctx: Context, state: State, args: OrderConfirm) -> tuple[Event, ...]:
    """The enterprise takes the order in time."""
    row = _placed_of_enterprise(ctx, state, args.order_id)
    if ctx.time_ms > row.deadline_ms:
        raise refused.OrderDeadlinePassed
    return _to(state, row, CONFIRMED)


def order_decline(ctx: Context, state: State, args: OrderDecline) -> tuple[Event, ...]:
    """The enterprise declines the order."""
    row = _placed_of_enterprise(ctx, state, args.order_id)
    if not args.reason:
        raise refused.ReasonInvalid
    return _to(state, row, DECLINED, args.reason)


def order_expire(ctx: Context, state: State, args: OrderExpire) -> tuple[Event, ...]:
    """Anyone, after the deadline: the enterprise did not answer."""
    row = order_get(state, args.order_id)
    if row.status != PLACED:
        raise refused.OrderNotPlaced
    if ctx.time_ms <= row.deadline_ms:
        raise refused.OrderDeadlineNotPassed
    return _to(state, row, EXPIRED)


def order_complete(ctx: Context, state: State, args: OrderComplete) -> tuple[Event, ...]:
    """One of the two sides says that the service was given; with a price, after the enterprise has its money."""
    row = order_get(state, args.order_id)
    if ctx.sender not in (row.household, row.enterprise):
        raise refused.NotOfTheOrder
    if row.status != CONFIRMED:
        raise refused.OrderNotConfirmed
    if bool(row.price) != bool(args.proofs):
        raise refused.OrderMoneyMissing
    for proof in args.proofs:
        tx = receipt_use(state, proof, row.order_id, CONFIRM_SERVICE)
        paid = decode(ConfirmService, tx.args)
        if (address_of(tx.sender), paid.payer, paid.service_order) != (row.enterprise, row.household, row.order_id):
            raise refused.OrderMoneyMismatch
    return _to(state, row, FULFILLED)


def _require_money(ctx: Context, state: State, args: Order, row: OrderRow) -> None:
    if bool(row.price) != bool(args.proofs):
        raise refused.OrderMoneyMissing
    for proof in args.proofs:
        tx = receipt_use(state, proof, row.order_id, FUND_SERVICE)
        money = FundService(row.order_id, row.enterprise, row.price, row.deadline_ms)
        if tx.sender != ctx.sender_key or decode(FundService, tx.args) != money:
            raise refused.OrderMoneyMismatch


def _placed_of_enterprise(ctx: Context, state: State, order_id: bytes) -> OrderRow:
    row = order_get(state, order_id)
    if ctx.sender != row.enterprise:
        raise refused.NotTheOrdersEnterprise
    if row.status != PLACED:
        raise refused.OrderNotPlaced
    return row


def _to(state: State, row: OrderRow, status: str, reason: str = "") -> tuple[Event, ...]:
    row = msgspec.structs.replace(row, status=status, reason=reason)
    state.put(ORDERS, row.order_id, row)
    return (_event(f"service_order.{status.lower()}", row),)


def _event(kind: str, row: OrderRow) -> Event:
    return Event(kind=kind, subjects=(row.order_id, row.version, row.household, row.enterprise))
