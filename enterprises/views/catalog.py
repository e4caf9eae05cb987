"""The catalog: search and facets, a lot's page with its checked preview, the small line on a card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_GET

from enterprises.checkout import selectors
from enterprises.checkout.market import market_of
from enterprises.checkout.models import Member
from enterprises.checkout.ports import BuyerMarket, term
from enterprises.checkout.preview import preview_checked
from enterprises.checkout.purchases.checking import publish_proven
from enterprises.errors import LotNotOnSale
from enterprises.forms import CatalogForm
from enterprises.views import series, texts, words
from enterprises.views.access import fragment_wanted, member_page, show
from enterprises.views.facts import lot_card
from marketplace.common.errors import HearthError, NotFound

PAGE_SIZE = 24
PREVIEW_ROWS = 10
SPARK_KEPT_S = 3600
VALUES_MAX = 50  # of one facet in one search


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter, and the address of the page without it."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Pages:
    """The place in a list that the market has cut into pages."""

    number: int
    count: int

    @property
    def last(self) -> int:
        return max(1, -(-self.count // PAGE_SIZE))

    @property
    def first_shown(self) -> int:
        return (self.number - 1) * PAGE_SIZE + 1 if self.count else 0

    @property
    def last_shown(self) -> int:
        return min(self.number * PAGE_SIZE, self.count)


@require_GET
@member_page
def catalog(request: HttpRequest, member: Member) -> HttpResponse:
    """Lots on sale. htmx gets the results and the filters, whose counts have changed."""
    form = CatalogForm(request.GET)
    query: dict[str, Any] = form.query() | _facets_of(request.GET)
    context: dict[str, Any] = {
        "form": form,
        "chips": _chips(request.GET),
        "basket_count": member.enterprise.basket.count(),
    }
    status = 200
    try:
        found = _page(member, query)
    except HearthError as error:
        context["error"], status = error, error.http_status
    else:
        context |= _found(found, request.GET, int(query.get("page", 1)))
    answer = show(request, "enterprises/catalog.html", context, part="found", status=status)
    if fragment_wanted(request):
        answer["HX-Push-Url"] = f"{request.path}{_without_empty(request.GET)}"
    return answer


@require_GET
@member_page
def lot(request: HttpRequest, member: Member, lot_id: str) -> HttpResponse:
    """One lot: what it is, its roots, the preview that this node has checked, and how buying works."""
    market = market_of(member.enterprise)
    page = selectors.lot_page(member.enterprise, market, lot_id)
    preview = page.preview
    context: dict[str, Any] = {
        "lot": lot_card(page.lot),
        "page": page,
        "licence": texts.paragraphs(page.licence["body"]),
        "basket_count": member.enterprise.basket.count(),
        "terms": _terms(market),
        "roots": _roots(market, page.lot),
    }
    if preview is not None and preview.rows:
        context["chart"] = series.preview_chart(preview, int(page.lot["resolution_s"]))
        context["rows"] = series.table_rows(preview.rows[:PREVIEW_ROWS])
    return show(request, "enterprises/lot.html", context)


@require_GET
@member_page
def spark(request: HttpRequest, member: Member, lot_id: str) -> HttpResponse:
    """The course of a lot's preview as a small line; checked once, then kept for a while (a preview never changes)."""
    key = f"enterprise-spark:{lot_id}"
    values: list[float] | None = cache.get(key)
    if values is None:
        market = market_of(member.enterprise)
        try:
            values = series.spark(preview_checked(market, lot_id, market.lot(lot_id)["publish_tx"]))
        except HearthError:
            values = []  # the lot's own page says why
        else:
            cache.set(key, values, SPARK_KEPT_S)
    return render(request, "enterprises/parts/spark.html", {"values": values})


