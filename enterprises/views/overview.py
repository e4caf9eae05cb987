"""The enterprise's first page, and the registration of a new enterprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from enterprises.checkout import selectors, services
from enterprises.checkout.market import market_of
from enterprises.checkout.models import Enterprise, Member
from enterprises.checkout.ports import BuyerMarket
from enterprises.errors import NotMember
from enterprises.forms import RegisterForm
from enterprises.views.access import go, member_page, show
from enterprises.views.facts import lot_card
from enterprises.views.progress import order_lines
from enterprises.views.reads import balance_now, figures
from marketplace.accounts.models import Kind
from marketplace.accounts.permissions import role_required
from marketplace.common.errors import HearthError

RECENT_ORDERS = 5
NEW_LOTS = 4
Registration = Enterprise.Registration


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way to the first purchase; ``state`` is done, now, todo or failed."""

    name: str
    state: str
    note: str


@require_GET
@member_page
def overview(request: HttpRequest, member: Member) -> HttpResponse:
    """Balance, the way to the first purchase, recent orders, new lots."""
    enterprise = member.enterprise
    market = market_of(enterprise)
    balance = balance_now(enterprise, market)
    orders = selectors.orders(enterprise)
    context: dict[str, Any] = {
        "enterprise": enterprise,
        "balance": balance,
        "figures": figures(enterprise),
        "orders": order_lines(orders.prefetch_related("purchases")[:RECENT_ORDERS]),
        "basket_count": enterprise.basket.count(),
        "steps": _steps(enterprise, balance.amount, orders.exists()),
    }
    return show(request, "enterprises/overview.html", context | _new_lots(member, market), part="body")


@require_http_methods(["GET", "POST"])
@role_required(Kind.ENTERPRISE)
def register(request: HttpRequest) -> HttpResponse:
    """Sign an enterprise up; its node then registers it with the market by itself."""
    user_id = int(request.user.pk or 0)
    if _is_member(user_id):
        return go(request, reverse("enterprises:overview"))
    form = RegisterForm(request.POST or None, initial={"contact": getattr(request.user, "email", "")})
    if request.method == "POST" and form.is_valid():
        services.enterprise_sign_up(user_id=user_id, **form.cleaned_data)
        messages.success(request, "Registered. The market's operator has been told.")
        return redirect("enterprises:overview")
    return render(request, "enterprises/register.html", {"form": form})


def _is_member(user_id: int) -> bool:
    try:
        selectors.member_of(user_id)
    except NotMember:
        return False
    return True


def _new_lots(member: Member, market: BuyerMarket) -> dict[str, Any]:
    try:
        found = selectors.catalog_page(member.enterprise, market, {"sort": "newest", "page_size": str(NEW_LOTS)})
    except HearthError as error:
        return {"lots": [], "lots_error": error}
    return {"lots": [lot_card(each) for each in found["lots"]["results"]], "in_basket": found["in_basket"]}


def _steps(enterprise: Enterprise, balance: int, has_orders: bool) -> list[Step]:
    """The way to the first purchase; empty once it was gone and nothing stands in the way."""
    registration = enterprise.registration
    accredited = registration == Registration.ACCREDITED
    if accredited and has_orders:
        return []
    topped_up = balance > 0 or has_orders
    return [
        _registered(registration),
        _accredited(registration),
        Step(
            "Top up the wallet",
            "done" if topped_up else "now" if accredited else "todo",
            "" if topped_up else "The operator puts credits into your wallet; its address is on the wallet page.",
        ),
        Step(
            "Buy data",
            "done" if has_orders else "now" if accredited and topped_up else "todo",
            "" if has_orders else "Look round the catalog and fill the basket; one confirmation buys all of it.",
        ),
    ]


def _registered(registration: str) -> Step:
    if registration == Registration.NEW:
        return Step("Register the organisation", "now", "Your node is registering its wallet with the market.")
    return Step("Register the organisation", "done", "")


def _accredited(registration: str) -> Step:
    name = "Wait for accreditation"
    if registration == Registration.ACCREDITED:
        return Step("Accreditation", "done", "")
    if registration == Registration.SUSPENDED:
        return Step("Accreditation", "failed", "Suspended by the market's operator. Open orders finish; ask them why.")
    if registration == Registration.PENDING:
        return Step(name, "now", "An operator of the market looks at new organisations. Nothing to do here.")
    return Step(name, "todo", "")
