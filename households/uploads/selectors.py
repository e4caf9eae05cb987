"""What the owner, and nobody else, sees of raw readings: last values and the last hour of each series."""

from __future__ import annotations

from dataclasses import dataclass

from households.consensus.readings import segment_parse
from households.home.models import Series, StoredSegment
from households.models import HOME, Device, Household
from households.privacy.classes import Quantity, quantity_of, to_text

HOUR_MS = 3_600_000
POINTS_MAX = 120


@dataclass(frozen=True, slots=True)
class SeriesView:
    """One quantity of a device: the newest value as text, and points ``(t_ms, value)`` in units for a small chart."""

    device_id: str
    quantity: str
    unit: str
    readings: int
    last_ms: int
    last_text: str
    points: tuple[tuple[int, float], ...] = ()


def readings_total(household: Household) -> int:
    """How many readings the home has stored."""
    return sum(Series.objects.using(HOME).filter(device__household=household).values_list("readings", flat=True))


def readings_waiting(household: Household) -> int:
    """How many readings wait for the next batch."""
    rows = StoredSegment.objects.using(HOME).filter(household=household, batch_key=None)
    return sum(rows.values_list("readings", flat=True))


def series_views(
    household: Household, *, since_ms: int | None = None, device: Device | None = None
) -> list[SeriesView]:
    """The series of a home or a device; with ``since_ms`` each has its points since then, thinned to some 120."""
    rows = Series.objects.using(HOME).filter(device__household=household).select_related("device")
    if device is not None:
        rows = rows.filter(device=device)
    return [_view(row, since_ms) for row in rows.order_by("device__account_index", "quantity")]


def _view(row: Series, since_ms: int | None) -> SeriesView:
    quantity = quantity_of(row.device.device_class, row.quantity)
    return SeriesView(
        device_id=str(row.device_id),
        quantity=row.quantity,
        unit=row.unit,
        readings=row.readings,
        last_ms=row.last_ms,
        last_text="" if row.last_value is None else to_text(quantity, row.last_value),
        points=() if since_ms is None else _points(row, quantity, since_ms),
    )


def _points(row: Series, quantity: Quantity, since_ms: int) -> tuple[tuple[int, float], ...]:
    segments = StoredSegment.objects.using(HOME).filter(series=row, last_ms__gte=since_ms).order_by("last_ms")
    scale = 10**quantity.decimals
    found: list[tuple[int, float]] = []
    for raw in segments.values_list("raw", flat=True):
        segment = segment_parse(bytes(raw)).segment
        found += [
            (t_ms, value / scale)
            for t_ms, value in zip(segment.times_ms, segment.values, strict=True)
            if t_ms >= since_ms
        ]
    step = max(1, len(found) // POINTS_MAX)
    return tuple(found[::step])
