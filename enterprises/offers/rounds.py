"""One round of everything a node does by itself for offers and orders."""

from __future__ import annotations

from typing import Final

from chain.client.wire import LedgerEvent
from enterprises.checkout.market import market_of
from enterprises.checkout.models import BuyerTransaction, Enterprise, Wallet
from enterprises.checkout.outbox import wallets_send
from enterprises.checkout.ports import BuyerMarket
from enterprises.offers.models import OfferSheet, OrdersCursor, ServiceOrder
from enterprises.offers.orders import OPEN, order_note, order_step
from enterprises.offers.port import Models, market_public, models_of, shelf_of
from enterprises.offers.sheets import sheet_send
from marketplace.common.errors import NotFound
from marketplace.common.events import enterprise_group, publish
from marketplace.common.work import advance, claim, claim_one, leased

ROUNDS_MAX: Final = 50
BLOCKS_A_ROUND: Final = 1_000
LOOK_AGAIN_S: Final = 1.5
AT_ONCE: Final = 20
ID_BYTES: Final = 32
PUBLISHED, PLACED = "version.published", "service_order.placed"


def offers_advance() -> int:
    """Read the ledger for versions and orders of this node's enterprises, answer what is due, send what is queued."""
    if not Enterprise.objects.exists():
        return 0
    market = market_public()
    done = ledger_follow(models_of(market))
    waiting = (BuyerTransaction.State.QUEUED, BuyerTransaction.State.SIGNED)
    for _ in range(ROUNDS_MAX):
        moved = sheets_send() + orders_advance()
        if BuyerTransaction.objects.filter(service_call__isnull=False, state__in=waiting).exists():
            moved += wallets_send(market)
        if not moved:
            break
        done += moved
    return done


def ledger_follow(models: Models) -> int:
    """Take note of own versions and of orders up to the market's index; returns how many were new."""
    OrdersCursor.objects.get_or_create(ledger=models.ledger)
    mine = OrdersCursor.objects.filter(ledger=models.ledger)
    found = 0
    while (cursor := claim_one(mine, using="enterprise")) is not None:
        with leased(cursor, using="enterprise"):
            head = models.indexed_height()
            until = min(cursor.height + BLOCKS_A_ROUND, head)
            if until > cursor.height:
                found += sum(_take(models, event) for event in models.events(cursor.height, until))
            rest = LOOK_AGAIN_S if until >= head else 0.0
            advance(cursor, using="enterprise", again_in_s=rest, height=max(until, cursor.height))
    return found


def sheets_send() -> int:
    """Show the market the offers that changed; how many sheets."""
    rows = claim(OfferSheet.objects.filter(sent=False), using="enterprise", limit=AT_ONCE)
    for sheet in rows:
        with leased(sheet, using="enterprise"):
            sheet_send(sheet, shelf_of(sheet.enterprise))
    return sum(OfferSheet.objects.filter(pk=sheet.pk, sent=True).exists() for sheet in rows)


def orders_advance() -> int:
    """Take the steps of orders that are due; how many changed their state."""
    rows = claim(ServiceOrder.objects.filter(state__in=OPEN), using="enterprise", limit=AT_ONCE)
    moved = 0
    for order in rows:
        before = order.state
        with leased(order, using="enterprise"):
            order_step(order, _market(order))
        moved += order.state != before or ServiceOrder.objects.filter(pk=order.pk).exclude(state=before).exists()
    return moved


def _market(order: ServiceOrder) -> BuyerMarket:
    return market_of(order.enterprise)


def _take(models: Models, event: LedgerEvent) -> int:
    """Look at the rows that an event may be about: its subjects come in no order that says which is which."""
    if event.kind not in (PUBLISHED, PLACED):
        return 0
    note = _version_note if event.kind == PUBLISHED else order_note
    taken = 0
    for subject in event.subjects:
        if len(subject) != ID_BYTES:
            continue
        try:
            taken += note(models, subject)
        except NotFound:
            continue
    return taken


def _version_note(models: Models, version: bytes) -> bool:
    """A version of an enterprise of this node gets a sheet, empty at first."""
    row = models.version(version)
    wallet = Wallet.objects.filter(address=row.enterprise.hex()).first()
    if wallet is None:
        return False
    service, job = models.service(row.service), models.job(row.job)
    _, new = OfferSheet.objects.get_or_create(
        enterprise_id=wallet.enterprise_id,
        version=version.hex(),
        defaults={"service": row.service.hex(), "service_name": service.name, "task": job.task},
    )
    if new:
        publish(
            enterprise_group(wallet.enterprise_id), "offers.changed", {"version": version.hex()}, using="enterprise"
        )
    return new
