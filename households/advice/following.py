"""What becomes of an order that was placed: the enterprise's answer, its completion, or the way of the money back."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.utils import timezone

from chain.contracts import service_escrow
from chain.contracts.credits import Transfer
from chain.contracts.crossing import CONFIRM_SERVICE, ConfirmService
from chain.contracts.service_models import rows
from chain.core.codec import decode
from chain.core.proofs import TxProof
from chain.crypto.hashing import address_of
from households.advice.accounts import call_send
from households.advice.orders import Money, State, call_name, end, fund, place
from households.advice.port import Connection
from households.models import HOME, AdviceOrder, HomeWallet
from households.services.activity import activity_note, live_notify
from marketplace.common.work import advance, wait

LOOK_AGAIN_S: Final = 2.0
REST_S: Final = 30.0
PAID: Final = "service.settled"
TOPIC = "advice"


def order_step(order: AdviceOrder, connection: Connection) -> None:
    """Take the next step of a claimed order."""
    {
        State.FUNDING: fund,
        State.ORDERING: place,
        State.PLACED: _follow,
        State.CONFIRMED: _given,
        State.COMPLETING: _complete,
        State.REFUNDING: _refund,
    }[State(order.state)](order, connection)


def _follow(order: AdviceOrder, connection: Connection) -> None:
    """PLACED: what the enterprise says; after the deadline the order ends."""
    row = connection.models.order(bytes(order.order_id))
    if row.status == rows.PLACED and connection.models.head().time_ms > order.deadline_ms:
        args = rows.OrderExpire(order_id=bytes(order.order_id))
        call_send(
            order.ranked.inquiry, call_name("expire", order), connection.models, "service_models.order_expire", args
        )
        row = connection.models.order(bytes(order.order_id))
    if row.status == rows.PLACED:
        wait(order, using=HOME, seconds=LOOK_AGAIN_S)
    elif row.status == rows.DECLINED:
        _over(order, State.DECLINED, row.reason)
    elif row.status == rows.EXPIRED:
        _over(order, State.EXPIRED, rows.REASON_DEADLINE)
    else:
        with transaction.atomic(using=HOME):
            advance(order, using=HOME, state=State.CONFIRMED, answered_at=timezone.now())
            activity_note(household=order.household, kind="advice.confirmed", topic=TOPIC)


def _given(order: AdviceOrder, connection: Connection) -> None:
    """CONFIRMED: either side says that the service was given. Money that is not fetched in time comes back."""
    row = connection.models.order(bytes(order.order_id))
    money = _money(order, connection)
    if row.status == rows.FULFILLED:
        with transaction.atomic(using=HOME):
            advance(order, using=HOME, state=State.COMPLETED, money=money, ended_at=timezone.now())
            activity_note(household=order.household, kind="advice.completed", topic=TOPIC)
    elif money == Money.BACK or (money == Money.ESCROW and connection.shared.head().time_ms > order.deadline_ms):
        advance(order, using=HOME, state=State.REFUNDING, outcome=State.EXPIRED, code=rows.REASON_DEADLINE)
        live_notify(household=order.household, topic=TOPIC)
    elif money != order.money:
        advance(order, using=HOME, money=money)
        live_notify(household=order.household, topic=TOPIC)
    else:
        wait(order, using=HOME, seconds=LOOK_AGAIN_S if order.price and money == Money.ESCROW else REST_S)


def _complete(order: AdviceOrder, connection: Connection) -> None:
    """COMPLETING: the owner has said so; with a price the ledger wants to see that the enterprise was paid."""
    if connection.models.order(bytes(order.order_id)).status == rows.FULFILLED:
        _given(order, connection)
        return
    paid = _payment(order, connection) if order.price else None
    if order.price and paid is None:
        if _money(order, connection) == Money.ESCROW:
            wait(order, using=HOME, seconds=LOOK_AGAIN_S)
        else:
            advance(order, using=HOME, state=State.CONFIRMED)
        return
    args = rows.OrderComplete(order_id=bytes(order.order_id), proofs=() if paid is None else (paid,))
    name = call_name("complete", order)
    proof = call_send(order.ranked.inquiry, name, connection.models, "service_models.order_complete", args)
    if proof.receipt.code and connection.models.order(bytes(order.order_id)).status != rows.FULFILLED:
        advance(order, using=HOME, state=State.CONFIRMED, code=proof.receipt.code[:64])
    else:
        _given(order, connection)


def _refund(order: AdviceOrder, connection: Connection) -> None:
    """REFUNDING: out of escrow (by the enterprise, or after the deadline by us), then to the master wallet."""
    inquiry, account = order.ranked.inquiry, bytes(order.ranked.inquiry.account)
    money = _money(order, connection)
    if money == Money.ESCROW:
        if connection.shared.head().time_ms <= order.deadline_ms:
            wait(order, using=HOME, seconds=REST_S, money=money)
            return
        args = service_escrow.ExpireService(payer=account, service_order=bytes(order.order_id))
        call_send(inquiry, call_name("release", order), connection.shared, "service_escrow.expire_service", args)
    elif money == Money.PAID:  # the enterprise was quicker than the deadline after all
        advance(order, using=HOME, state=State.CONFIRMED, money=money)
        return
    wallet = HomeWallet.objects.using(HOME).get(pk=order.household_id)
    back = Transfer(to=bytes(wallet.master_address), amount=order.price)
    proof = call_send(inquiry, call_name("return", order), connection.shared, "credits.transfer", back)
    order.money = Money.BACK if proof.receipt.code else Money.RETURNED
    AdviceOrder.objects.using(HOME).filter(pk=order.pk).update(money=order.money)
    end(order, State(order.outcome), order.code)


def _over(order: AdviceOrder, state: AdviceOrder.State, code: str) -> None:
    if order.price:
        advance(
            order,
            using=HOME,
            state=State.REFUNDING,
            outcome=state,
            code=code[:64],
            answered_at=timezone.now(),
        )
        live_notify(household=order.household, topic=TOPIC)
    else:
        AdviceOrder.objects.using(HOME).filter(pk=order.pk).update(answered_at=timezone.now())
        end(order, state, code)


def _money(order: AdviceOrder, connection: Connection) -> AdviceOrder.Money:
    """Where the price is, as the shared ledger says."""
    if not order.price or order.money == Money.BACK:
        return Money(order.money)
    row = connection.shared.service_money_row(bytes(order.ranked.inquiry.account), bytes(order.order_id))
    found = {service_escrow.FUNDED: Money.ESCROW, service_escrow.SETTLED: Money.PAID}
    return found.get(row.status, Money.BACK)


def _payment(order: AdviceOrder, connection: Connection) -> TxProof | None:
    """The verified receipt that the enterprise was paid for this order, or None."""
    wanted = ConfirmService(payer=bytes(order.ranked.inquiry.account), service_order=bytes(order.order_id))
    enterprise = bytes(order.ranked.run.enterprise)
    for event in connection.shared.events(0, kind=PAID):
        if wanted.service_order not in event.subjects:
            continue
        proof = connection.shared.proof(event.tx_id)
        tx = proof.signed.tx
        if (tx.call, proof.receipt.code, address_of(tx.sender)) != (CONFIRM_SERVICE, "", enterprise):
            continue
        if decode(ConfirmService, tx.args) == wanted:
            return proof
    return None
