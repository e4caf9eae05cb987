"""Reads of an enterprise's node, in the shapes that pages and the REST API show.

Every function takes the member's own enterprise, so nobody reads another's rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from chain.wallets.address import address_text
from enterprises.checkout import exports, pricing
from enterprises.checkout.models import BasketLine, BuyerTransaction, Enterprise, Member, Order, Purchase, PurchaseStep
from enterprises.checkout.ports import BuyerMarket, Query
from enterprises.checkout.preview import CheckedPreview, preview_checked
from enterprises.checkout.purchases.machine import ENDED
from enterprises.errors import NotMember, OrderUnknown
from marketplace.accounts.models import Kind, User
from marketplace.common.errors import HearthError, Unavailable

State = Purchase.State
WAY = (State.CONFIRMED, State.CHECKED, State.FUNDED, State.COMMITTED, State.DELIVERED, State.OPENED, State.SETTLED)
REACHED_WITH = {State.FUNDING: State.CHECKED, State.ACCEPTING: State.OPENED, State.COMPLAINING: State.DELIVERED}


@dataclass(frozen=True, slots=True)
class Stage:
    """One state of a purchase's way: ``done``, ``now`` or ``ahead``, and the receipt if the ledger says so."""

    state: str
    title: str
    phase: str
    at: Any = None
    tx_id: str = ""
    height: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class LotPage:
    """A lot, whether it is in the basket, and its preview, either checked or with the refusal that says why not."""

    lot: dict[str, Any]
    licence: dict[str, Any]
    in_basket: bool
    preview: CheckedPreview | None
    refusal: HearthError | None


def member_of(user_id: int) -> Member:
    """The membership of a user; raises ``NotMember``."""
    member = Member.objects.select_related("enterprise__wallet").filter(user_id=user_id).first()
    if member is None:
        raise NotMember
    return member


def user_by_email(email: str) -> User | None:
    """The active enterprise account with this e-mail address."""
    return User.objects.filter(email__iexact=email, kind=Kind.ENTERPRISE, is_active=True).first()


def members(enterprise: Enterprise) -> QuerySet[Member]:
    return Member.objects.filter(enterprise=enterprise).order_by("created_at", "pk")


def catalog_page(enterprise: Enterprise, market: BuyerMarket, query: Query) -> dict[str, Any]:
    """``lots`` (a page of the market's list), ``facets``, and the ids that are in the basket."""
    basket = set(BasketLine.objects.filter(enterprise=enterprise).values_list("lot_id", flat=True))
    return {"lots": market.lots(query), "facets": market.facets(query), "in_basket": basket}


def lot_page(enterprise: Enterprise, market: BuyerMarket, lot_id: str) -> LotPage:
    """A lot with its preview, which this node checks against the roots on the ledger. Raises ``LotUnknown``."""
    lot = market.lot(lot_id)
    preview: CheckedPreview | None = None
    refusal: HearthError | None = None
    try:
        preview = preview_checked(market, lot["lot_id"], lot["publish_tx"])
    except Unavailable:
        raise
    except HearthError as error:
        refusal = error
    in_basket = BasketLine.objects.filter(enterprise=enterprise, lot_id=lot["lot_id"]).exists()
    return LotPage(lot, market.licence(lot["licence"]), in_basket, preview, refusal)


def basket(enterprise: Enterprise, fee_bps: int) -> tuple[Sequence[BasketLine], pricing.Totals]:
    """The lines and what they cost against the balance as last read."""
    lines = list(BasketLine.objects.filter(enterprise=enterprise))
    return lines, pricing.totals([line.price for line in lines], fee_bps, enterprise.wallet.balance)


def offers(market: BuyerMarket, lines: Sequence[BasketLine]) -> dict[str, dict[str, Any]]:
    """What the market offers now of the lines' lots, by lot id; a lot that is not on sale any more is not in it."""
    if not lines:
        return {}
    return {lot["lot_id"]: lot for lot in market.lots_named([line.lot_id for line in lines])}


