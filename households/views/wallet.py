"""The wallet: micro-wallets as the device ledger lists them, the master wallet, moves, restore, recover."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chain.wallets.address import address_text
from households.errors import DeviceUnknown
from households.forms import RecoverForm, RestoreForm, SweepForm
from households.models import Device, Household, Lot, Sweep
from households.selectors.devices import device_get, devices
from households.selectors.uploads import lots, orders
from households.selectors.wallet import WalletView, earnings, sweeps, wallet_of
from households.services.recovering import household_recover
from households.services.wallets import wallet_restore
from households.uploads.services.sweeping import sweep_start
from households.views import words
from households.views.access import do, owner_page, refusal_text, show
from households.views.places import cell_facts
from marketplace.common.errors import HearthError

HISTORY = 40
LOTS_SHOWN = 60
CHART_DAYS = 14
OPEN_ORDERS = ("funded", "committed", "delivered")


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """Balances, history, and what can be done."""
    return show(request, "households/wallet.html", _context(home), part="body")


@require_GET
@owner_page
def micro(request: HttpRequest, home: Household, device_id: uuid.UUID) -> HttpResponse:
    """One micro-wallet: its addresses and its history."""
    device = device_get(home, device_id)
    account = next((each for each in wallet_of(home).micro_wallets if each.device.pk == device.pk), None)
    if account is None:
        raise DeviceUnknown("The device ledger lists no micro-wallet of this device yet")
    paid = (
        lots(home).filter(device=device).exclude(state__in=(Lot.State.PLANNED, Lot.State.REJECTED, Lot.State.RESEALED))
    )
    payees = [{"lot": lot, "address": address_text(bytes(lot.payee))} for lot in paid[:LOTS_SHOWN]]
    context = {
        "home": home,
        "device": device,
        "icon": words.class_icon(device.device_class),
        "account": account,
        "payees": payees,
        "history": _history(home, device),
        "form": SweepForm(),
    }
    return show(request, "households/micro.html", context, part="body")


@require_POST
@owner_page
def move(request: HttpRequest, home: Household) -> HttpResponse:
    """Queue moves to the master wallet, from one device or from all."""
    asked = request.POST.get("device", "")
    device = device_get(home, _uuid(asked)) if asked else None
    form = SweepForm(request.POST)
    understood = form.is_valid()
    do(
        request,
        lambda: sweep_start(household=home, understood=understood, device=device),
        "Under way. Each address is emptied at its own moment.",
    )
    return redirect("households:wallet_micro", device.pk) if device else redirect("households:wallet")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@owner_page
def restore(request: HttpRequest, home: Household) -> HttpResponse:
    """Put the wallet back from its words, with a new passphrase."""
    form = RestoreForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            wallet_restore(household=home, words=form.cleaned_data["words"], passphrase=form.cleaned_data["passphrase"])
        except HearthError as error:
            form.add_error("words", refusal_text(error))
        else:
            messages.success(request, "The wallet is back, under the new passphrase.")
            return redirect("households:wallet")
    return show(request, "households/restore.html", {"home": home, "form": form})


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@owner_page
def recover(request: HttpRequest, home: Household) -> HttpResponse:
    """Name new voters with the master key when the old ones are dead."""
    fit = list(devices(home).filter(status=Device.Status.ACTIVE))
    form = RecoverForm(fit, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        voters = [uuid.UUID(pk) for pk in form.cleaned_data["voters"]]
        try:
            household_recover(household=home, voters=voters, passphrase=form.cleaned_data["passphrase"])
        except HearthError as error:
            form.add_error(None, refusal_text(error))
        else:
            messages.success(request, "Done. Labels say self-attested until the new voters have voted on a batch.")
            return redirect("households:devices")
    return show(request, "households/recover.html", {"home": home, "form": form, "fit": fit})


def _context(home: Household) -> dict[str, Any]:
    view: WalletView = wallet_of(home)
    held = [account for account in view.micro_wallets if account.balance]
    return {
        "home": home,
        "wallet": view,
        "accounts": [
            {"account": each, "icon": words.class_icon(each.device.device_class)} for each in view.micro_wallets
        ],
        "holding": len(held),
        "open_orders": orders(home).filter(state__in=OPEN_ORDERS).count(),
        "history": _history(home, None),
        "chart": _chart(home),
        "form": SweepForm(),
        "waiting": sweeps(home).filter(state=Sweep.State.WAITING).order_by("next_try_at")[:5],
        "cell": cell_facts(home.cell),
    }


def _history(home: Household, device: Device | None) -> list[dict[str, Any]]:
    """What came in and what went to the master wallet, newest first."""
    came = [
        {"at": order.ended_at, "what": "Reward", "amount": order.reward, "order": order, "lot": order.lot}
        for order in earnings(home, device)[:HISTORY]
    ]
    went = [
        {"at": sweep.done_at, "what": "To the master wallet", "amount": -sweep.amount, "lot": sweep.lot, "sweep": sweep}
        for sweep in sweeps(home, device).filter(state=Sweep.State.DONE)[:HISTORY]
    ]
    moves: list[dict[str, Any]] = [*came, *went]
    for entry in moves:
        entry["quantity"] = words.quantity_title(entry["lot"].quantity)
    return sorted(moves, key=lambda entry: entry["at"] or timezone.now(), reverse=True)[:HISTORY]


def _chart(home: Household) -> dict[str, Any] | None:
    """Credits earned a day over the last days, in UTC; None if nothing was."""
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in range(CHART_DAYS - 1, -1, -1)]
    sums = dict.fromkeys(days, 0)
    for order in earnings(home).filter(ended_at__date__gte=days[0]):
        if order.ended_at and order.ended_at.date() in sums:
            sums[order.ended_at.date()] += order.reward
    if not any(sums.values()):
        return None
    return {
        "categories": [f"{day.day} {day:%b}" for day in days],
        "series": [{"name": "Earned", "values": list(sums.values())}],
    }


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise DeviceUnknown() from None
