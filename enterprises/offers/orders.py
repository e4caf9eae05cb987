"""Homes' orders: heard of on the service-model ledger, answered by rule or by hand, through the wallet's outbox.

An order for what is not offered, or at another price, is declined by itself. With a price, the enterprise confirms on
both ledgers: first the order, then its money, which the escrow pays out; the receipt of that completes the order.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from chain.contracts.crossing import ConfirmService
from chain.contracts.service_escrow import DeclineService
from chain.contracts.service_models import rows as ledger_rows
from chain.core.codec import encode
from chain.core.proofs import TxProof
from chain.core.types import Record
from enterprises.checkout.models import BuyerTransaction, Enterprise, Wallet
from enterprises.checkout.ports import BuyerMarket
from enterprises.offers.errors import ServiceOrderAnswered, ServiceOrderUnknown
from enterprises.offers.models import OfferSheet, ServiceCall, ServiceOrder, VersionOffer
from enterprises.offers.port import Models, models_of
from marketplace.common.errors import InputError, NotFound
from marketplace.common.events import enterprise_group, publish
from marketplace.common.work import advance, wait

State, Ledger, Sent = ServiceOrder.State, BuyerTransaction.Ledger, BuyerTransaction.State
OPEN = (State.PLACED, State.CONFIRMING, State.DECLINING, State.CONFIRMED, State.COMPLETING)
CONFIRM, DECLINE = "service_models.order_confirm", "service_models.order_decline"
COMPLETE = "service_models.order_complete"
PAY, REFUND = "service_escrow.confirm_service", "service_escrow.decline_service"
WAIT_S: Final = 1.0
REST_S: Final = 10.0
# Why an enterprise declines; homes read the code on the ledger.
REASONS: Final = {
    "not_available": "Not available at the moment",
    "not_in_area": "Not available where the home may be",
    "offer_over": "The offer has ended",
    "other": "Another reason",
}
NOT_OFFERED, PRICE_DIFFERS = "offer_unknown", "price_differs"


def order_get(enterprise: Enterprise, public_id: uuid.UUID) -> ServiceOrder:
    """An order of the enterprise's; raises ``ServiceOrderUnknown``."""
    row = ServiceOrder.objects.select_related("offer").filter(enterprise=enterprise, public_id=public_id).first()
    if row is None:
        raise ServiceOrderUnknown
    return row


def order_confirm(*, order: ServiceOrder) -> None:
    """Take the order. Raises ``ServiceOrderAnswered``."""
    _answer(order, State.PLACED, State.CONFIRMING)


def order_decline(*, order: ServiceOrder, reason: str) -> None:
    """Decline it; paid ones get their money back. Raises ``ServiceOrderAnswered``, ``InputError``."""
    if reason not in REASONS:
        raise InputError("There is no such reason.")
    _answer(order, State.PLACED, State.DECLINING, reason=reason)


def order_complete(*, order: ServiceOrder) -> None:
    """Say that the service was given. Raises ``ServiceOrderAnswered`` unless it is confirmed."""
    _answer(order, State.CONFIRMED, State.COMPLETING)


def order_note(models: Models, order_id: bytes) -> bool:
    """Write down an order that the ledger tells of, if it is of an enterprise of this node; whether it was new.

    Raises ``NotFound`` if the ledger has no such order.
    """
    row = models.order(order_id)
    wallet = Wallet.objects.filter(address=row.enterprise.hex()).first()
    if wallet is None or ServiceOrder.objects.filter(order_id=row.order_id.hex()).exists():
        return False
    version, digest = row.version.hex(), row.offer.hex()
    offer = VersionOffer.objects.filter(sheet__enterprise=wallet.enterprise_id, sheet__version=version, digest=digest)
    with transaction.atomic(using="enterprise"):
        order, new = ServiceOrder.objects.get_or_create(
            order_id=row.order_id.hex(),
            defaults={
                "enterprise_id": wallet.enterprise_id,
                "offer": offer.first(),
                "version": version,
                "digest": digest,
                "account": row.household.hex(),
                "price": row.price,
                "placed_ms": row.placed_ms,
                "deadline_ms": row.deadline_ms,
            },
        )
        if new:
            _tell(order)
    return new


def order_step(order: ServiceOrder, market: BuyerMarket) -> None:
    """Take the next step of a claimed order."""
    models = models_of(market)
    {
        State.PLACED: _placed,
        State.CONFIRMING: _confirming,
        State.DECLINING: _declining,
        State.CONFIRMED: _confirmed,
        State.COMPLETING: _completing,
    }[State(order.state)](order, market, models)


def _placed(order: ServiceOrder, market: BuyerMarket, models: Models) -> None:
    """By rule, or wait for a member; an order nobody answered in time is over."""
    unfit = _unfit(order)
    if unfit:
        _to(order, State.DECLINING, reason=unfit)
    elif models.head().time_ms > order.deadline_ms:
        _to(order, State.EXPIRED, reason=ledger_rows.REASON_DEADLINE, ended_at=timezone.now())
    elif _rule(order) == OfferSheet.Rule.AUTOMATIC:
        _to(order, State.CONFIRMING)
    else:
        wait(order, using="enterprise", seconds=REST_S)


