"""The basket: put in, take out, what it costs, and the one confirmation that funds all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from enterprises.checkout import pricing, selectors, services
from enterprises.checkout.market import market_of
from enterprises.checkout.models import BasketLine, Enterprise, Member
from enterprises.checkout.ports import BuyerMarket, term
from enterprises.errors import LotUnknown
from enterprises.forms import ConfirmForm
from enterprises.views import texts
from enterprises.views.access import fragment_wanted, member_page, next_url, show
from enterprises.views.facts import LotCard, kept_card, lot_card
from enterprises.views.reads import balance_now
from marketplace.common.errors import HearthError, Unavailable


@dataclass(frozen=True, slots=True)
class Line:
    """A basket line beside the present offer: ``state`` is ok, dearer, cheaper, gone or unknown."""

    row: BasketLine
    lot: LotCard
    state: str
    price_now: int


@require_GET
@member_page
def basket(request: HttpRequest, member: Member) -> HttpResponse:
    """The lines, what they cost, and what can't be bought any more."""
    return show(request, "enterprises/basket.html", _context(member), part="body")


@require_GET
@member_page
def basket_button(request: HttpRequest, member: Member) -> HttpResponse:
    """How many lots are in the basket, for the head of the catalog's pages."""
    return render(request, "enterprises/parts/basket_button.html", {"basket_count": member.enterprise.basket.count()})


@require_POST
@member_page
def basket_add(request: HttpRequest, member: Member) -> HttpResponse:
    """Put a lot in, or take its new price."""
    lot_id = request.POST.get("lot_id", "")
    if len(lot_id) != 64:
        raise LotUnknown
    services.basket_add(member=member, market=market_of(member.enterprise), lot_id=lot_id)
    return _after(request, member, lot_id, inside=True)


@require_POST
@member_page
def basket_remove(request: HttpRequest, member: Member, lot_id: str) -> HttpResponse:
    """Take a lot out."""
    services.basket_remove(member=member, lot_id=lot_id)
    return _after(request, member, lot_id, inside=False)


@require_POST
@member_page
def basket_clear(request: HttpRequest, member: Member) -> HttpResponse:
    """Take everything out."""
    services.basket_clear(member=member)
    return redirect("enterprises:basket")


@require_POST
@member_page
def basket_renew(request: HttpRequest, member: Member) -> HttpResponse:
    """Take out what can't be bought any more, and take the new price where it has changed."""
    market = market_of(member.enterprise)
    for line in _lines(market, list(member.enterprise.basket.all())):
        if line.state == "gone":
            services.basket_remove(member=member, lot_id=line.row.lot_id)
        elif line.state in ("dearer", "cheaper"):
            services.basket_add(member=member, market=market, lot_id=line.row.lot_id)
    messages.success(request, "The basket is up to date.")
    return redirect("enterprises:basket")


@require_POST
@member_page
def order_confirm(request: HttpRequest, member: Member) -> HttpResponse:
    """Buy the basket as it was shown. A refusal shows the basket again, with what to do."""
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        said = [str(error) for errors in form.errors.values() for error in errors]
        messages.error(request, " ".join(said))
        return redirect("enterprises:basket")
    market = market_of(member.enterprise)
    try:
        order = services.order_confirm(
            member=member, market=market, total=form.cleaned_data["total"], licences=form.cleaned_data["licences"]
        )
    except Unavailable:
        raise
    except HearthError as error:
        return show(request, "enterprises/basket.html", {**_context(member), "error": error}, status=error.http_status)
    return redirect("enterprises:order", order.public_id)


def _after(request: HttpRequest, member: Member, lot_id: str, *, inside: bool) -> HttpResponse:
    """The lot's button again for htmx, else back to where the form was."""
    if fragment_wanted(request) and request.htmx.target == "basket-body":  # type: ignore[attr-defined]
        return show(request, "enterprises/basket.html", _context(member), part="body")
    if fragment_wanted(request):
        count = member.enterprise.basket.count()
        context = {"lot_id": lot_id, "inside": inside, "basket_count": count, "wide": "wide" in request.POST}
        return render(request, "enterprises/parts/add_button.html#swap", context)
    return redirect(next_url(request, reverse("enterprises:basket")))


def _context(member: Member) -> dict[str, Any]:
    enterprise = member.enterprise
    market = market_of(enterprise)
    rows = list(enterprise.basket.all())
    context: dict[str, Any] = {"enterprise": enterprise, "reachable": True}
    try:
        lines = _lines(market, rows)
        balance, fee_bps = balance_now(enterprise, market).amount, term(market, "fee_bps")
        context["licences"] = _licences(market, rows)
    except Unavailable:
        lines = [Line(row, kept_card(row), "unknown", row.price) for row in rows]
        balance, fee_bps = enterprise.wallet.balance, 0
        context["reachable"] = False
    reserved = services.committed(enterprise)
    totals = pricing.totals([row.price for row in rows], fee_bps, max(0, balance - reserved))
    changed = [line for line in lines if line.state not in ("ok", "unknown")]
    return context | {
        "lines": lines,
        "changed": changed,
        "totals": totals,
        "balance": balance,
        "reserved": reserved,
        "after": balance - reserved - totals.total,
        "fee_percent": fee_bps / 100,
        "confirmable": _confirmable(enterprise, lines, totals, context["reachable"]),
        "licence_hashes": " ".join(sorted({row.licence for row in rows})),
    }


def _confirmable(enterprise: Enterprise, lines: Sequence[Line], totals: pricing.Totals, reachable: bool) -> bool:
    accredited = enterprise.registration == Enterprise.Registration.ACCREDITED
    as_shown = all(line.state in ("ok", "unknown") for line in lines)
    return bool(lines) and accredited and totals.affordable and as_shown and reachable


def _lines(market: BuyerMarket, rows: Sequence[BasketLine]) -> list[Line]:
    """Each line beside the market's present offer; all offers are asked for together."""
    offers = selectors.offers(market, rows)
    return [_line(row, offers.get(row.lot_id)) for row in rows]


def _line(row: BasketLine, offer: Mapping[str, Any] | None) -> Line:
    if offer is None or not lot_card(offer).for_copy:
        return Line(row, kept_card(row), "gone", row.price)
    price = int(offer["price"])
    state = "dearer" if price > row.price else "cheaper" if price < row.price else "ok"
    return Line(row, kept_card(row), state, price)


def _licences(market: BuyerMarket, rows: Sequence[BasketLine]) -> list[dict[str, Any]]:
    """The text of each licence in the basket."""
    found = [market.licence(digest) for digest in sorted({row.licence for row in rows})]
    return [{"title": each["title"], "hash": each["hash"], "body": texts.paragraphs(each["body"])} for each in found]
