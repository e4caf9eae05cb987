"""Pages of the shared ledger's events, and an address's credits, read from the index behind the log.

A cursor names an event by height, place of its transaction in the block, and place in the receipt: ``12.0.3``; a height
alone stands before its next block. The index may lag: ``indexed_height`` says how far it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from chain.client.wire import LedgerEvent
from chain.core.codec import decode
from chain.core.types import Block, Event, SignedTransaction, Transaction
from chain.engine.proofs import TxProof, proof_make
from chain.event_moves import Place, Purposes
from chain.models import EventIndex, IndexHead
from chain.rpc import NodeClient
from chain.selectors import block_at
from marketplace.common.errors import InputError

ALIAS = "ledger"
BLOCKS_KEPT = 64
_MONEY = ("credits.minted", "credits.burnt", "credits.moved")


class CursorInvalid(InputError):
    """The cursor is none that a page gave out."""

    code = "cursor_invalid"
    title = "The cursor is not one of this list"


class Cursor(NamedTuple):
    """A place in the ledger's events."""

    height: int
    position: int
    number: int

    def __str__(self) -> str:
        return ".".join(str(part) for part in self)


@dataclass(frozen=True, slots=True)
class Move:
    """Credits that went from one address to another: by mint, burn, transfer, or the market's escrow."""

    cursor: Cursor
    time_ms: int
    tx_id: bytes
    kind: str
    amount: int
    source: bytes
    target: bytes
    order_id: bytes
    lot_id: bytes


def cursor_parse(text: str) -> Cursor:
    """A cursor from its text, or from a height; raises ``CursorInvalid``."""
    parts = text.split(".")
    if len(parts) not in (1, 3) or not all(part.isdecimal() and len(part) < 19 for part in parts):
        raise CursorInvalid
    numbers = [int(part) for part in parts]
    return Cursor(*numbers) if len(parts) == 3 else Cursor(numbers[0], 2**31, 0)


def indexed_height(ledger: str) -> int:
    """Up to which height the index is complete."""
    head = IndexHead.objects.using(ALIAS).filter(pk=ledger).first()
    return head.height if head else 0


def events_page(
    *, ledger: str, after: Cursor, up_to: int | None, kind: str, limit: int
) -> tuple[list[LedgerEvent], Cursor | None]:
    """At most ``limit`` events after a place, and the place to go on from if there are more."""
    rows = _after(EventIndex.objects.using(ALIAS).filter(ledger_id=ledger), after)
    if up_to is not None:
        rows = rows.filter(height__lte=up_to)
    if kind:
        rows = rows.filter(kind=kind)
    events: list[LedgerEvent] = []
    last = after
    for place, group in groupby(rows.iterator(chunk_size=200), key=_place):
        if len(events) == limit:
            return events, last
        touched = list(group)
        subjects = tuple(bytes(row.subject) for row in touched if row.subject)
        events.append(LedgerEvent(place.height, place.position, bytes(touched[0].tx_id), touched[0].kind, subjects))
        last = place
    return events, None


def moves_page(
    *, ledger: str, node: NodeClient, address: bytes, after: Cursor, limit: int
) -> tuple[list[Move], Cursor | None]:
    """At most ``limit`` moves of an address's credits after a place, oldest first, and the place to go on from."""
    rows = EventIndex.objects.using(ALIAS).filter(ledger_id=ledger, subject=address, kind__in=_MONEY)
    found = list(_after(rows, after)[: limit + 1])
    moves = [_move_at(ledger, node, _place(row)) for row in found[:limit]]
    return moves, moves[-1].cursor if len(found) > limit else None


def newest_moves_page(
    *, ledger: str, node: NodeClient, address: bytes, before: Cursor | None, limit: int
) -> tuple[list[Move], Cursor | None]:
    """At most ``limit`` moves of an address's credits before a place, newest first, and the place to go on from.

    The pages stay as they are while the ledger grows, because a cursor names a place and not a count.
    """
    rows = EventIndex.objects.using(ALIAS).filter(ledger_id=ledger, subject=address, kind__in=_MONEY)
    if before is not None:
        rows = _before(rows, before)
    found = list(rows.order_by("-height", "-position", "-number")[: limit + 1])
    moves = [_move_at(ledger, node, _place(row)) for row in found[:limit]]
    return moves, moves[-1].cursor if len(found) > limit else None


def validator_changes(*, ledger: str, after: int, limit: int = 100) -> list[TxProof]:
    """The proofs of the transactions that changed the validators after a height, oldest first."""
    rows = EventIndex.objects.using(ALIAS).filter(ledger_id=ledger, kind="registry.validators_changed")
    found = rows.filter(height__gt=after).order_by("height", "position")[:limit]
    return [proof_make(_block(ledger, row.height), bytes(row.tx_id)) for row in found]


def _after(rows: QuerySet[EventIndex], after: Cursor) -> QuerySet[EventIndex]:
    later = Q(height=after.height, position=after.position, number__gt=after.number)
    later |= Q(height=after.height, position__gt=after.position)
    return (
        rows.filter(height__gte=after.height)
        .filter(later | Q(height__gt=after.height))
        .order_by("height", "position", "number", "subject")
    )


def _before(rows: QuerySet[EventIndex], before: Cursor) -> QuerySet[EventIndex]:
    earlier = Q(height=before.height, position=before.position, number__lt=before.number)
    earlier |= Q(height=before.height, position__lt=before.position)
    return rows.filter(height__lte=before.height).filter(earlier | Q(height__lt=before.height))


def _place(row: EventIndex) -> Cursor:
    return Cursor(row.height, row.position, row.number)


@lru_cache(maxsize=BLOCKS_KEPT)
def _block(ledger: str, height: int) -> Block:
    """A block never changes, so the ones that were read last are kept."""
    return block_at(alias=ALIAS, ledger=ledger, height=height)


def _move_at(ledger: str, node: NodeClient, place: Cursor) -> Move:
    block = _block(ledger, place.height)
    receipt = block.receipts[place.position]
    tx = _transaction(block, place.position)
    purpose = Purposes(ledger, node).of(tx, receipt, Place(*place))
    source, target = _ends(receipt.events[place.number])
    return Move(
        cursor=place,
        time_ms=block.header.time_ms,
        tx_id=receipt.tx_id,
        kind=purpose.kind,
        amount=purpose.amount,
        source=source,
        target=target,
        order_id=purpose.order_id,
        lot_id=purpose.lot_id,
    )


def _ends(event: Event) -> tuple[bytes, bytes]:
    """Where credits came from and went to; empty for the treasury's making and unmaking."""
    if event.kind == "credits.minted":
        return b"", event.subjects[0]
    if event.kind == "credits.burnt":
        return event.subjects[0], b""
    return event.subjects[0], event.subjects[-1]


def _transaction(block: Block, position: int) -> Transaction:
    return decode(SignedTransaction, block.transactions[position]).tx


def moves_json(moves: Iterable[Move], address: bytes) -> list[dict[str, Any]]:
    """Moves as JSON values, ``amount`` negative where the address gave."""
    return [
        {
            "height": move.cursor.height,
            "time_ms": move.time_ms,
            "tx_id": move.tx_id.hex(),
            "kind": move.kind,
            "amount": move.amount if move.target == address else -move.amount,
            "counterparty": (move.source if move.target == address else move.target).hex(),
            "order_id": move.order_id.hex(),
            "lot_id": move.lot_id.hex(),
        }
        for move in moves
    ]
