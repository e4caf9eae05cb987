"""Orders and purchases: lists, live progress, receipts, and the bought rows."""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from chain.engine.proofs import proof_to_json
from chain.exchange.rows import Column
from enterprises.checkout import exports, selectors
from enterprises.checkout.api import download
from enterprises.checkout.market import market_of
from enterprises.checkout.models import Member, Purchase
from enterprises.errors import DataNotReady, OrderUnknown
from enterprises.views import series
from enterprises.views.access import member_page, show
from enterprises.views.progress import Line, data_ready, line_of, order_lines, sums_of

ORDERS_A_PAGE = 20
ROWS_SHOWN = 10


@require_GET
@member_page
def orders(request: HttpRequest, member: Member) -> HttpResponse:
    """All orders, newest first."""
    rows = selectors.orders(member.enterprise).prefetch_related("purchases")
    page = Paginator(rows, ORDERS_A_PAGE).get_page(request.GET.get("page"))
    return show(request, "enterprises/orders.html", {"page": page, "orders": order_lines(page)}, part="body")


@require_GET
@member_page
def order(request: HttpRequest, member: Member, public_id: uuid.UUID) -> HttpResponse:
    """One order and how far its lines have come; an order of one lot shows that purchase in full."""
    row = selectors.order(member.enterprise, public_id)
    rows = list(row.purchases.all())
    lines = [line_of(each) for each in rows]
    context: dict[str, Any] = {"order": row, "lines": lines, "sums": sums_of(row, rows)}
    if len(lines) == 1:
        context |= _in_full(lines[0])
    return show(request, "enterprises/order.html", context, part="body")


@require_GET
@member_page
def purchase(request: HttpRequest, member: Member, public_id: uuid.UUID) -> HttpResponse:
    """One purchase in full."""
    line = line_of(selectors.purchase(member.enterprise, public_id))
    return show(request, "enterprises/purchase.html", _in_full(line), part="body")


@require_GET
@member_page
def data(request: HttpRequest, member: Member, public_id: uuid.UUID, kind: str) -> HttpResponseBase:
    """The bought rows as a file."""
    row = selectors.purchase(member.enterprise, public_id)
    if not data_ready(row):
        raise DataNotReady
    return download(row, kind)


@require_GET
@member_page
def receipt(request: HttpRequest, member: Member, public_id: uuid.UUID, tx_id: str) -> HttpResponse:
    """The receipt of one of the purchase's own transactions, verified by this node, as a file to keep."""
    row = selectors.purchase(member.enterprise, public_id)
    if not row.steps.filter(tx_id=tx_id).exists():
        raise OrderUnknown("This purchase has no such transaction.")
    proof = market_of(member.enterprise).proof(bytes.fromhex(tx_id))
    answer = HttpResponse(json.dumps(proof_to_json(proof), indent=1), content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="receipt-{tx_id[:12]}.json"'
    return answer


def _in_full(line: Line) -> dict[str, Any]:
    context: dict[str, Any] = {"line": line, "kinds": list(exports.WRITERS)}
    if line.has_data:
        context |= _rows(line.row)
    return context


def _rows(row: Purchase) -> dict[str, Any]:
    """Chart and first rows of what was bought."""
    columns = [Column(**column) for column in row.columns]
    chart = series.bought_chart(columns, exports.bodies(row), row.row_count, int(row.facts["resolution_s"]))
    _, head = selectors.data_head(row, ROWS_SHOWN)
    return {"chart": chart, "rows": series.table_rows(head)}
