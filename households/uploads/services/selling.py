"""The hub as seller: it follows the market, answers paid orders with the key, and settles (protocols.md 3).

It acts only on receipts that it verified. e and its nonce are stored before the commitment is sent, and are a
function of the order, so a hub that was killed anywhere goes on with the same answer.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from chain.contracts.market.ids import order_id_of
from chain.contracts.market.rows import FUNDED, Commit, Deliver, Fund, OrderRow, Reject, Settle
from chain.core.codec import decode
from chain.crypto.hashing import address_of
from chain.exchange.errors import PointMismatch, SealedPointUnopened
from chain.exchange.handover import hub_answer
from chain.exchange.lots import LotSecrets
from chain.wallets.hd import cloud_secret
from households.models import HOME, Household, HubOrder, Lot
from households.services.activity import activity_note, live_notify
from households.services.market import market_of
from households.services.market_port import EventPage, Market, MarketEvent
from households.services.secrets import ANSWER, box_open, box_seal, operational_of
from households.uploads.services.sending import Payee, payee_of, require_done, send_once
from marketplace.common.work import advance, claim, leased, renew, wait

ORDERS_MAX = 200
ID_BYTES = 32
LEASE_S = 60.0
LOOK_AGAIN_S = 1.0
LATE_WAIT_S = 30.0
OPEN = (HubOrder.State.FUNDED, HubOrder.State.COMMITTED, HubOrder.State.DELIVERED)
ENDS = {"order.settled": HubOrder.State.SETTLED, "order.refunded": HubOrder.State.REFUNDED}
LOT_ENDS = {"lot.gone": Lot.State.GONE, "lot.dead": Lot.State.DEAD, "lot.burnt": Lot.State.DEAD}
# The share of the delivery window after which e is no longer shown: a late ``deliver`` is refused, but would give the
# buyer the key for nothing.
DELIVER_BEFORE = 0.8
DELIVER_AT_ONCE = 0.25


class StoredAnswer(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed before the commitment goes out."""

    commitment: bytes
    e: bytes
    nonce: bytes


class EventPages:
    """Pages of the market's events that several homes of one node read; each is asked for once."""

    def __init__(self) -> None:
        self._pages: dict[int, EventPage] = {}

    def page(self, market: Market, after: int) -> EventPage:
        """The events after a height."""
        if after not in self._pages:
            self._pages[after] = market.events(after)
        return self._pages[after]


def hub_advance(household: Household, pages: EventPages | None = None) -> int:
    """Read the market's news since the last time and go on with every due order; how many steps were taken."""
    market = market_of(household)
    events_follow(household, market, pages or EventPages())
    steps = 0
    for _ in range(ORDERS_MAX):
        open_orders = HubOrder.objects.filter(household=household, state__in=OPEN)
        taken = claim(open_orders, using=HOME, limit=1, lease_s=LEASE_S)
        if not taken:
            break
        with leased(taken[0], using=HOME):
            order_step(taken[0], market)
        steps += 1
    return steps


def events_follow(household: Household, market: Market, pages: EventPages) -> None:
    """Note the orders on own lots and how others ended; the cursor moves when all is noted."""
    after = Household.objects.using(HOME).values_list("market_after_height", flat=True).get(pk=household.pk)
    page = pages.page(market, after)
    for event in page.events:
        if event.kind == "order.funded" or event.kind in ENDS or event.kind in LOT_ENDS:
            _note(household, market, event)
    if page.up_to_height > after:
        moved = Household.objects.using(HOME).filter(pk=household.pk, market_after_height=after)
        moved.update(market_after_height=page.up_to_height)


def order_step(order: HubOrder, market: Market) -> None:
    """The order's next step, by what was verified so far. The caller holds the lease."""
    payee = payee_of(order.lot, market)
    if order.state == HubOrder.State.FUNDED:
        if order.point or _verify(order, market):
            _commit(order, payee)
    elif order.state == HubOrder.State.COMMITTED:
        _deliver(order, payee)
    else:
        _settle(order, payee)


