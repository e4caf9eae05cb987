"""Writes of an enterprise's node: sign-up, members, basket, the confirmation that makes an order."""

from __future__ import annotations

import os
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import public_key
from chain.exchange.lots import scalar_of
from enterprises.checkout import keys, pricing
from enterprises.checkout.models import BasketLine, Enterprise, Member, Order, Purchase, Wallet
from enterprises.checkout.outbox import wallet_context
from enterprises.checkout.ports import BuyerMarket
from enterprises.checkout.purchases.following import cursor_begin
from enterprises.checkout.purchases.moves import step_note
from enterprises.checkout.wallets import wallet_refresh
from enterprises.errors import (
    AlreadyMember,
    BasketChanged,
    BasketEmpty,
    LastAdmin,
    LotNotOnSale,
    MemberUnknown,
    NotAccredited,
    NotAdmin,
    NotEnoughCredits,
)
from enterprises.nudges import nudge_buyer, nudge_newcomer
from enterprises.training.models import TrainingJob
from marketplace.common.errors import InputError
from marketplace.common.events import enterprise_group, publish

BASKET_MAX = 500
NAME_MAX = 120
SHOWN = (
    "publish_tx", "schema", "device_class", "quantity", "resolution_s", "cell", "period_start", "period_end",
    "label", "support", "voters", "record_count", "size_bytes", "licence_kind",
)  # fmt: skip


def enterprise_sign_up(*, user_id: int, name: str, contact: str) -> Enterprise:
    """Make an enterprise with a fresh wallet; the user becomes its administrator. Registration with the market follows.

    Raises:
        AlreadyMember: the user acts for an enterprise already.
    """
    if not name.strip() or len(name) > NAME_MAX:
        raise InputError(f"The name must have 1 to {NAME_MAX} characters.")
    keys.node_key()
    try:
        with transaction.atomic(using="enterprise"):
            enterprise = Enterprise.objects.create(name=name.strip(), contact=contact)
            Member.objects.create(enterprise=enterprise, user_id=user_id, role=Member.Role.ADMIN)
            _wallet_create(enterprise)
            nudge_newcomer(user_id)
            transaction.on_commit(nudge_buyer, using="enterprise")
    except IntegrityError:
        raise AlreadyMember from None
    return enterprise


def member_add(*, actor: Member, user_id: int, role: str = Member.Role.BUYER) -> Member:
    """Let another user act for the actor's enterprise.

    Raises:
        NotAdmin: the actor is no administrator.
        AlreadyMember: the user acts for an enterprise already.
    """
    _require_admin(actor)
    try:
        with transaction.atomic(using="enterprise"):
            member = Member.objects.create(enterprise=actor.enterprise, user_id=user_id, role=Member.Role(role))
            nudge_newcomer(user_id)
    except IntegrityError:
        raise AlreadyMember from None
    return member


def member_change(*, actor: Member, user_id: int, role: str) -> Member:
    """Make a member administrator or buyer. Raises ``NotAdmin``, ``MemberUnknown``, ``LastAdmin``."""
    member = _member_of(actor, user_id)
    _require_admin_left(actor.enterprise, member, Member.Role(role))
    Member.objects.filter(pk=member.pk).update(role=role)
    member.role = role
    return member


def member_remove(*, actor: Member, user_id: int) -> None:
    """A user no longer acts for the enterprise. Raises ``NotAdmin``, ``MemberUnknown``, ``LastAdmin``."""
    member = _member_of(actor, user_id)
    _require_admin_left(actor.enterprise, member, None)
    member.delete()


def basket_add(*, member: Member, market: BuyerMarket, lot_id: str) -> BasketLine:
    """Put a lot into the basket at its present price; adding it again renews the price.

    Raises:
        LotUnknown: the catalog does not have it.
        LotNotOnSale: it is not listed, or is for training only.
    """
    lot = market.lot(lot_id)
    if lot["status"] != "LISTED" or lot["licence_kind"] != "copy":
        raise LotNotOnSale
    enterprise = member.enterprise
    if BasketLine.objects.filter(enterprise=enterprise).count() >= BASKET_MAX:
        raise InputError(f"A basket holds at most {BASKET_MAX} lots.")
    with transaction.atomic(using="enterprise"):
        line, _ = BasketLine.objects.update_or_create(
            enterprise=enterprise,
            lot_id=lot["lot_id"],
            defaults={
                "price": lot["price"],
                "licence": lot["licence"],
                "facts": {name: lot[name] for name in SHOWN},
                "added_by": member.user_id,
            },
        )
        _basket_changed(enterprise)
    return line