def _unfit(order: ServiceOrder) -> str:
    """Why an order is declined whatever the rule says, as a code; empty if it fits what was offered."""
    offer = order.offer
    if offer is None or (offer.withdrawn_at and order.placed_ms > int(offer.withdrawn_at.timestamp() * 1000)):
        return NOT_OFFERED
    return PRICE_DIFFERS if order.price != offer.price else ""


def _rule(order: ServiceOrder) -> str:
    return OfferSheet.objects.values_list("rule", flat=True).get(enterprise=order.enterprise_id, version=order.version)


def _confirming(order: ServiceOrder, market: BuyerMarket, models: Models) -> None:
    answer = _call(order, CONFIRM, ledger_rows.OrderConfirm(_id(order)))
    if _waits(answer):
        wait(order, using="enterprise", seconds=WAIT_S)
    elif answer.code:
        _as_ledger(order, models, answer.code)
    elif order.price:
        paid = _call(order, PAY, ConfirmService(payer=bytes.fromhex(order.account), service_order=_id(order)))
        if _waits(paid):
            wait(order, using="enterprise", seconds=WAIT_S)
        else:
            _to(order, State.CONFIRMED, reason=paid.code, answered_at=timezone.now())
    else:
        _to(order, State.CONFIRMED, answered_at=timezone.now())


def _declining(order: ServiceOrder, market: BuyerMarket, models: Models) -> None:
    calls = [_call(order, DECLINE, ledger_rows.OrderDecline(_id(order), order.reason))]
    if order.price:
        calls.append(_call(order, REFUND, DeclineService(bytes.fromhex(order.account), _id(order))))
    if any(_waits(each) for each in calls):
        wait(order, using="enterprise", seconds=WAIT_S)
    elif calls[0].code:
        _as_ledger(order, models, calls[0].code)
    else:
        now = timezone.now()
        _to(order, State.DECLINED, answered_at=now, ended_at=now)


def _confirmed(order: ServiceOrder, market: BuyerMarket, models: Models) -> None:
    """The home may complete it too."""
    if models.order(_id(order)).status == ledger_rows.FULFILLED:
        _to(order, State.COMPLETED, ended_at=timezone.now())
    else:
        wait(order, using="enterprise", seconds=REST_S)


def _completing(order: ServiceOrder, market: BuyerMarket, models: Models) -> None:
    proofs: tuple[TxProof, ...] = ()
    if order.price:
        paid = ServiceCall.objects.select_related("transaction").filter(order=order, call=PAY).first()
        if paid is None or paid.transaction.state != Sent.FINAL or paid.transaction.code:
            _to(order, State.CONFIRMED, reason="not_paid")
            return
        proofs = (market.proof(bytes.fromhex(paid.transaction.tx_id)),)
    done = _call(order, COMPLETE, ledger_rows.OrderComplete(_id(order), proofs))
    if _waits(done):
        wait(order, using="enterprise", seconds=WAIT_S)
    elif done.code:
        _as_ledger(order, models, done.code)
    else:
        _to(order, State.COMPLETED, ended_at=timezone.now())


def _as_ledger(order: ServiceOrder, models: Models, code: str) -> None:
    """A call was refused: the order is in another state than we thought, and that is what counts."""
    try:
        status = models.order(_id(order)).status
    except NotFound:
        status = ""
    found = {
        ledger_rows.PLACED: State.EXPIRED,  # the ledger takes no answer any more
        ledger_rows.EXPIRED: State.EXPIRED,
        ledger_rows.DECLINED: State.DECLINED,
        ledger_rows.CONFIRMED: State.CONFIRMED,
        ledger_rows.FULFILLED: State.COMPLETED,
    }.get(status, State.EXPIRED)
    ended = None if found == State.CONFIRMED else timezone.now()
    _to(order, found, reason=code[:48], ended_at=ended)


def _call(order: ServiceOrder, name: str, args: Record) -> BuyerTransaction:
    """Have the wallet make a call for the order, once."""
    there = ServiceCall.objects.select_related("transaction").filter(order=order, call=name).first()
    if there is not None:
        return there.transaction
    ledger = Ledger.SHARED if name.startswith("service_escrow.") else Ledger.MODELS
    wallet = Wallet.objects.get(enterprise=order.enterprise_id)
    with transaction.atomic(using="enterprise"):
        row = BuyerTransaction.objects.create(
            wallet=wallet, ledger=ledger, call=name, key=order.order_id, args=encode(args)
        )
        ServiceCall.objects.create(order=order, transaction=row, call=name)
    return row


def _waits(row: BuyerTransaction) -> bool:
    return row.state in (Sent.QUEUED, Sent.SIGNED)


def _answer(order: ServiceOrder, before: ServiceOrder.State, state: ServiceOrder.State, **changes: Any) -> None:
    with transaction.atomic(using="enterprise"):
        rows = ServiceOrder.objects.filter(pk=order.pk, state=before)
        if rows.update(state=state, next_try_at=timezone.now(), **changes) != 1:
            raise ServiceOrderAnswered
        _tell(order)


def _to(order: ServiceOrder, state: ServiceOrder.State, **changes: Any) -> None:
    with transaction.atomic(using="enterprise"):
        advance(order, using="enterprise", state=state, **changes)
        _tell(order)


def _tell(order: ServiceOrder) -> None:
    publish(enterprise_group(order.enterprise_id), "service_order.changed", {}, using="enterprise")


def _id(order: ServiceOrder) -> bytes:
    return bytes.fromhex(order.order_id)
