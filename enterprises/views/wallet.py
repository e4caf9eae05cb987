"""The enterprise's wallet."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from enterprises.checkout import selectors, services
from enterprises.checkout.market import market_of
from enterprises.checkout.models import Member
from enterprises.views import words
from enterprises.views.access import member_page, show
from enterprises.views.reads import figures


@require_GET
@member_page
def wallet(request: HttpRequest, member: Member) -> HttpResponse:
    """Address, balance, a page of the history, how to top up."""
    enterprise, before = member.enterprise, request.GET.get("before", "")
    found = selectors.wallet(enterprise, market_of(enterprise), before)
    moves: list[dict[str, Any]] = [
        {
            **move,
            "text": words.MOVES.get(str(move["kind"])) or words.title_of(str(move["kind"])),
            "signed": f"{move['amount']:+,}".replace("-", "−"),
        }
        for move in found["history"]
    ]
    context = {
        "enterprise": enterprise,
        "wallet": found,
        "moves": moves,
        "before": before,
        "figures": figures(enterprise),
        "reserved": services.committed(enterprise),
    }
    return show(request, "enterprises/wallet.html", context, part="body")
