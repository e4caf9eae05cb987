"""The index of lots: a projection of the shared ledger's events, behind the log, rebuildable at any time.

An event only says which lot to look at; the row is then written from the ledger's present state, so that reading an
event twice, or late, does no harm.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from chain.contracts.market.rows import LotRow
from enterprises.catalog.models import CatalogCursor, CatalogLot
from enterprises.catalog.ports import LotSource
from enterprises.partners.services import organisation_follow
from marketplace.common.events import publish
from marketplace.common.types import from_ms
from marketplace.common.work import advance, claim_one, leased

BLOCKS_A_ROUND = 500
FAR_FUTURE_MS = 253_402_214_400_000  # 9999-12-31
CATALOG_GROUP = "market.catalog"


def catalog_advance(source: LotSource) -> int:
    """Follow the ledger up to its head, unless somebody else is following right now.

    Returns:
        How many lots were written.
    """
    CatalogCursor.objects.get_or_create(ledger=source.ledger)
    mine = CatalogCursor.objects.filter(ledger=source.ledger)
    written = 0
    while (cursor := claim_one(mine, using="market")) is not None:
        with leased(cursor, using="market"):
            head = source.height()
            until = min(cursor.height + BLOCKS_A_ROUND, head)
            written += _blocks_index(source, cursor.height, until)
            advance(cursor, using="market", height=max(until, cursor.height))
            if until < head:
                continue
        break
    return written


def catalog_reindex(source: LotSource) -> int:
    """Write every lot anew from the ledger's state and set the cursor to its head.

    Returns:
        How many lots there are.
    """
    head = source.height()
    seen = {lot_write(row) for row in source.lots()}
    CatalogLot.objects.exclude(lot_id__in=seen).delete()
    _publish_txs(source, 0, head)
    CatalogCursor.objects.update_or_create(ledger=source.ledger, defaults={"height": head})
    return len(seen)


def lot_write(row: LotRow) -> str:
    """Write the index row of one lot from the ledger's row; returns the lot id, hexadecimal."""
    lot_id = row.lot_id.hex()
    CatalogLot.objects.update_or_create(lot_id=lot_id, defaults=_facts(row))
    return lot_id


def _blocks_index(source: LotSource, after: int, until: int) -> int:
    touched: dict[bytes, None] = {}
    anchored: dict[str, str] = {}
    for event in source.events(after, until):
        if event.kind in ("registry.accredited", "registry.suspended"):
            organisation_follow(address=event.subjects[0], accredited=event.kind == "registry.accredited")
        if not event.kind.startswith(("lot.", "order.")):
            continue
        touched.update(dict.fromkeys(subject for subject in event.subjects if len(subject) == 32))
        if event.kind == "lot.anchored":
            anchored |= {subject.hex(): event.tx_id.hex() for subject in event.subjects if len(subject) == 32}
    written = [lot_write(row) for row in map(source.lot, touched) if row is not None]
    _publish_txs_write(anchored)
    if written:
        publish(CATALOG_GROUP, "catalog.changed", {"lots": len(written)})
    return len(written)


def _publish_txs(source: LotSource, after: int, until: int) -> None:
    for event in source.events(after, until):
        if event.kind == "lot.anchored":
            _publish_txs_write({subject.hex(): event.tx_id.hex() for subject in event.subjects})


def _publish_txs_write(by_lot: dict[str, str]) -> None:
    for lot_id, tx_id in by_lot.items():
        CatalogLot.objects.filter(lot_id=lot_id).exclude(publish_tx=tx_id).update(
            publish_tx=tx_id, indexed_at=F("indexed_at")
        )


def _at(time_ms: int) -> datetime:
    """A moment of the ledger, which takes any 63-bit number, within what a datetime can say."""
    return from_ms(min(time_ms, FAR_FUTURE_MS))


def _facts(row: LotRow) -> dict[str, object]:
    digest = row.digest
    words = (digest.schema, digest.device_class, digest.quantity, digest.cell, digest.label, digest.support)
    return {
        "object_id": digest.object_id.hex(),
        "status": row.status,
        "schema": digest.schema,
        "device_class": digest.device_class,
        "quantity": digest.quantity,
        "resolution_s": digest.resolution_s,
        "cell": digest.cell,
        "period_start": _at(digest.period_start_ms),
        "period_end": _at(digest.period_end_ms),
        "price": row.price,
        "licence_kind": digest.licence_kind,
        "licence": digest.licence.hex(),
        "label": digest.label,
        "support": digest.support,
        "voters": digest.voters,
        "chunk_count": digest.chunk_count,
        "record_count": digest.record_count,
        "size_bytes": digest.size_bytes,
        "expires_at": _at(digest.expires_ms),
        "anchored_height": row.anchored_height,
        "open_orders": len(row.open_orders),
        "missed": row.missed,
        "disputes": row.disputes,
        "search": " ".join((*words, _at(digest.period_start_ms).strftime("%Y-%m-%d %B"), row.lot_id.hex())).lower(),
    }
