"""Pages of offers: the enterprise's versions, the offers of one, and homes' orders."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from enterprises.checkout.models import Member
from enterprises.nudges import nudge_offers
from enterprises.offers import orders as desk
from enterprises.offers import selectors, sheets, words
from enterprises.offers.forms import DeclineForm, OfferForm, RuleForm
from enterprises.offers.models import OfferSheet, ServiceOrder
from enterprises.views.access import member_page, next_url, show
from fedlearn.learners.templates import TEMPLATES
from marketplace.common.errors import HearthError

ORDERS_A_PAGE = 20


@require_GET
@member_page
def page(request: HttpRequest, member: Member) -> HttpResponse:
    """The versions and their offers, and homes' orders."""
    found = Paginator(selectors.orders(member.enterprise), ORDERS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "sheets": [_sheet_line(row) for row in selectors.sheets(member.enterprise)],
        "page": found,
        "orders": [_order_line(row) for row in found],
        "decline": DeclineForm(),
    }
    return show(request, "enterprises/offers/page.html", context, part="body")


@require_http_methods(["GET", "POST"])
@member_page
def sheet(request: HttpRequest, member: Member, version: str) -> HttpResponse:
    """The offers of one version; POST adds one."""
    row = sheets.sheet_get(member.enterprise, version)
    form = OfferForm(sheets.KINDS.get(row.task, ""), request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and _added(row, form):
            messages.success(request, "On offer. Homes see it in a moment.")
            return redirect("enterprises:offer_sheet", version)
    context = {
        "line": _sheet_line(row),
        "sheet": row,
        "offers": [(each, words.terms_text(each.body)) for each in selectors.offers(row)],
        "form": form,
        "rule": RuleForm(initial={"rule": row.rule}),
    }
    return show(request, "enterprises/offers/sheet.html", context, part="body", status=status)


@require_POST
@member_page
def rule(request: HttpRequest, member: Member, version: str) -> HttpResponse:
    """How orders of the version are answered."""
    row = sheets.sheet_get(member.enterprise, version)
    sheets.rule_set(sheet=row, rule=request.POST.get("rule", ""))
    messages.success(request, "Saved.")
    return redirect("enterprises:offer_sheet", version)


@require_POST
@member_page
def withdraw(request: HttpRequest, member: Member, version: str, public_id: uuid.UUID) -> HttpResponse:
    """Take an offer back; orders that were placed go on."""
    row = sheets.sheet_get(member.enterprise, version)
    sheets.offer_withdraw(sheet=row, offer=sheets.offer_get(row, public_id))
    nudge_offers()
    messages.success(request, "No longer on offer.")
    return redirect("enterprises:offer_sheet", version)


@require_POST
@member_page
def answer(request: HttpRequest, member: Member, public_id: uuid.UUID, what: str) -> HttpResponse:
    """Confirm, decline or complete an order."""
    row = desk.order_get(member.enterprise, public_id)
    if what == "confirm":
        desk.order_confirm(order=row)
    elif what == "decline":
        desk.order_decline(order=row, reason=request.POST.get("reason", ""))
    else:
        desk.order_complete(order=row)
    nudge_offers()
    messages.success(request, "Noted; it goes on the ledger now.")
    return redirect(next_url(request, "/enterprise/offers/"))


def _added(row: OfferSheet, form: OfferForm) -> bool:
    data = form.cleaned_data
    try:
        terms = form.terms()
        sheets.offer_add(sheet=row, title=data["title"], currency=data["currency"], terms=terms, price=data["price"])
    except ValidationError as fault:
        form.add_error("hourly", fault)
        return False
    except HearthError as error:
        form.add_error(None, error.detail)
        return False
    nudge_offers()
    return True


def _sheet_line(row: OfferSheet) -> dict[str, Any]:
    task = TEMPLATES[row.task].title if row.task in TEMPLATES else row.task
    return {"row": row, "title": words.title_of(row.service_name), "task": task}


def _order_line(row: ServiceOrder) -> dict[str, Any]:
    offer = row.offer
    return {
        "row": row,
        "title": str(offer) if offer else "Not offered",
        "service": words.title_of(offer.sheet.service_name) if offer else "",
        "why": words.code_text(row.reason) if row.reason else "",
    }
