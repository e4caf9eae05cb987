"""Devices as the owner's pages show them: what they measure, whether they are heard, what is wrong if anything is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Sum

from chain.contracts.devices.rows import SELL, UPLOAD
from households.models import HOME, Device, Household, Lot, MembershipChange, RefusalCount
from households.selectors.devices import changes_open, devices
from households.selectors.pages_votes import silent_voters
from households.services.households import consent_present
from households.services.rules import terms_of
from households.uploads.selectors import HOUR_MS, SeriesView, series_views
from marketplace.common.types import to_ms

LEAST_PATIENCE_MS = 45_000
PATIENCE_PERIODS = 4
RECENT_BATCHES = 3
HERE = (Device.Status.ACTIVE, Device.Status.QUARANTINED, Device.Status.JOINING)


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """One device.

    ``presence`` is joining, online, silent, offline, quarantined, left or revoked. ``trouble`` is the code of the
    latest rejection while rejections go on; ``votes_missing`` that it voted on none of the last batches. ``sharing``
    says that its readings may leave with the next batch, ``class_shared`` that the rule of its class would let them.
    """

    device: Device
    presence: str
    series: tuple[SeriesView, ...]
    last_ms: int
    earned: int
    class_shared: bool
    sharing: bool
    change: MembershipChange | None
    trouble: str
    trouble_quantity: str
    votes_missing: bool

    @property
    def gone(self) -> bool:
        return self.device.status not in HERE

    @property
    def may_leave_home(self) -> bool:
        """Whether the device itself has both permissions that sharing takes."""
        return self.device.permissions & (UPLOAD | SELL) == UPLOAD | SELL


def device_cards(household: Household, now: datetime, *, gone: bool = False, spark: bool = True) -> list[DeviceCard]:
    """The devices of a home in the order of their accounts, with the points of the last hour if ``spark``.

    Those that left or were revoked are there only if ``gone``.
    """
    since = to_ms(now) - HOUR_MS if spark else None
    series: dict[str, list[SeriesView]] = defaultdict(list)
    for view in series_views(household, since_ms=since):
        series[view.device_id].append(view)
    rows = devices(household) if gone else devices(household).filter(status__in=HERE)
    facts = _Facts(household, now)
    return [facts.card(device, tuple(series[str(device.pk)])) for device in rows]


def device_card(device: Device, now: datetime) -> DeviceCard:
    """One device, with the points of the last hour."""
    views = series_views(device.household, since_ms=to_ms(now) - HOUR_MS, device=device)
    return _Facts(device.household, now).card(device, tuple(views))


def device_refusals(device: Device) -> list[RefusalCount]:
    """What was refused or rejected of a device, most readings first."""
    rows = RefusalCount.objects.using(HOME).filter(household=device.household, device=device)
    return list(rows.order_by("-readings", "code"))


class _Facts:
    """What all cards of a home need, read once."""

    def __init__(self, household: Household, now: datetime) -> None:
        self.household = household
        self.now_ms = to_ms(now)
        self.patience_ms = max(LEAST_PATIENCE_MS, PATIENCE_PERIODS * max(household.interval_ms, household.upload_ms))
        self.terms = terms_of(household)
        self.consent = consent_present(household)
        self.changes = {change.device_id: change for change in changes_open(household)}
        self.silent = silent_voters(household)
        lots = Lot.objects.using(HOME).filter(household=household).order_by()
        self.earned = dict(lots.values_list("device_id").annotate(total=Sum("earned")))
        self.rejected = self._rejected()

    def card(self, device: Device, series: tuple[SeriesView, ...]) -> DeviceCard:
        terms = self.terms.get(device.device_class)
        class_shared = bool(terms and terms.share and self.consent)
        allowed = device.permissions & (UPLOAD | SELL) == UPLOAD | SELL
        last_ms = max((view.last_ms for view in series), default=0)
        presence = self._presence(device, last_ms)
        quantity, code = self.rejected.get(device.pk, ("", ""))
        return DeviceCard(
            device=device,
            presence=presence,
            series=series,
            last_ms=last_ms,
            earned=self.earned.get(device.pk) or 0,
            class_shared=class_shared,
            sharing=class_shared and allowed and device.status == Device.Status.ACTIVE,
            change=self.changes.get(device.pk),
            trouble=device.quarantine_code or (code if device.score_bad_run else ""),
            trouble_quantity=quantity,
            votes_missing=bytes(device.identity_key) in self.silent,
        )

    def _presence(self, device: Device, last_ms: int) -> str:
        if device.status != Device.Status.ACTIVE:
            return str(device.status)
        if not device.connected:
            return "offline"
        since = last_ms or (to_ms(device.joined_at) if device.joined_at else self.now_ms)
        return "silent" if self.now_ms - since > self.patience_ms else "online"

    def _rejected(self) -> dict[object, tuple[str, str]]:
        """The newest rejection of each device in the last batches, as (quantity, code)."""
        lots = Lot.objects.using(HOME).filter(household=self.household)
        newest = lots.aggregate(newest=Max("batch__number"))["newest"] or 0
        found: dict[object, tuple[str, str]] = {}
        recent = lots.filter(state=Lot.State.REJECTED, batch__number__gt=newest - RECENT_BATCHES)
        for lot in recent.order_by("batch__number"):
            found[lot.device_id] = (lot.quantity, lot.reject_code)
        return found
