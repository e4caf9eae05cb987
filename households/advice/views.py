"""Pages of advice: services that fit the home, an inquiry and its result, the order of an offer."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from households.advice import selectors, shown, words
from households.advice.forms import AskForm, OrderForm
from households.advice.inquiries import OPEN, inquiry_start
from households.advice.orders import ANSWER_WITHIN, order_finish, order_place
from households.advice.port import connection_of
from households.advice.services_known import Fitting, Known, service_fitting, services_fitting
from households.models import HomeWallet, Household, Inquiry, RankedOffer
from households.models.base import HOME
from households.views.access import do, owner_page, part_asked, refusal_text, show
from households.views.words import class_title
from marketplace.common.errors import HearthError

PARTS = ("orders", "inquiries")
A_PAGE = 8


@require_GET
@owner_page
def page(request: HttpRequest, home: Household) -> HttpResponse:
    """Services that fit the home, what was asked before, and what was ordered."""
    part = part_asked(request, PARTS)
    context: dict[str, Any] = {"home": home}
    if not request.headers.get("HX-Request"):
        context |= _services(home)
    asked = Paginator(selectors.inquiries(home), A_PAGE).get_page(request.GET.get("page"))
    context |= {
        "page": asked,
        "inquiries": [(row, selectors.progress_of(row), _said(row)) for row in asked],
        "orders": [(row, shown.card_of(row.ranked)) for row in selectors.orders(home)[:A_PAGE]],
    }
    return show(request, "households/advice/page.html", context, part=part)


@require_http_methods(["GET", "POST"])
@owner_page
def ask(request: HttpRequest, home: Household, name: str) -> HttpResponse:
    """What a service does, what leaves when it is asked for, and what the home pays now."""
    known = service_fitting(home, connection_of(home).models, name)
    form = AskForm(known.task, request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                row = inquiry_start(
                    household=home,
                    known=known,
                    present=form.present if "price" in form.fields else None,
                    heating_year_micro=form.heating_year_micro,
                )
                return redirect("households:advice_inquiry", row.pk)
            except HearthError as error:
                form.add_error(None, refusal_text(error))
    context = {"known": known, "task": shown.task_title(known.task), "form": form}
    return show(request, "households/advice/ask.html", context, status=status)


@require_GET
@owner_page
def inquiry(request: HttpRequest, home: Household, inquiry_id: uuid.UUID) -> HttpResponse:
    """How far an inquiry has come, and its result."""
    row = selectors.inquiry_get(home, inquiry_id)
    ranked = row.ranked.select_related("run", "inquiry", "order")
    cards = [shown.card_of(each) for each in ranked]
    unit, title = shown.day_facts(row)
    context = {
        "home": home,
        "inquiry": row,
        "task": shown.task_title(row.task),
        "progress": selectors.progress_of(row),
        "open": row.state in OPEN,
        "failed": words.code_text(row.code) if row.state == Inquiry.State.FAILED else "",
        "cards": cards,
        "lines": [shown.run_line(run, row) for run in row.runs.all()],
        "refused": [(each, words.code_text(each["code"])) for each in row.refused],
        "unit": unit,
        "day_title": title,
        "day": shown.day_chart(row) if row.profile else None,
        "months": shown.months_chart(cards) if cards and row.task == "next_hour_load" else None,
    }
    return show(request, "households/advice/inquiry.html", context, part="body")


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
@owner_page
def order_new(request: HttpRequest, home: Household, ranked_id: uuid.UUID) -> HttpResponse:
    """What leaves with an order, asked once more; POST places it."""
    ranked = selectors.offer_get(home, ranked_id)
    form = OrderForm(ranked.price, request.POST or None, initial={"price": ranked.price})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and (order_id := _placed(home, ranked, form)) is not None:
            messages.success(request, "Ordered. The enterprise is asked now.")
            return redirect("households:advice_order", order_id)
    wallet = HomeWallet.objects.using(HOME).get(pk=home.pk)
    context = {
        "card": shown.card_of(ranked),
        "form": form,
        "days": ANSWER_WITHIN.days,
        "balance": wallet.master_balance,
        "account": bytes(ranked.inquiry.account).hex(),
        "digest": bytes(ranked.digest).hex(),
        "version": bytes(ranked.run.version).hex(),
    }
    return show(request, "households/advice/order_new.html", context, status=status)


@require_GET
@owner_page
def order(request: HttpRequest, home: Household, order_id: uuid.UUID) -> HttpResponse:
    """An order and how far it has come."""
    row = selectors.order_get(home, order_id)
    context = {
        "home": home,
        "order": row,
        "card": shown.card_of(row.ranked),
        "steps": shown.order_steps(row),
        "money": words.MONEY[row.money] if row.price else "",
        "why": words.code_text(row.code) if row.code else "",
        "order_hex": bytes(row.order_id).hex(),
        "account": bytes(row.ranked.inquiry.account).hex(),
    }
    return show(request, "households/advice/order.html", context, part="body")


@require_POST
@owner_page
def order_done(request: HttpRequest, home: Household, order_id: uuid.UUID) -> HttpResponse:
    """The owner says that the service was given."""
    row = selectors.order_get(home, order_id)
    do(request, lambda: order_finish(household=home, order=row), "Noted; it goes on the ledger now.")
    return redirect("households:advice_order", row.pk)


def _placed(home: Household, ranked: RankedOffer, form: OrderForm) -> uuid.UUID | None:
    if form.cleaned_data["price"] != ranked.price:
        form.add_error(None, "The price is another one than was shown.")
        return None
    try:
        passphrase = form.cleaned_data.get("passphrase", "")
        found = order_place(household=home, ranked=ranked, connection=connection_of(home), passphrase=passphrase)
    except HearthError as error:
        form.add_error("passphrase" if error.code == "wrong_passphrase" else None, refusal_text(error))
        return None
    return found.pk


def _services(home: Household) -> dict[str, Any]:
    """The services, or why they can't be told at the moment."""
    try:
        found = services_fitting(home, connection_of(home).models)
    except HearthError as error:
        return {"error": error}
    fits, others = [each for each in found if each.fits], [each for each in found if not each.fits]
    return {"services": [_service(each.known) for each in fits], "others": [_lacking(each) for each in others]}


def _service(known: Known) -> dict[str, Any]:
    return {"known": known, "task": shown.task_title(known.task)}


def _lacking(fitting: Fitting) -> dict[str, Any]:
    return {**_service(fitting.known), "missing": ", ".join(class_title(name) for name in fitting.missing)}


def _said(row: Inquiry) -> str:
    """One line about an inquiry."""
    if row.state == Inquiry.State.READY:
        best = row.ranked.select_related("run").first()
        return f"Best: {shown.card_of(best).title}" if best else "No offer could be judged"
    return words.code_text(row.code) if row.code else ""
