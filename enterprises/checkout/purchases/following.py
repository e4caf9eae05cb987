"""Following the ledger: what happened to our orders, believed only when its receipt was verified.

Facts are written by conditional updates that only go forward, so that reading an event twice changes nothing.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from chain.client.wire import LedgerEvent
from chain.contracts.market import rows as market_rows
from chain.contracts.market.rows import Deliver
from chain.core.codec import decode
from chain.core.errors import LedgerFault
from chain.engine.proofs import TxProof
from enterprises.checkout.models import BuyerCursor, Purchase
from enterprises.checkout.ports import BuyerMarket, term
from enterprises.checkout.purchases.moves import State, step_note
from marketplace.common.work import advance, claim_one, leased

BLOCKS_A_ROUND = 1_000
FACTS = {
    "order.funded": (market_rows.FUNDED, State.FUNDED, "t1_ms"),
    "order.committed": (market_rows.COMMITTED, State.COMMITTED, "t1_deliver_ms"),
    "order.delivered": (market_rows.DELIVERED, State.DELIVERED, "t2_ms"),
    "order.settled": (market_rows.SETTLED, State.SETTLED, ""),
    "order.refunded": (market_rows.REFUNDED, State.REFUNDED, ""),
}
BEFORE = {
    market_rows.FUNDED: ("",),
    market_rows.COMMITTED: ("", market_rows.FUNDED),
    market_rows.DELIVERED: ("", market_rows.FUNDED, market_rows.COMMITTED),
    market_rows.SETTLED: ("", *market_rows.OPEN_STATES),
    market_rows.REFUNDED: ("", *market_rows.OPEN_STATES),
}


class EventUnproven(LedgerFault):
    """The market told of an event that its own receipt does not hold."""

    code = "event_unproven"
    title = "The market's receipt does not show the event that it told of"


def cursor_begin(market: BuyerMarket) -> None:
    """Begin to follow at the present head; done before the first order, so that nothing of ours is older."""
    if not BuyerCursor.objects.filter(ledger=market.ledger).exists():
        BuyerCursor.objects.get_or_create(ledger=market.ledger, defaults={"height": market.head().height})


def purchases_follow(market: BuyerMarket) -> int:
    """Read events up to the market's index and write down what they prove; returns how many facts were new."""
    mine = BuyerCursor.objects.filter(ledger=market.ledger)
    found = 0
    while (cursor := claim_one(mine, using="enterprise")) is not None:
        with leased(cursor, using="enterprise"):
            head = market.indexed_height()
            until = min(cursor.height + BLOCKS_A_ROUND, head)
            if until > cursor.height:
                found += sum(_take(market, event) for event in market.events(cursor.height, until))
            advance(cursor, using="enterprise", height=max(until, cursor.height))
            if until < head:
                continue
        break
    return found


def fact_write(market: BuyerMarket, purchase: Purchase, kind: str, proof: TxProof) -> bool:
    """Write down what a verified receipt says of one order. Returns whether it was new.

    Raises:
        EventUnproven: the receipt has no such event of this order.
    """
    order_id = bytes.fromhex(purchase.ledger_order or "")
    if not any(event.kind == kind and order_id in event.subjects for event in proof.receipt.events):
        raise EventUnproven
    ledger_state, state, window = FACTS[kind]
    changes: dict[str, object] = {"ledger_state": ledger_state, "next_try_at": timezone.now()}
    if window:
        changes["deadline_ms"] = proof.header.time_ms + term(market, window)
    if kind == "order.delivered":
        changes["e"] = decode(Deliver, proof.signed.tx.args).e
    with transaction.atomic(using="enterprise"):
        rows = Purchase.objects.filter(pk=purchase.pk, ledger_state__in=BEFORE[ledger_state])
        new = rows.update(**changes) == 1
        if new:
            step_note(purchase, state, tx_id=proof.tx_id.hex(), height=proof.header.height)
    return new


def _take(market: BuyerMarket, event: LedgerEvent) -> bool:
    if event.kind not in FACTS:
        return False
    ids = [subject.hex() for subject in event.subjects if len(subject) == 32]
    purchase = Purchase.objects.select_related("order").filter(ledger_order__in=ids).first()
    if purchase is None:
        return False
    return fact_write(market, purchase, event.kind, market.proof(event.tx_id))
