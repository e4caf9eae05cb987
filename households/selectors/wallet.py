"""The wallet: micro-wallets as the device ledger lists them, what each earned and holds, and the master wallet."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet, Sum

from chain.contracts.devices.rows import DEVICES
from chain.wallets.address import address_text
from households.models import HOME, Device, HomeWallet, Household, HubOrder, Lot, Sweep
from households.services.ledgers import device_ledger


@dataclass(frozen=True, slots=True)
class MicroWallet:
    """One device's account. ``payees`` counts children that were used; credits as last asked of the shared ledger."""

    device: Device
    account_index: int
    address: str
    ledger_status: str
    payees: int
    earned: int
    balance: int


@dataclass(frozen=True, slots=True)
class WalletView:
    """All of a home's wallet."""

    master_address: str
    master_balance: int
    words_confirmed: bool
    micro_wallets: tuple[MicroWallet, ...]
    earned: int
    balance: int
    sweeps_waiting: int


def wallet_of(household: Household) -> WalletView:
    """The wallet as pages show it."""
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    accounts = micro_wallets(household)
    waiting = Sweep.objects.using(HOME).filter(household=household, state=Sweep.State.WAITING)
    return WalletView(
        master_address=address_text(bytes(wallet.master_address)),
        master_balance=wallet.master_balance,
        words_confirmed=wallet.words_confirmed_at is not None,
        micro_wallets=accounts,
        earned=sum(account.earned for account in accounts),
        balance=sum(account.balance for account in accounts),
        sweeps_waiting=waiting.count(),
    )


def micro_wallets(household: Household) -> tuple[MicroWallet, ...]:
    """The accounts that the device ledger lists, in their order; accounts of devices that left are there too."""
    with device_ledger(household) as ledger:
        listed = dict(ledger.state.scan(DEVICES))
    sums = {
        row["device_id"]: (row["earned"] or 0, row["balance"] or 0)
        for row in Lot.objects.using(HOME)
        .filter(household=household)
        .order_by()
        .values("device_id")
        .annotate(earned=Sum("earned"), balance=Sum("balance"))
    }
    found = []
    for device in Device.objects.using(HOME).filter(household=household).order_by("account_index"):
        row = listed.get(bytes(device.device_id))
        if row is None:
            continue
        earned, balance = sums.get(device.pk, (0, 0))
        address = address_text(bytes(device.account))
        found.append(MicroWallet(device, row.wallet_account, address, row.status, device.next_child, earned, balance))
    return tuple(found)


def earnings(household: Household, device: Device | None = None) -> QuerySet[HubOrder]:
    """Settled orders, newest first: the history of what came in, of the home or of one device."""
    rows = HubOrder.objects.using(HOME).filter(household=household, state=HubOrder.State.SETTLED)
    rows = rows if device is None else rows.filter(lot__device=device)
    return rows.select_related("lot", "lot__device").order_by("-ended_at")


def sweeps(household: Household, device: Device | None = None) -> QuerySet[Sweep]:
    """Moves to the master wallet, newest first: the history of what went out."""
    rows = Sweep.objects.using(HOME).filter(household=household)
    rows = rows if device is None else rows.filter(lot__device=device)
    return rows.select_related("lot", "lot__device")
