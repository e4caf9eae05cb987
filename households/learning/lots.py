"""Which of the home's lots may be learnt from: approved by the devices, on the shared ledger, under a training licence.

A lot that has been taken off the market still serves the licences that were paid for before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from chain.contracts.devices import may
from chain.contracts.devices.rows import TRAIN
from households.learning.errors import LotNotForTraining
from households.models import HOME, Batch, Household, Lot
from households.services.ledgers import device_ledger
from marketplace.common.licences import TRAINING, texts

ON_LEDGER = (Lot.State.LISTED, Lot.State.LEAVING, Lot.State.GONE)
Present = frozenset[tuple[str, str]]
CERTIFIED = (Batch.State.CERTIFIED, Batch.State.DONE)


def lots_for_training(household: Household, *, offered: bool = False) -> QuerySet[Lot]:
    """The home's lots with a training licence that are anchored, newest first; ``offered``: those on offer now.

    Only lots of certified batches whose preview matched the ledger; those of rejected series never get that far.
    """
    licences = [text.digest for text in texts() if text.kind == TRAINING]
    states = (Lot.State.LISTED,) if offered else ON_LEDGER
    rows = Lot.objects.using(HOME).filter(household=household, state__in=states, licence__in=licences)
    rows = rows.filter(anchored_height__gt=0, batch__state__in=CERTIFIED).select_related("device", "batch")
    return rows.order_by("-batch__number", "device__account_index", "quantity")


def lots_licensed(household: Household, lot_ids: Iterable[bytes], classes: Collection[str]) -> list[Lot]:
    """The home's lots that a job was licensed for (ids of 32 bytes), of the allowed classes, newest first.

    Lots of devices that no longer have the permission to train, or are in quarantine or gone, are left out. Raises
    ``LotNotForTraining`` if a lot is not this home's, not anchored, or under another licence.
    """
    wanted = set(lot_ids)
    found = list(lots_for_training(household).filter(lot_id__in=wanted))
    if {bytes(lot.lot_id) for lot in found} != wanted:
        raise LotNotForTraining
    trainable = devices_for_training(household, found)
    return [lot for lot in found if lot.device_id in trainable and lot.device.device_class in classes]


def quantities_present(household: Household, *, offered: bool = False) -> Present:
    """The (device class, quantity) of which the home has lots to learn from."""
    return frozenset((lot.device.device_class, lot.quantity) for lot in _trainable(household, offered))


def classes_present(household: Household, *, offered: bool = False) -> frozenset[str]:
    """The device classes of which the home has lots to learn from."""
    return frozenset(name for name, _ in quantities_present(household, offered=offered))


@dataclass(frozen=True, slots=True)
class Stock:
    """How many lots of a device class are on offer for training, and how many rows they hold."""

    device_class: str
    lots: int = 0
    rows: int = 0


def stock_of(household: Household) -> list[Stock]:
    """What is on offer for training, by device class."""
    found: dict[str, Stock] = {}
    for lot in _trainable(household, True):
        name = lot.device.device_class
        known = found.get(name, Stock(name))
        found[name] = Stock(name, known.lots + 1, known.rows + lot.record_count)
    return [found[name] for name in sorted(found)]


def _trainable(household: Household, offered: bool) -> list[Lot]:
    rows = list(lots_for_training(household, offered=offered))
    devices = devices_for_training(household, rows)
    return [lot for lot in rows if lot.device_id in devices]


def devices_for_training(household: Household, lots: Iterable[Lot]) -> set[object]:
    """Which of the lots' devices the home's ledger lets be learnt from: active, and permitted by the owner."""
    devices = {lot.device_id: bytes(lot.device.device_id) for lot in lots}
    if not devices:
        return set()
    with device_ledger(household) as ledger:
        return {key for key, device_id in devices.items() if may(ledger.state, device_id, TRAIN)}