def _note(household: Household, market: Market, event: MarketEvent) -> None:
    ids = [subject for subject in event.subjects if len(subject) == ID_BYTES]
    lot = Lot.objects.using(HOME).filter(household=household, lot_id__in=ids).first()
    if lot is None:
        return
    if event.kind == "order.funded":
        for order_id in (one for one in ids if one != bytes(lot.lot_id)):
            order_note(lot=lot, order_id=order_id, tx_id=event.tx_id)
    elif event.kind in ENDS:
        for order in HubOrder.objects.using(HOME).filter(lot=lot, order_id__in=ids, state__in=OPEN):
            order_end(order=order, market=market, tx_id=event.tx_id)
    else:
        on_offer = (Lot.State.LISTED, Lot.State.LEAVING)
        Lot.objects.using(HOME).filter(pk=lot.pk, state__in=on_offer).update(state=LOT_ENDS[event.kind])
    live_notify(household=household, topic="uploads", data={"lot": str(lot.pk)})


def order_note(*, lot: Lot, order_id: bytes, tx_id: bytes) -> None:
    """Keep the hint that a transaction paid for the lot; nothing is answered before ``_verify`` has seen its
    receipt."""
    HubOrder.objects.using(HOME).get_or_create(
        order_id=order_id, defaults={"household": lot.household, "lot": lot, "fund_tx_id": tx_id}
    )


def _verify(order: HubOrder, market: Market) -> bool:
    """Take price, buyer, R and sealed r from the verified receipt of the transaction that paid; False if it did not."""
    proof = market.proof(bytes(order.fund_tx_id))
    tx = proof.signed.tx
    fund = decode(Fund, tx.args) if tx.call == "market.fund" and not proof.receipt.code else None
    of_this = fund is not None and fund.lot_id == bytes(order.lot.lot_id)
    if fund is None or not of_this or order_id_of(fund.lot_id, fund.point) != bytes(order.order_id):
        HubOrder.objects.using(HOME).filter(pk=order.pk).delete()
        return False
    facts = {
        "buyer_key": tx.sender, "buyer": address_of(tx.sender), "price": fund.price, "point": fund.point,
        "sealed_r": fund.sealed_r,
    }  # fmt: skip
    with transaction.atomic(using=HOME):
        renew(order, using=HOME)
        HubOrder.objects.using(HOME).filter(pk=order.pk, lease_token=order.lease_token).update(**facts)
        activity_note(
            household=order.household, kind="order.funded", topic="uploads", device=order.lot.device,
            facts={"order": str(order.pk), "price": fund.price},
        )  # fmt: skip
    for name, value in facts.items():
        setattr(order, name, value)
    return True


def order_end(*, order: HubOrder, market: Market, tx_id: bytes) -> bool:
    """Note how an order ended, from the verified receipt of the transaction that ended it; False if it did not."""
    proof = market.proof(tx_id)
    kinds = {e.kind for e in proof.receipt.events if e.kind in ENDS and bytes(order.order_id) in e.subjects}
    if proof.receipt.code or len(kinds) != 1:
        return False
    state = ENDS[kinds.pop()]
    row = market.order(bytes(order.order_id))
    reward = row.price - row.fee if state == HubOrder.State.SETTLED else 0
    with transaction.atomic(using=HOME):
        mine = HubOrder.objects.using(HOME).filter(pk=order.pk, state__in=OPEN)
        ended = {"state": state, "reward": reward, "outcome": row.outcome, "ended_at": timezone.now()}
        if not mine.update(lease_token=None, lease_until=None, **ended):
            return False
        if reward:
            lots = Lot.objects.using(HOME).filter(pk=order.lot_id)
            lots.update(earned=F("earned") + reward, balance=F("balance") + reward, balance_checked_at=None)
        activity_note(
            household=order.household, kind=f"order.{state.value}", topic="wallet", device=order.lot.device,
            facts={"order": str(order.pk), "reward": reward},
        )  # fmt: skip
    return True


