"""The order of an offer: money first where it has a price, then the order itself, then the enterprise's answer.

What leaves is on the ledgers for everybody: which version and offer (by its hash), the price, a deadline, and the
inquiry's account. With a price there is a transfer besides, so the account can be told to be the master wallet's.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from chain.contracts.credits import Transfer
from chain.contracts.crossing import FundService, service_order_id_of
from chain.core.codec import encode
from chain.exchange.learning import service_funding, service_order
from chain.wallets import hd
from chain.wallets.signer import Signer
from households.advice.accounts import VALID_BLOCKS, call_keep, call_kept, call_send
from households.advice.errors import CreditsMissing, NotConfirmedYet, OrderedAlready, PassphraseNeeded
from households.advice.port import Connection
from households.advice.running import version_row
from households.models import HOME, AdviceOrder, HomeWallet, Household, RankedOffer
from households.services.activity import activity_note, live_notify
from households.services.nudges import advice_nudge
from households.services.wallets import wallet_open
from marketplace.common.work import advance

State, Money = AdviceOrder.State, AdviceOrder.Money
MOVING = (State.FUNDING, State.ORDERING, State.PLACED, State.CONFIRMED, State.COMPLETING, State.REFUNDING)
ANSWER_WITHIN: Final = timedelta(days=7)
TOPIC = "advice"


def order_place(
    *, household: Household, ranked: RankedOffer, connection: Connection, passphrase: str = ""
) -> AdviceOrder:
    """Order an offer of the home's advice.

    With a price the passphrase opens the master wallet for one transfer to the inquiry's account; it is signed and
    written down with the order. Raises ``OrderedAlready``, ``PassphraseNeeded``, ``WrongPassphrase``,
    ``CreditsMissing``.
    """
    if AdviceOrder.objects.using(HOME).filter(ranked=ranked).exists():
        raise OrderedAlready
    inquiry, nonce = ranked.inquiry, secrets.token_bytes(32)
    now_ms = connection.models.head().time_ms
    order = AdviceOrder(
        household=household,
        ranked=ranked,
        order_id=service_order_id_of(bytes(inquiry.account), bytes(ranked.run.version), bytes(ranked.digest), nonce),
        nonce=nonce,
        price=ranked.price,
        deadline_ms=now_ms + int(ANSWER_WITHIN.total_seconds() * 1000),
        state=State.FUNDING if ranked.price else State.ORDERING,
    )
    transfer = _transfer_signed(household, order, connection, passphrase) if ranked.price else b""
    try:
        with transaction.atomic(using=HOME):
            order.save(using=HOME, force_insert=True)
            if transfer:
                call_keep(inquiry, _name("transfer", order), transfer)
            activity_note(household=household, kind="advice.ordered", topic=TOPIC, facts={"price": order.price})
            advice_nudge(household)
    except IntegrityError:
        raise OrderedAlready from None
    return order


def order_finish(*, household: Household, order: AdviceOrder) -> None:
    """The owner says that the service was given. Raises ``NotConfirmedYet``."""
    rows = AdviceOrder.objects.using(HOME).filter(pk=order.pk, state=State.CONFIRMED)
    if rows.update(state=State.COMPLETING, next_try_at=timezone.now()) != 1:
        raise NotConfirmedYet
    with transaction.atomic(using=HOME):
        live_notify(household=household, topic=TOPIC)
        advice_nudge(household)


def fund(order: AdviceOrder, connection: Connection) -> None:
    """FUNDING: credits from the master wallet to the account, from there into escrow."""
    inquiry = order.ranked.inquiry
    if connection.shared.balance(bytes(inquiry.account)) < order.price and order.money == Money.NONE:
        moved = call_kept(inquiry, _name("transfer", order), connection.shared)
        if moved is None or moved.receipt.code:
            end(order, State.FAILED, moved.receipt.code if moved else "transfer_not_taken")
            return
    proof = call_send(inquiry, _name("fund", order), connection.shared, "service_escrow.fund_service", _funding(order))
    if proof.receipt.code:
        _undo(order, proof.receipt.code, Money.BACK)
    else:
        advance(order, using=HOME, state=State.ORDERING, money=Money.ESCROW)
        live_notify(household=order.household, topic=TOPIC)


def place(order: AdviceOrder, connection: Connection) -> None:
    """ORDERING: the order on the service-model ledger, with the receipt of its money."""
    inquiry = order.ranked.inquiry
    money = call_kept(inquiry, _name("fund", order), connection.shared) if order.price else None
    args = service_order(
        version_row(bytes(order.ranked.run.row)),
        offer=bytes(order.ranked.digest),
        nonce=bytes(order.nonce),
        price=order.price,
        deadline_ms=order.deadline_ms,
        money=money,
    )
    proof = call_send(inquiry, _name("order", order), connection.models, "service_models.order", args)
    if proof.receipt.code:
        _undo(order, proof.receipt.code, Money.ESCROW)
        return
    with transaction.atomic(using=HOME):
        advance(order, using=HOME, state=State.PLACED, placed_at=timezone.now())
        activity_note(household=order.household, kind="advice.placed", topic=TOPIC)


def end(order: AdviceOrder, state: AdviceOrder.State, code: str = "") -> None:
    """Nothing more happens with the order."""
    with transaction.atomic(using=HOME):
        advance(order, using=HOME, state=state, code=(code or order.code)[:64], ended_at=timezone.now())
        kind = "advice.failed_order" if state == State.FAILED else f"advice.{state}"
        activity_note(household=order.household, kind=kind, topic=TOPIC)


def _undo(order: AdviceOrder, code: str, money: AdviceOrder.Money) -> None:
    """The order can't be placed; with a price the money has to come back first."""
    if order.price:
        advance(order, using=HOME, state=State.REFUNDING, outcome=State.FAILED, money=money, code=code[:64])
        live_notify(household=order.household, topic=TOPIC)
    else:
        end(order, State.FAILED, code)


def _funding(order: AdviceOrder) -> FundService:
    ranked = order.ranked
    return service_funding(
        version_row(bytes(ranked.run.row)),
        household=bytes(ranked.inquiry.account),
        offer=bytes(ranked.digest),
        nonce=bytes(order.nonce),
        price=order.price,
        deadline_ms=order.deadline_ms,
    )


def _transfer_signed(household: Household, order: AdviceOrder, connection: Connection, passphrase: str) -> bytes:
    """The transfer of the price from the master wallet, signed while the passphrase is here."""
    if not passphrase:
        raise PassphraseNeeded
    words = wallet_open(household=household, passphrase=passphrase)
    master = Signer(hd.master_receive(hd.root_of(hd.seed_of(words))).secret)
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    assert master.address == bytes(wallet.master_address)
    shared = connection.shared
    if shared.balance(master.address) < order.price:
        raise CreditsMissing
    args = Transfer(to=bytes(order.ranked.inquiry.account), amount=order.price)
    valid_until = shared.head().height + VALID_BLOCKS
    nonce = shared.nonce(master.address)
    return encode(master.sign_transaction(shared.ledger, nonce, valid_until, "credits.transfer", args))


def _name(call: str, order: AdviceOrder) -> str:
    return f"{call}:{order.pk.hex[:8]}"


call_name = _name