def orders(enterprise: Enterprise) -> QuerySet[Order]:
    """Orders, newest first, each with ``lines``, ``settled``, ``refunded``, ``failed`` and ``open`` counted."""

    def counted(states: Sequence[Purchase.State]) -> Count:
        return Count("purchases", filter=Q(purchases__state__in=states))

    return (
        Order.objects.filter(enterprise=enterprise)
        .annotate(
            lines=Count("purchases"),
            settled=counted([State.SETTLED]),
            refunded=counted([State.REFUNDED]),
            failed=counted([State.FAILED]),
            open=Count("purchases", filter=~Q(purchases__state__in=ENDED)),
        )
        .order_by("-confirmed_at", "-pk")
    )


def order(enterprise: Enterprise, public_id: uuid.UUID) -> Order:
    """One order of the enterprise, its purchases and their steps loaded; raises ``OrderUnknown``."""
    row = orders(enterprise).filter(public_id=public_id).prefetch_related("purchases__steps").first()
    if row is None:
        raise OrderUnknown
    return row


def purchase(enterprise: Enterprise, public_id: uuid.UUID) -> Purchase:
    """One purchase of the enterprise; raises ``OrderUnknown``."""
    rows = Purchase.objects.select_related("order").filter(order__enterprise=enterprise, public_id=public_id)
    row = rows.first()
    if row is None:
        raise OrderUnknown
    return row


def purchases_with_data(enterprise: Enterprise) -> QuerySet[Purchase]:
    """Purchases whose rows can be had, newest first."""
    states = (State.OPENED, State.ACCEPTING, State.SETTLED)
    rows = Purchase.objects.filter(order__enterprise=enterprise, state__in=states, row_count__gt=0)
    return rows.select_related("order").order_by("-pk")


def timeline(row: Purchase) -> list[Stage]:
    """The way of a purchase: states behind it with their receipts, the present one, and those ahead if all is well."""
    steps = {step.state: step for step in row.steps.all()}
    if row.state in (State.REFUNDED, State.FAILED):
        path = sorted(steps.values(), key=lambda step: (step.at, step.pk))
        return [_stage(step.state, steps, "now" if step.state == row.state else "done") for step in path]
    here = REACHED_WITH.get(State(row.state), State(row.state))
    place = WAY.index(here) if here in WAY else WAY.index(State.FUNDED)
    return [_stage(state, steps, _phase(at, place)) for at, state in enumerate(WAY)]


def data_head(row: Purchase, count: int = 20) -> tuple[list[dict[str, Any]], list[tuple[str, ...]]]:
    """Columns and the first rows of a purchase, to be shown; raises ``DataNotReady``."""
    return list(row.columns), exports.head_rows(row, count)


def wallet(enterprise: Enterprise, market: BuyerMarket, before: str = "") -> dict[str, Any]:
    """Address, balance and a page of the moves of the enterprise's wallet; the last known balance if it is away.

    ``history`` is newest first, from ``before`` (the ``history_next`` of the page before) or from the last move.
    """
    row = enterprise.wallet
    answer: dict[str, Any] = {
        "address": address_text(bytes.fromhex(row.address)),
        "balance": row.balance,
        "balance_at": row.balance_at,
        "registration": enterprise.registration,
        "waiting": BuyerTransaction.objects.filter(wallet=row, state__in=("queued", "signed")).count(),
        "history": [],
        "history_next": None,
        "reachable": True,
    }
    try:
        answer |= {"balance": market.balance(bytes.fromhex(row.address))}
        page = market.history_newest(bytes.fromhex(row.address), before)
        answer |= {"history": list(page["moves"]), "history_next": page["next"]}
    except Unavailable:
        answer["reachable"] = False
    return answer


def _phase(at: int, place: int) -> str:
    if at == place:
        return "done" if place == len(WAY) - 1 else "now"
    return "done" if at < place else "ahead"


def _stage(state: str, steps: dict[str, PurchaseStep], phase: str) -> Stage:
    step = steps.get(state)
    title = str(State(state).label)
    if step is None:
        return Stage(state, title, phase)
    return Stage(state, title, phase, at=step.at, tx_id=step.tx_id, height=step.height, note=step.note)
