"""Money of service orders: a household pays for one into escrow, the enterprise confirms it and is paid.

The order itself stands on the service-model ledger, which reads these calls from their receipts. Confirming counts
while ``time <= deadline_ms``; later anyone gives the household its money back.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from chain.contracts import credits, registry
from chain.contracts.crossing import ConfirmService, FundService, service_escrow_id_of
from chain.contracts.market.terms import YEAR_MS, fee_of
from chain.core.contract import Call, Contract
from chain.core.errors import Refused
from chain.core.state import State, Table
from chain.core.types import Address, Context, Event, Hash, Record, Uint
from chain.crypto.hashing import address_of

FUNDED, SETTLED, REFUNDED = "FUNDED", "SETTLED", "REFUNDED"
OUTCOME_CONFIRMED, OUTCOME_DECLINED, OUTCOME_MISSED = "confirmed", "declined", "missed"
_TOTALS_KEY = b""
_OPERATOR = "operator"


class ServiceRefused(Refused):
    code = "service_refused"


class ServicePriceInvalid(ServiceRefused):
    code = "service_price_invalid"
    title = "An order that costs nothing needs no money"


class ServiceUsed(ServiceRefused):
    code = "service_used"
    title = "The sender has paid for this service order already"


class ServiceEnterpriseUnknown(ServiceRefused):
    code = "service_enterprise_unknown"
    title = "The enterprise is not accredited, so it is not paid"


class ServiceDeadlineInvalid(ServiceRefused):
    code = "service_deadline_invalid"
    title = "The deadline is past, or more than a year away"


class ServiceUnknown(ServiceRefused):
    code = "service_money_unknown"
    title = "Nobody with this address has paid for this service order"


class ServiceOver(ServiceRefused):
    code = "service_over"
    title = "The money of this service order is no longer in escrow"


class NotTheServiceEnterprise(ServiceRefused):
    code = "not_the_service_enterprise"
    title = "Only the enterprise of the service order may do this"


class ServiceDeadlinePassed(ServiceRefused):
    code = "service_deadline_passed"
    title = "The time in which the enterprise could confirm is over"


class ServiceDeadlineNotPassed(ServiceRefused):
    code = "service_deadline_not_passed"
    title = "The enterprise may still confirm the service order"


class DeclineService(Record):
    """The enterprise declines a paid service order; the household has its money back."""

    payer: Address
    service_order: Hash


class ExpireService(Record):
    """Anyone: the enterprise did not confirm in time."""

    payer: Address
    service_order: Hash


class ServiceMoneyRow(Record):
    """What a household paid for a service order. ``fee`` is the operator's part of ``price`` when it is confirmed."""

    service_order: Hash
    payer: Address
    enterprise: Address
    price: Uint
    fee: Uint
    funded_ms: Uint
    deadline_ms: Uint
    status: Annotated[str, msgspec.Meta(max_length=16)]
    outcome: str = ""


class ServiceTotals(Record):
    """How many service orders hold escrow, and how much."""

    open: Uint = 0
    escrow: Uint = 0


MONEY: Table[ServiceMoneyRow] = Table("service_escrow.money", ServiceMoneyRow)
TOTALS: Table[ServiceTotals] = Table("service_escrow.totals", ServiceTotals)


def service_totals(state: State) -> ServiceTotals:
    """The contract's counters."""
    return state.get(TOTALS, _TOTALS_KEY) or ServiceTotals()