def basket_remove(*, member: Member, lot_id: str) -> None:
    """Take a lot out of the basket; one that is not in it is no error."""
    with transaction.atomic(using="enterprise"):
        BasketLine.objects.filter(enterprise=member.enterprise, lot_id=lot_id).delete()
        _basket_changed(member.enterprise)


def basket_clear(*, member: Member) -> None:
    """Empty the basket."""
    with transaction.atomic(using="enterprise"):
        BasketLine.objects.filter(enterprise=member.enterprise).delete()
        _basket_changed(member.enterprise)


def order_confirm(*, member: Member, market: BuyerMarket, total: int, licences: Sequence[str]) -> Order:
    """Buy the basket: one confirmation, one purchase a line.

    Args:
        total: the sum of credits that was shown.
        licences: the hashes of the licences that were agreed to; they must be those of the lines.

    Raises:
        NotAccredited, BasketEmpty, BasketChanged, NotEnoughCredits: nothing was ordered.
    """
    enterprise = member.enterprise
    if enterprise.registration != Enterprise.Registration.ACCREDITED:
        raise NotAccredited
    wallet = wallet_refresh(wallet=enterprise.wallet, market=market)
    cursor_begin(market)
    with transaction.atomic(using="enterprise"):
        lines = list(BasketLine.objects.select_for_update().filter(enterprise=enterprise))
        _confirmation_check(lines, total, set(licences))
        if not pricing.totals([line.price for line in lines], 0, wallet.balance - committed(enterprise)).affordable:
            raise NotEnoughCredits
        order = Order.objects.create(enterprise=enterprise, total=total, confirmed_by=member.user_id)
        purchases = Purchase.objects.bulk_create(
            Purchase(order=order, lot_id=line.lot_id, price=line.price, licence=line.licence, facts=line.facts)
            for line in lines
        )
        for purchase in purchases:
            step_note(purchase, Purchase.State.CONFIRMED)
        BasketLine.objects.filter(pk__in=[line.pk for line in lines]).delete()
        _basket_changed(enterprise)
        transaction.on_commit(nudge_buyer, using="enterprise")
    return order


def committed(enterprise: Enterprise) -> int:
    """Credits that confirmed purchases and training jobs will take but that have not left the wallet yet."""
    states = (Purchase.State.CONFIRMED, Purchase.State.CHECKED, Purchase.State.FUNDING)
    waiting = Purchase.objects.filter(order__enterprise=enterprise, state__in=states, ledger_state="")
    jobs = TrainingJob.objects.filter(enterprise=enterprise, state=TrainingJob.State.FUNDING, cancel_asked=False)
    paid = jobs.filter(transactions__call="market.fund_training", transactions__state="final")
    unpaid = jobs.exclude(pk__in=paid.values("pk"))
    return sum(waiting.values_list("price", flat=True)) + sum(unpaid.values_list("total", flat=True))


def _wallet_create(enterprise: Enterprise) -> Wallet:
    secret = scalar_of(os.urandom(48))
    key = public_key(secret)
    wallet = Wallet(enterprise=enterprise, address=address_of(key).hex(), public_key=key.hex())
    wallet.sealed_secret = keys.seal(secret, wallet_context(wallet))
    wallet.save(using="enterprise")
    return wallet


def _confirmation_check(lines: Sequence[BasketLine], total: int, licences: set[str]) -> None:
    if not lines:
        raise BasketEmpty
    if sum(line.price for line in lines) != total:
        raise BasketChanged("The prices add up to another sum than was confirmed.")
    if {line.licence for line in lines} != licences:
        raise BasketChanged("The licences are not those that were agreed to.")


def _require_admin(actor: Member) -> None:
    if actor.role != Member.Role.ADMIN:
        raise NotAdmin


def _member_of(actor: Member, user_id: int) -> Member:
    _require_admin(actor)
    member = Member.objects.filter(enterprise=actor.enterprise, user_id=user_id).first()
    if member is None:
        raise MemberUnknown
    return member


def _require_admin_left(enterprise: Enterprise, member: Member, role: str | None) -> None:
    others = Member.objects.filter(enterprise=enterprise, role=Member.Role.ADMIN).exclude(pk=member.pk)
    if role != Member.Role.ADMIN and not others.exists():
        raise LastAdmin


def _basket_changed(enterprise: Enterprise) -> None:
    publish(enterprise_group(enterprise.pk), "basket.changed", {}, using="enterprise")
