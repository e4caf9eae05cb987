"""How many readings each series of a batch holds, and what was rejected of them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Sum

from households.consensus.tally import SeriesOutcome
from households.home.models import StoredSegment
from households.models import HOME, Batch, Device
from households.uploads.services.intake import refusals_count


def series_readings(batch: Batch) -> dict[tuple[bytes, str], int]:
    """Readings by (device id, quantity)."""
    rows = StoredSegment.objects.using(HOME).filter(batch_key=batch.readings_key).order_by()
    sums = rows.values_list("series__device__device_id", "series__quantity").annotate(total=Sum("readings"))
    return {(bytes(device_id), quantity): total for device_id, quantity, total in sums}


def rejected_count(batch: Batch, rejected: Iterable[SeriesOutcome], counts: dict[tuple[bytes, str], int]) -> None:
    """Add the readings of rejected series to the devices' counters, by reason."""
    for entry in rejected:
        device = Device.objects.using(HOME).filter(household=batch.household, device_id=entry.device_id).first()
        readings = counts.get((entry.device_id, entry.quantity), 0)
        refusals_count(household=batch.household, device=device, counts={entry.reason: (readings, 1)})
