"""The home's own readings for the home's own use: no licence, no batch and no lot is needed to look at them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np

from fedlearn.learners.table import DAY_MS, NotSuited, RawSeries, Table, Template
from households.consensus.readings import segment_parse
from households.home.models import Series, StoredSegment
from households.learning.source import utc_offset_min
from households.models import HOME, Device, Household
from households.privacy.classes import quantity_of

DAYS_BACK: Final = 400
READINGS_MAX: Final = 4_000_000
SEGMENTS_AT_ONCE: Final = 512
HERE: Final = (Device.Status.ACTIVE,)


def suits(household: Household, template: Template) -> bool:
    """Whether the home measures all that the task reads, as far as can be told without reading it."""
    rows = Series.objects.using(HOME).filter(device__household=household, device__status__in=HERE, readings__gt=0)
    measured = set(rows.values_list("device__device_class", "quantity"))
    return all(need.optional or measured.intersection(need.sources) for need in template.needs)


def table_of(household: Household, template: Template, now: datetime) -> Table | NotSuited:
    """The task's table of this home's readings: the 400 days before the newest one."""
    return template.build(_series(household, template), utc_offset_min(household, now))


def _series(household: Household, template: Template) -> list[RawSeries]:
    wanted = {source for need in template.needs for source in need.sources}
    rows = Series.objects.using(HOME).filter(device__household=household, device__status__in=HERE, readings__gt=0)
    chosen = [
        row
        for row in rows.select_related("device").order_by("device__account_index", "quantity")
        if (row.device.device_class, row.quantity) in wanted
    ]
    from_ms = max((row.last_ms for row in chosen), default=0) - DAYS_BACK * DAY_MS
    found, left = [], READINGS_MAX
    for row in chosen:
        if row.readings <= left:
            left -= row.readings
            found.append(_raw_series(row, from_ms))
    return [series for series in found if len(series.times_ms)]


def _raw_series(row: Series, from_ms: int) -> RawSeries:
    times, values = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    kept = StoredSegment.objects.using(HOME).filter(series=row, last_ms__gte=from_ms).order_by("first_sequence")
    for raw in kept.values_list("raw", flat=True).iterator(chunk_size=SEGMENTS_AT_ONCE):
        segment = segment_parse(bytes(raw)).segment
        times.append(np.array(segment.times_ms, dtype=np.int64))
        values.append(np.array(segment.values, dtype=np.int64))
    in_order, first = np.unique(np.concatenate(times), return_index=True)
    decimals = quantity_of(row.device.device_class, row.quantity).decimals
    return RawSeries(
        device_class=row.device.device_class,
        quantity=row.quantity,
        times_ms=in_order,
        values=np.concatenate(values)[first] / 10.0**decimals,
    )
