"""Balances of micro-wallets, and moving them to the master wallet: one payee a transaction, at jittered times.

A sweep links the lots behind the swept addresses to one wallet (protocols.md 2), so it needs the owner's word that this
was understood.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from chain.contracts.credits import Transfer
from chain.core.codec import decode
from chain.core.transactions import tx_parse
from chain.core.types import SignedTransaction
from households.errors import NothingToSweep, SweepNotUnderstood
from households.models import HOME, Device, HomeWallet, Household, Lot, Sweep
from households.services.activity import activity_note, live_notify
from households.services.market import market_of
from households.services.market_port import Market
from households.uploads.services.sending import payee_of, require_done, send_once
from marketplace.common.work import advance, claim, leased

REFRESH_MAX = 200
SWEEPS_MAX = 100
STALE_AFTER = timedelta(minutes=5)
SPREAD_S = 6 * 3600
SPREAD_DEMO_S = 15
LEASE_S = 60.0


def sweep_start(*, household: Household, understood: bool, device: Device | None = None) -> list[Sweep]:
    """Queue a move of every payee that holds credits (of one device, or all) to the master wallet.

    Each gets a moment of its own within some hours (seconds in the demo). Raises ``SweepNotUnderstood``,
    ``NothingToSweep``, and what the market's client raises.
    """
    if not understood:
        raise SweepNotUnderstood()
    balances_refresh(household, market_of(household), everything=True)
    lots = Lot.objects.using(HOME).filter(household=household, balance__gt=0)
    if device is not None:
        lots = lots.filter(device=device)
    queued = [sweep for lot in lots if (sweep := _queue(household, lot)) is not None]
    if not queued:
        raise NothingToSweep()
    activity_note(household=household, kind="sweep.queued", topic="wallet", facts={"payees": len(queued)})
    return queued


def sweeps_advance(household: Household) -> int:
    """Send the sweeps whose moment has come; how many were handled."""
    waiting = Sweep.objects.filter(household=household, state=Sweep.State.WAITING)
    taken = claim(waiting, using=HOME, limit=SWEEPS_MAX, lease_s=LEASE_S)
    market = market_of(household) if taken else None
    for sweep in taken:
        with leased(sweep, using=HOME):
            assert market is not None
            _send(sweep, market)
    return len(taken)


def balances_refresh(household: Household, market: Market, *, everything: bool = False) -> None:
    """Ask the shared ledger for the balances of payees that earned something, and of the master wallet."""
    now = timezone.now()
    lots = Lot.objects.using(HOME).filter(household=household, earned__gt=0)
    if not everything:
        lots = lots.filter(Q(balance_checked_at__isnull=True) | Q(balance_checked_at__lt=now - STALE_AFTER))
    for lot in lots.order_by("balance_checked_at")[:REFRESH_MAX]:
        _balance_note(lot, market)
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    fresh = wallet.balance_checked_at is not None and wallet.balance_checked_at > now - STALE_AFTER
    if everything or not fresh:
        _master_note(household, wallet, market)


def _queue(household: Household, lot: Lot) -> Sweep | None:
    spread_s = SPREAD_DEMO_S if settings.HEARTH_DEMO else SPREAD_S
    at = timezone.now() + timedelta(milliseconds=secrets.randbelow(spread_s * 1000))
    try:
        with transaction.atomic(using=HOME):
            return Sweep.objects.using(HOME).create(household=household, lot=lot, amount=lot.balance, next_try_at=at)
    except IntegrityError:
        return None  # one waits already


def _send(sweep: Sweep, market: Market) -> None:
    wallet = HomeWallet.objects.using(HOME).get(pk=sweep.household_id)
    payee = payee_of(sweep.lot, market)
    amount = _amount(sweep, market)
    if amount == 0:
        advance(sweep, using=HOME, state=Sweep.State.EMPTY, amount=0, done_at=timezone.now())
        return
    proof = require_done(
        send_once(sweep, "raw", payee, "credits.transfer", Transfer(to=bytes(wallet.master_address), amount=amount))
    )
    with transaction.atomic(using=HOME):
        advance(sweep, using=HOME, state=Sweep.State.DONE, amount=amount, tx_id=proof.tx_id, done_at=timezone.now())
        activity_note(
            household=sweep.household, kind="sweep.done", topic="wallet", device=sweep.lot.device,
            facts={"amount": amount},
        )  # fmt: skip
    _balance_note(sweep.lot, market)
    _master_note(sweep.household, wallet, market)


def _amount(sweep: Sweep, market: Market) -> int:
    """What is moved: what the transaction that was signed before says, or all that the payee holds now."""
    if sweep.raw:
        signed: SignedTransaction = tx_parse(bytes(sweep.raw), len(bytes(sweep.raw)))
        return decode(Transfer, signed.tx.args).amount
    return market.balance(bytes(sweep.lot.payee))


def _balance_note(lot: Lot, market: Market) -> None:
    balance = market.balance(bytes(lot.payee))
    changed = lot.balance != balance
    Lot.objects.using(HOME).filter(pk=lot.pk).update(balance=balance, balance_checked_at=timezone.now())
    if changed:
        live_notify(household=lot.household, topic="wallet")


def _master_note(household: Household, wallet: HomeWallet, market: Market) -> None:
    balance = market.balance(bytes(wallet.master_address))
    HomeWallet.objects.using(HOME).filter(pk=household.pk).update(
        master_balance=balance, balance_checked_at=timezone.now()
    )
    if balance != wallet.master_balance:
        live_notify(household=household, topic="wallet")