def _commit(order: HubOrder, payee: Payee) -> None:
    """Check rG = R, store the answer, then commit to it; decline what does not fit."""
    secret = cloud_secret(operational_of(order.household))
    keys = LotSecrets.derive(secret, bytes(order.lot.payee_key))
    try:
        answer = hub_answer(keys, _verified(order), payee.market.ledger)
    except (PointMismatch, SealedPointUnopened) as error:
        _reject(order, payee, error.code)
        return
    if not order.answer:
        stored = msgspec.msgpack.encode(StoredAnswer(answer.commitment, answer.e, answer.nonce))
        sealed = box_seal(order.household, ANSWER + bytes(order.order_id), stored)
        renew(order, using=HOME)
        HubOrder.objects.using(HOME).filter(pk=order.pk, lease_token=order.lease_token).update(answer=sealed)
        order.answer = sealed
    args = Commit(order_id=bytes(order.order_id), commitment=answer.commitment)
    began, fresh = time.monotonic(), not order.commit_raw
    proof = require_done(send_once(order, "commit_raw", payee, "market.commit", args))
    window_ms = dict(payee.market.genesis().params)["t1_deliver_ms"]
    deadline_ms = proof.header.time_ms + int(window_ms * DELIVER_BEFORE)
    if not fresh or (time.monotonic() - began) * 1000 > window_ms * DELIVER_AT_ONCE:
        _move(order, HubOrder.State.COMMITTED, deadline_ms=deadline_ms)
        return
    # The commitment was first sent a moment ago, so the window is open: no need to ask for the ledger's time.
    renew(order, using=HOME)
    HubOrder.objects.using(HOME).filter(pk=order.pk, lease_token=order.lease_token).update(
        state=HubOrder.State.COMMITTED, deadline_ms=deadline_ms
    )
    order.state, order.deadline_ms = HubOrder.State.COMMITTED, deadline_ms
    _answer_show(order, payee)


def _deliver(order: HubOrder, payee: Payee) -> None:
    """Show e, but only after the commitment's own receipt was verified, and only while the window is safely open."""
    if not order.deliver_raw and payee.market.head().time_ms > order.deadline_ms:
        wait(order, using=HOME, seconds=LATE_WAIT_S, last_error_code="delivery_too_late")
        return
    _answer_show(order, payee)


def _answer_show(order: HubOrder, payee: Payee) -> None:
    box = box_open(order.household, ANSWER + bytes(order.order_id), bytes(order.answer))
    answer = msgspec.msgpack.decode(box, type=StoredAnswer)
    args = Deliver(order_id=bytes(order.order_id), e=answer.e, nonce=answer.nonce)
    proof = require_done(send_once(order, "deliver_raw", payee, "market.deliver", args))
    t2_ms = dict(payee.market.genesis().params)["t2_ms"]
    _move(order, HubOrder.State.DELIVERED, deadline_ms=proof.header.time_ms + t2_ms)


def _settle(order: HubOrder, payee: Payee) -> None:
    """After the complaint time anyone may settle; the hub does, unless the buyer has. The event then ends the order."""
    late_ms = payee.market.head().time_ms - order.deadline_ms
    if late_ms <= 0:
        wait(order, using=HOME, seconds=max(-late_ms / 1000, LOOK_AGAIN_S / 4))
        return
    proof = send_once(order, "settle_raw", payee, "market.settle", Settle(order_id=bytes(order.order_id)))
    if proof.receipt.code:
        wait(order, using=HOME, seconds=LOOK_AGAIN_S, last_error_code=proof.receipt.code)
    elif not order_end(order=order, market=payee.market, tx_id=proof.tx_id):
        wait(order, using=HOME, seconds=LOOK_AGAIN_S)


def _verified(order: HubOrder) -> OrderRow:
    """The order as its verified funding transaction says; only that may decide what the hub answers."""
    return OrderRow(
        order_id=bytes(order.order_id),
        lot_id=bytes(order.lot.lot_id),
        buyer=bytes(order.buyer),
        buyer_key=bytes(order.buyer_key),
        point=bytes(order.point),
        sealed_r=bytes(order.sealed_r),
        price=order.price,
        fee=0,
        licence=bytes(order.lot.licence),
        status=FUNDED,
        funded_ms=0,
        deadline_ms=0,
    )


def _reject(order: HubOrder, payee: Payee, code: str) -> None:
    args = Reject(order_id=bytes(order.order_id), code=code)
    proof = require_done(send_once(order, "reject_raw", payee, "market.reject", args))
    HubOrder.objects.using(HOME).filter(pk=order.pk).update(refusal=code)
    if not order_end(order=order, market=payee.market, tx_id=proof.tx_id):
        wait(order, using=HOME, seconds=LOOK_AGAIN_S)


def _move(order: HubOrder, state: HubOrder.State, **changes: Any) -> None:
    with transaction.atomic(using=HOME):
        advance(order, using=HOME, state=state, **changes)
        live_notify(household=order.household, topic="uploads", data={"order": str(order.pk)})
