"""Raw readings beside what would leave of them, for the owner's preview."""

from __future__ import annotations

from households.consensus.readings import segment_parse
from households.home.models import StoredSegment
from households.models import HOME, Device
from households.privacy.classes import quantity_of

READINGS_MAX = 4_000


def raw_window(*, device: Device, quantity: str, from_ms: int, until_ms: int) -> list[tuple[int, float]]:
    """A device's readings of one quantity that wait for the next batch, as (t_ms, value in units), times rising.

    Only those from ``from_ms`` on and before ``until_ms``, at most some 4,000.
    """
    scale = 10 ** quantity_of(device.device_class, quantity).decimals
    rows = StoredSegment.objects.using(HOME).filter(
        series__device=device, series__quantity=quantity, batch_key=None, last_ms__gte=from_ms, first_ms__lt=until_ms
    )
    found: list[tuple[int, float]] = []
    for raw in rows.order_by("first_sequence").values_list("raw", flat=True):
        segment = segment_parse(bytes(raw)).segment
        found += [
            (t_ms, value / scale)
            for t_ms, value in zip(segment.times_ms, segment.values, strict=True)
            if from_ms <= t_ms < until_ms
        ]
        if len(found) >= READINGS_MAX:
            break
    return sorted(found)[:READINGS_MAX]
