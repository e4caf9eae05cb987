"""The members of a home as its device ledger says, and the projection of that truth onto the rows of devices."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from chain.contracts.devices import may
from chain.contracts.devices import rows as ledger_rows
from chain.contracts.devices.rows import DEVICES, DeviceRow
from chain.core.state import State
from households.consensus.errors import DeviceLacksPermission
from households.consensus.membership import Membership, membership_of
from households.models import HOME, Device, Household
from households.services.ledgers import device_ledger

_STATUS = {
    ledger_rows.ACTIVE: Device.Status.ACTIVE,
    ledger_rows.QUARANTINED: Device.Status.QUARANTINED,
    ledger_rows.LEFT: Device.Status.LEFT,
    ledger_rows.REVOKED: Device.Status.REVOKED,
}


def home_membership(household: Household) -> Membership:
    """Everybody whom the ledger knows at its newest block."""
    with device_ledger(household) as ledger:
        return membership_of(household.ledger, ledger.state)


def device_may(device: Device, permission: int) -> bool:
    """Whether the ledger lets the device do this now: it is active, permitted, and so is its bridge."""
    with device_ledger(device.household) as ledger:
        return may(ledger.state, bytes(device.device_id), permission)


def require_may(device: Device, permission: int) -> None:
    """Raise ``DeviceLacksPermission`` unless ``device_may``."""
    if not device_may(device, permission):
        raise DeviceLacksPermission()


def members_project(*, household: Household, state: State) -> None:
    """Make the rows of devices say what the ledger says. Running it again changes nothing."""
    now = timezone.now()
    with transaction.atomic(using=HOME):
        for device in Device.objects.using(HOME).filter(household=household):
            row = state.get(DEVICES, bytes(device.device_id))
            if row is None:
                continue
            changes = _changes(device, row)
            status = changes.get("status")
            if status == Device.Status.ACTIVE and device.joined_at is None:
                changes["joined_at"] = now
            if status in (Device.Status.LEFT, Device.Status.REVOKED):
                changes["ended_at"] = now
            if changes:
                Device.objects.using(HOME).filter(pk=device.pk).update(**changes)


def _changes(device: Device, row: DeviceRow) -> dict[str, object]:
    wanted: dict[str, object] = {
        "status": _STATUS[row.status],
        "identity_key": row.identity_key,
        "fingerprint": row.fingerprint,
        "permissions": row.permissions,
        "voter": row.voter,
        "area": row.area,
        "quarantine_code": row.reason if row.status == ledger_rows.QUARANTINED else "",
    }
    return {name: value for name, value in wanted.items() if _plain(getattr(device, name)) != value}


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value
