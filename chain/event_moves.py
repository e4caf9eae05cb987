"""What credits moved for: the event before a move says it, and the rows of the ledger's state say how much it was."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Q

from chain.contracts.credits import Burn, Mint, Transfer
from chain.contracts.crossing import FUND_TRAINING, FundTraining
from chain.contracts.market.rows import ORDERS
from chain.contracts.market.training_rows import BONUSES, POOLS, TRAININGS, TrainingRow
from chain.contracts.service_escrow import MONEY
from chain.core.codec import decode
from chain.core.state import R, Table
from chain.core.types import Event, Receipt, Transaction
from chain.models import EventIndex
from chain.rpc import NodeClient

ALIAS = "ledger"
MOVED = "credits.moved"
ROUND_PAID = "training.round_paid"
ESCROW, REFUND, REWARD, FEE = "escrow", "refund", "reward", "fee"
_OWN: dict[str, type[Mint] | type[Burn] | type[Transfer]] = {
    "credits.mint": Mint,
    "credits.burn": Burn,
    "credits.transfer": Transfer,
}


class Purpose(NamedTuple):
    """What a move was for; ids are empty where there is none."""

    kind: str
    amount: int
    order_id: bytes = b""
    lot_id: bytes = b""


class Place(NamedTuple):
    """A receipt's event: the block's height, the transaction's place, the event's place in the receipt."""

    height: int
    position: int
    number: int


class Purposes:
    """Finds what the moves of one ledger were for."""

    def __init__(self, ledger: str, node: NodeClient) -> None:
        self._ledger = ledger
        self._node = node

    def of(self, tx: Transaction, receipt: Receipt, place: Place) -> Purpose:
        """What the move at a place was for."""
        event = receipt.events[place.number]
        cause = place.number - 1
        while cause >= 0 and receipt.events[cause].kind == MOVED:
            cause -= 1
        if event.kind != MOVED or cause < 0:
            kind = {"credits.minted": "mint", "credits.burnt": "burn"}.get(event.kind, "transfer")
            args_type = _OWN.get(tx.call)
            return Purpose(kind, decode(args_type, tx.args).amount if args_type else 0)
        before = receipt.events[cause]
        if tx.call == FUND_TRAINING:
            paid = decode(FundTraining, tx.args)
            return Purpose(ESCROW, sum(line.price for line in paid.lines) + paid.bonus)
        first = place.number - cause == 1
        found = {"order": self._order, "service": self._service}.get(before.kind.split(".")[0])
        if found is not None:
            return found(before, first)
        return self._training(before, event, place._replace(number=cause))

    def _order(self, before: Event, first: bool) -> Purpose:
        row = self._row(ORDERS, before.subjects[0])
        if row is None:
            return Purpose("transfer", 0)
        return _priced(before.kind.split(".")[1], first, row.price, row.fee, row.order_id, row.lot_id)

    def _service(self, before: Event, first: bool) -> Purpose:
        row = self._row(MONEY, before.subjects[0])
        if row is None:
            return Purpose("transfer", 0)
        return _priced(before.kind.split(".")[1], first, row.price, row.fee, row.service_order, b"")

    def _training(self, before: Event, event: Event, cause: Place) -> Purpose:
        if before.kind == "training.pool_ended":
            pool = self._row(POOLS, before.subjects[0])
            return Purpose(REFUND, pool.amount - pool.paid if pool else 0)
        row = self._row(TRAININGS, before.subjects[0])
        if row is None:
            return Purpose("transfer", 0)
        ids = row.order_id, row.lot_id
        if before.kind == "training.bonus_paid":
            bonus = self._row(BONUSES, row.order_id)
            return Purpose(REWARD, bonus.amount if bonus else 0, *ids)
        if before.kind != ROUND_PAID:
            return Purpose(REFUND, row.price - row.released, *ids)
        count = self._rounds_until(row, cause)
        share, fee = _share(row, count)
        is_reward = event.subjects[-1] == row.payee
        return Purpose(REWARD if is_reward else FEE, share - fee if is_reward else fee, *ids)

    def _rounds_until(self, row: TrainingRow, place: Place) -> int:
        """How many rounds of a licence were paid up to and with a place."""
        paid = EventIndex.objects.using(ALIAS).filter(ledger_id=self._ledger, subject=row.order_id, kind=ROUND_PAID)
        here = Q(height=place.height, position=place.position, number__lte=place.number)
        here |= Q(height=place.height, position__lt=place.position)
        return paid.filter(here | Q(height__lt=place.height)).count()

    def _row(self, table: Table[R], key: bytes) -> R | None:
        data = self._node.get(self._ledger, table.name, key)
        return None if data is None else decode(table.row, data)


def _priced(step: str, first: bool, price: int, fee: int, order_id: bytes, lot_id: bytes) -> Purpose:
    """A move of something that is paid whole, or goes back whole."""
    if step == "settled":
        return Purpose(REWARD, price - fee, order_id, lot_id) if first else Purpose(FEE, fee, order_id, lot_id)
    return Purpose(ESCROW if step == "funded" else REFUND, price, order_id, lot_id)


def _share(row: TrainingRow, count: int) -> tuple[int, int]:
    """The share of a licence's n-th paid round, and the operator's part of it."""
    before, after = row.released_after(count - 1), row.released_after(count)
    return after - before, row.fee_within(after) - row.fee_within(before)
