"""The steps of a purchase. Each reads the row, does one thing that may be done twice, and moves the row on.

What must not be done twice with another value (r, the signed bytes of a transaction) is written down before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet

from chain.contracts.market.ids import order_id_of
from chain.contracts.market.rows import (
    COMMITTED,
    DELIVERED,
    REFUNDED,
    SETTLED,
    Accept,
    ComplainChunk,
    ComplainKey,
    Expire,
    Publish,
)
from chain.core.codec import decode, encode
from chain.crypto.secp256k1 import point_mul_base
from chain.exchange.errors import LotFault
from chain.exchange.handover import funding_new
from chain.exchange.lots import scalar_of
from enterprises.checkout import files
from enterprises.checkout.keys import seal, unseal
from enterprises.checkout.models import BuyerTransaction, Enterprise, Purchase
from enterprises.checkout.ports import BuyerMarket, term
from enterprises.checkout.purchases.checking import lot_row_of, purchase_check
from enterprises.checkout.purchases.moves import State, call_of, move, move_and_call
from enterprises.checkout.purchases.opening import purchase_open, r_context
from enterprises.errors import LicenceNotKnown, LotNotOnSale, PriceChanged
from marketplace.common.work import LEASE_S, claim, leased, wait

FUND, ACCEPT, EXPIRE = "market.fund", "market.accept", "market.expire"
COMPLAINT_CALLS: dict[type, str] = {ComplainChunk: "market.complain_chunk", ComplainKey: "market.complain_key"}
WAIT_FOR_CALL_S = 5.0
WAIT_MIN_S = 0.2
WAIT_MAX_S = 5.0
POINT_USED = "point_used"
# A node that slept through the complaint time finds its order settled: it was paid for, so its rows are still opened.
KEY_IS_OUT = (DELIVERED, SETTLED)
ENDED = (State.SETTLED, State.REFUNDED, State.FAILED)
Step = Callable[[BuyerMarket, Purchase], None]


def purchases_open() -> QuerySet[Purchase]:
    """Purchases that are not at their end."""
    return Purchase.objects.exclude(state__in=ENDED)


def purchases_advance(market_of: Callable[[Enterprise], BuyerMarket], *, limit: int = 20) -> int:
    """Take the next step of up to ``limit`` purchases that are due; returns how many were looked at.

    Args:
        market_of: the market's client that bears an enterprise's token.
    """
    rows = claim(purchases_open(), using="enterprise", limit=limit, lease_s=2 * LEASE_S)
    for purchase in rows:
        with leased(purchase, using="enterprise"):
            STEPS[State(purchase.state)](market_of(purchase.order.enterprise), purchase)
    return len(rows)


def _check(market: BuyerMarket, purchase: Purchase) -> None:
    try:
        digest, payee_key = purchase_check(market, purchase)
    except (LotNotOnSale, LicenceNotKnown, PriceChanged, LotFault) as fault:
        _end(purchase, State.FAILED, fault.code)
        return
    move(purchase, State.CHECKED, digest=encode(digest), payee_key=payee_key.hex())


def _fund(market: BuyerMarket, purchase: Purchase) -> None:
    """Choose r and write it down; only then make the funding call, which is written down before it is sent."""
    lot_id = bytes.fromhex(purchase.lot_id)
    if not purchase.sealed_r:
        r = scalar_of(os.urandom(48))
        point = point_mul_base(r)
        move(
            purchase,
            State.CHECKED,
            sealed_r=seal(r, r_context(purchase)),
            point=point.hex(),
            ledger_order=order_id_of(lot_id, point).hex(),
        )
        return
    r = unseal(purchase.sealed_r, r_context(purchase))
    row = lot_row_of(decode(Publish, bytes(purchase.digest)), bytes.fromhex(purchase.payee_key), purchase.price)
    buyer = bytes.fromhex(purchase.order.enterprise.wallet.address)
    move_and_call(purchase, State.FUNDING, FUND, funding_new(r, row, buyer, market.ledger), again_in_s=WAIT_FOR_CALL_S)


def _funding(market: BuyerMarket, purchase: Purchase) -> None:
    row = call_of(purchase, FUND)
    if purchase.ledger_state or (row is not None and _went_through(row)):
        _paid(market, purchase, row)
    elif row is not None and _refused(row) and row.code != POINT_USED:
        _end(purchase, State.FAILED, row.code)
    else:
        # Our own R being used means that an earlier copy of this very call went through: its event is on the way.
        wait(purchase, using="enterprise", seconds=WAIT_FOR_CALL_S)


def _paid(market: BuyerMarket, purchase: Purchase, row: BuyerTransaction | None) -> None:
    changes: dict[str, Any] = {}
    if not purchase.deadline_ms and row is not None:
        changes["deadline_ms"] = row.block_time_ms + term(market, "t1_ms")
    move(purchase, State.FUNDED, again_in_s=WAIT_MIN_S, **changes)


def _await_delivery(market: BuyerMarket, purchase: Purchase) -> None:
    """FUNDED or COMMITTED: go where the ledger went, or ask for the money back once the deadline has passed."""
    if purchase.ledger_state == REFUNDED:
        _end_as_ledger(purchase)
    elif purchase.ledger_state in KEY_IS_OUT:
        move(purchase, State.DELIVERED)
    elif purchase.ledger_state == COMMITTED and purchase.state == State.FUNDED:
        move(purchase, State.COMMITTED, again_in_s=WAIT_MIN_S)
    else:
        left_s = (purchase.deadline_ms - market.head().time_ms) / 1000
        if left_s < 0:
            order_id = bytes.fromhex(purchase.ledger_order or "")
            move_and_call(purchase, State.EXPIRING, EXPIRE, Expire(order_id=order_id), again_in_s=WAIT_FOR_CALL_S)
        else:
            wait(purchase, using="enterprise", seconds=min(max(left_s, WAIT_MIN_S), WAIT_MAX_S))


def _expiring(market: BuyerMarket, purchase: Purchase) -> None:
    row = call_of(purchase, EXPIRE)
    if row is not None and _went_through(row):
        _end(purchase, State.REFUNDED, "missed")
    elif purchase.ledger_state == REFUNDED:
        _end_as_ledger(purchase)
    elif purchase.ledger_state in KEY_IS_OUT:
        move(purchase, State.DELIVERED)
    elif row is not None and _refused(row):
        # Too early, or the seller was quicker: look again at what the ledger says.
        move(purchase, State.FUNDED, again_in_s=1.0)
    else:
        wait(purchase, using="enterprise", seconds=WAIT_FOR_CALL_S)


def _open(market: BuyerMarket, purchase: Purchase) -> None:
    if purchase.ledger_state == REFUNDED:
        _end_as_ledger(purchase)
        return
    found = purchase_open(market, purchase)
    if isinstance(found, ComplainChunk | ComplainKey):
        if purchase.ledger_state == SETTLED:
            _end(purchase, State.SETTLED, "complaint_too_late")
        else:
            call = COMPLAINT_CALLS[type(found)]
            reason = "bad_chunk" if isinstance(found, ComplainChunk) else "bad_keys"
            move_and_call(purchase, State.COMPLAINING, call, found, reason=reason, again_in_s=WAIT_FOR_CALL_S)
        return
    move(purchase, State.OPENED, note=found.fault, **found.changes(purchase.facts))


def _accept(market: BuyerMarket, purchase: Purchase) -> None:
    """OPENED: accept at once when all is well; else leave the complaint time to whoever settles after it."""
    if purchase.ledger_state in (REFUNDED, SETTLED):
        _end_as_ledger(purchase)
    elif purchase.reason:
        wait(purchase, using="enterprise", seconds=WAIT_MAX_S)
    else:
        order_id = bytes.fromhex(purchase.ledger_order or "")
        move_and_call(purchase, State.ACCEPTING, ACCEPT, Accept(order_id=order_id), again_in_s=WAIT_FOR_CALL_S)


def _accepting(market: BuyerMarket, purchase: Purchase) -> None:
    row = call_of(purchase, ACCEPT)
    if purchase.ledger_state in (REFUNDED, SETTLED):
        _end_as_ledger(purchase)
    elif row is not None and _went_through(row):
        _end(purchase, State.SETTLED, "")
    else:
        wait(purchase, using="enterprise", seconds=WAIT_MAX_S)


def _complaining(market: BuyerMarket, purchase: Purchase) -> None:
    if purchase.ledger_state in (REFUNDED, SETTLED):
        _end_as_ledger(purchase)
    elif any(_went_through(row) for call in COMPLAINT_CALLS.values() if (row := call_of(purchase, call)) is not None):
        _end(purchase, State.REFUNDED, purchase.reason)
    else:
        wait(purchase, using="enterprise", seconds=WAIT_MAX_S)


def _end_as_ledger(purchase: Purchase) -> None:
    if purchase.ledger_state == REFUNDED:
        _end(purchase, State.REFUNDED, purchase.reason or "refunded")
    else:
        _end(purchase, State.SETTLED, purchase.reason)


def _end(purchase: Purchase, state: Purchase.State, reason: str) -> None:
    move(purchase, state, note=reason, reason=reason)
    files.object_forget(purchase)
    if state == State.REFUNDED:
        files.data_forget(purchase)


def _went_through(row: BuyerTransaction) -> bool:
    return row.state == BuyerTransaction.State.FINAL and not row.code


def _refused(row: BuyerTransaction) -> bool:
    return row.state == BuyerTransaction.State.DROPPED or (row.state == BuyerTransaction.State.FINAL and bool(row.code))


STEPS: dict[Purchase.State, Step] = {
    State.CONFIRMED: _check,
    State.CHECKED: _fund,
    State.FUNDING: _funding,
    State.FUNDED: _await_delivery,
    State.COMMITTED: _await_delivery,
    State.EXPIRING: _expiring,
    State.DELIVERED: _open,
    State.OPENED: _accept,
    State.ACCEPTING: _accepting,
    State.COMPLAINING: _complaining,
}
