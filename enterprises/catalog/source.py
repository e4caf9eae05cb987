"""The shared ledger as the market role reads it: events from the index behind the log, rows from the ledger node."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import groupby

from django.conf import settings
from django.utils.module_loading import import_string

from chain.contracts.market.rows import LOTS, LotRow
from chain.core.codec import decode
from chain.models import EventIndex, IndexHead
from chain.node.shared import shared_ledger_id
from chain.rpc import NodeClient
from enterprises.catalog.ports import LedgerEvent, LotSource
from marketplace.common.errors import Unavailable

ALIAS = "ledger"
SCAN = 500
DEFAULT = "enterprises.catalog.source.node_source"


class NodeLotSource:
    """``LotSource`` over the ledger node's socket and its index."""

    def __init__(self, ledger: str, node: NodeClient) -> None:
        self._ledger = ledger
        self._node = node

    @property
    def ledger(self) -> str:
        return self._ledger

    def height(self) -> int:
        head = IndexHead.objects.using(ALIAS).filter(pk=self._ledger).first()
        return head.height if head else 0

    def events(self, after_height: int, up_to_height: int) -> Iterator[LedgerEvent]:
        rows = (
            EventIndex.objects.using(ALIAS)
            .filter(ledger_id=self._ledger, height__gt=after_height, height__lte=up_to_height)
            .order_by("height", "position", "number")
        )
        for (height, _, _), group in groupby(rows.iterator(), key=lambda row: (row.height, row.position, row.number)):
            touched = list(group)
            subjects = tuple(bytes(row.subject) for row in touched if row.subject)
            yield LedgerEvent(height, bytes(touched[0].tx_id), touched[0].kind, subjects)

    def lot(self, lot_id: bytes) -> LotRow | None:
        data = self._node.get(self._ledger, LOTS.name, lot_id)
        return None if data is None else decode(LotRow, data)

    def lots(self) -> Iterator[LotRow]:
        after: bytes | None = None
        while rows := self._node.scan(self._ledger, LOTS.name, after, SCAN):
            for key, data in rows:
                after = key
                yield decode(LotRow, data)


def lot_source() -> LotSource:
    """The source of this deployment; ``HEARTH_LOT_SOURCE`` names the function that makes it."""
    source: LotSource = import_string(getattr(settings, "HEARTH_LOT_SOURCE", DEFAULT))()
    return source


@cache
def _node() -> NodeClient:
    return NodeClient()


def node_source() -> NodeLotSource:
    """The shared ledger of this deployment's node; raises ``Unavailable`` before it has begun."""
    ledger = shared_ledger_id()
    if ledger is None:
        raise Unavailable("The shared ledger has not begun.")
    return NodeLotSource(ledger, _node())