def fund_service(ctx: Context, state: State, args: FundService) -> tuple[Event, ...]:
    """The sender pays for a service order into escrow."""
    key = service_escrow_id_of(ctx.sender, args.service_order)
    if args.price < 1:
        raise ServicePriceInvalid
    if state.get(MONEY, key) is not None:
        raise ServiceUsed
    if not registry.is_accredited(state, args.enterprise, ctx.time_ms):
        raise ServiceEnterpriseUnknown
    if not ctx.time_ms < args.deadline_ms <= ctx.time_ms + YEAR_MS:
        raise ServiceDeadlineInvalid
    moved = credits.move(state, ctx.sender, credits.ESCROW, args.price)
    row = ServiceMoneyRow(
        service_order=args.service_order,
        payer=ctx.sender,
        enterprise=args.enterprise,
        price=args.price,
        fee=fee_of(ctx, args.price),
        funded_ms=ctx.time_ms,
        deadline_ms=args.deadline_ms,
        status=FUNDED,
    )
    state.put(MONEY, key, row)
    _totals_add(state, 1, args.price)
    return (_event("service.funded", row), moved)


def confirm_service(ctx: Context, state: State, args: ConfirmService) -> tuple[Event, ...]:
    """The enterprise confirms in time and is paid, less the operator's fee."""
    row = _of_enterprise(ctx, state, args.payer, args.service_order)
    if ctx.time_ms > row.deadline_ms:
        raise ServiceDeadlinePassed
    event = _close(state, row, SETTLED, OUTCOME_CONFIRMED)
    moves = [credits.move(state, credits.ESCROW, row.enterprise, row.price - row.fee)]
    if row.fee:
        moves.append(credits.move(state, credits.ESCROW, address_of(ctx.roles[_OPERATOR]), row.fee))
    return (event, *moves)


def decline_service(ctx: Context, state: State, args: DeclineService) -> tuple[Event, ...]:
    """The enterprise declines; the household has its money back."""
    return _refund(state, _of_enterprise(ctx, state, args.payer, args.service_order), OUTCOME_DECLINED)


def expire_service(ctx: Context, state: State, args: ExpireService) -> tuple[Event, ...]:
    """Anyone, after the deadline: the household has its money back."""
    row = _open(state, args.payer, args.service_order)
    if ctx.time_ms <= row.deadline_ms:
        raise ServiceDeadlineNotPassed
    return _refund(state, row, OUTCOME_MISSED)


def _open(state: State, payer: bytes, service_order: bytes) -> ServiceMoneyRow:
    row = state.get(MONEY, service_escrow_id_of(payer, service_order))
    if row is None:
        raise ServiceUnknown
    if row.status != FUNDED:
        raise ServiceOver
    return row


def _of_enterprise(ctx: Context, state: State, payer: bytes, service_order: bytes) -> ServiceMoneyRow:
    row = _open(state, payer, service_order)
    if ctx.sender != row.enterprise:
        raise NotTheServiceEnterprise
    return row


def _refund(state: State, row: ServiceMoneyRow, outcome: str) -> tuple[Event, ...]:
    event = _close(state, row, REFUNDED, outcome)
    return (event, credits.move(state, credits.ESCROW, row.payer, row.price))


def _close(state: State, row: ServiceMoneyRow, status: str, outcome: str) -> Event:
    row = msgspec.structs.replace(row, status=status, outcome=outcome)
    state.put(MONEY, service_escrow_id_of(row.payer, row.service_order), row)
    _totals_add(state, -1, -row.price)
    return _event(f"service.{status.lower()}", row)


def _totals_add(state: State, orders: int, escrow: int) -> None:
    old = service_totals(state)
    state.put(TOTALS, _TOTALS_KEY, ServiceTotals(open=old.open + orders, escrow=old.escrow + escrow))


def _event(kind: str, row: ServiceMoneyRow) -> Event:
    key = service_escrow_id_of(row.payer, row.service_order)
    return Event(kind=kind, subjects=(key, row.service_order, row.payer, row.enterprise))


SERVICE_ESCROW = Contract(
    name="service_escrow",
    calls={
        "fund_service": Call(FundService, fund_service),
        "confirm_service": Call(ConfirmService, confirm_service),
        "decline_service": Call(DeclineService, decline_service),
        "expire_service": Call(ExpireService, expire_service),
    },
)