def _page(member: Member, query: dict[str, Any]) -> dict[str, Any]:
    """What the market has for the filters; a page past the end becomes the first."""
    market = market_of(member.enterprise)
    asked = {**query, "page_size": str(PAGE_SIZE)}
    try:
        return selectors.catalog_page(member.enterprise, market, asked)
    except HearthError as error:
        if error.http_status != 404 or query.get("page", "1") == "1":
            raise
        query["page"] = "1"
        return selectors.catalog_page(member.enterprise, market, {**asked, "page": "1"})


def _found(found: dict[str, Any], params: QueryDict, number: int) -> dict[str, Any]:
    lots, facets = found["lots"], found["facets"]
    return {
        "lots": [lot_card(each) for each in lots["results"]],
        "pages": Pages(number, int(lots["count"])),
        "in_basket": found["in_basket"],
        "bounds": facets["bounds"],
        "facets": [facet for name in words.FACETS if (facet := _facet(name, facets["facets"].get(name, []), params))],
    }


def _facet(name: str, values: list[dict[str, Any]], params: QueryDict) -> dict[str, Any] | None:
    """One group of boxes; one that would not divide the lots is left out."""
    chosen = set(params.getlist(name))
    options = [
        {"value": str(each["value"]), "text": words.facet_text(name, str(each["value"])), "count": each["count"],
         "chosen": str(each["value"]) in chosen}
        for each in values
    ]  # fmt: skip
    known = {option["value"] for option in options}
    options += [
        {"value": value, "text": words.facet_text(name, value), "count": 0, "chosen": True}
        for value in sorted(chosen - known)[:VALUES_MAX]
    ]
    if name == "resolution_s":
        options.sort(key=lambda option: int(option["value"]) if option["value"].isdecimal() else 0)
    return {"name": name, "title": words.FACETS[name], "options": options} if len(options) > 1 or chosen else None


def _facets_of(params: QueryDict) -> dict[str, list[str]]:
    return {name: params.getlist(name)[:VALUES_MAX] for name in words.FACETS if params.getlist(name)}


def _chips(params: QueryDict) -> list[Chip]:
    chips = [
        Chip(words.facet_text(name, value), _without(params, name, value))
        for name in words.FACETS
        for value in params.getlist(name)[:VALUES_MAX]
    ]
    said = {
        "q": "“{}”",
        "price_min": "from {} credits",
        "price_max": "up to {} credits",
        "start": "not before {}",
        "end": "not after {}",
    }
    chips += [
        Chip(text.format(params[name]), _without(params, name, str(params[name])))
        for name, text in said.items()
        if params.get(name)
    ]
    return chips


def _without(params: QueryDict, name: str, value: str) -> str:
    rest = params.copy()
    rest.setlist(name, [each for each in params.getlist(name) if each != value])
    rest.pop("page", None)
    return _without_empty(rest) or "?"


def _without_empty(params: QueryDict) -> str:
    """The query string without parameters that say nothing."""
    rest = QueryDict(mutable=True)
    for name, values in params.lists():
        kept: Iterable[str] = [
            value for value in values if value and (name, value) not in (("sort", "newest"), ("page", "1"))
        ]
        rest.setlist(name, list(kept))
    text = rest.urlencode()
    return f"?{text}" if text else ""


def _roots(market: BuyerMarket, lot: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the lot's digest commits to, from its verified receipt; empty if there is none."""
    try:
        digest, _ = publish_proven(market, bytes.fromhex(lot["lot_id"]), lot["publish_tx"])
    except (NotFound, LotNotOnSale):
        return []
    return [
        ("Keys", digest.key_root.hex()),
        ("Sealed", digest.cipher_root.hex()),
        ("Rows", digest.plain_root.hex()),
        ("Manifest", digest.manifest_hash.hex()),
        ("Batch", digest.batch_root.hex()),
    ]


def _terms(market: BuyerMarket) -> dict[str, str]:
    """The time limits of an exchange, as the ledger's genesis has them."""
    limits = {"answer": "t1_ms", "deliver": "t1_deliver_ms", "complain": "t2_ms"}
    return {name: words.resolution_text(max(1, term(market, code) // 1000)) for name, code in limits.items()}
