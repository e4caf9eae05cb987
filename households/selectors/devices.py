"""Devices, the inbox, and what waits for a vote."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from chain.contracts.devices.rows import DEVICES, DeviceRow
from households.errors import CandidateUnknown, DeviceUnknown
from households.models import (
    HOME,
    BlockProposal,
    Candidate,
    Device,
    Household,
    MembershipChange,
    RefusalCount,
)
from households.services.ledgers import device_ledger

PERMISSION_NAMES = {"vote": 1, "read": 2, "upload": 4, "sell": 8, "train": 16}


def devices(household: Household) -> QuerySet[Device]:
    """All devices that ever were in the home, in the order of their accounts."""
    return Device.objects.using(HOME).filter(household=household).select_related("household")


def device_get(household: Household, device_id: uuid.UUID) -> Device:
    """One device of this home; raises ``DeviceUnknown`` also for another home's."""
    found = devices(household).filter(pk=device_id).first()
    if found is None:
        raise DeviceUnknown()
    return found


def device_on_ledger(device: Device) -> DeviceRow | None:
    """What the device ledger says of the device, or None while its block is waited for."""
    with device_ledger(device.household) as ledger:
        return ledger.state.get(DEVICES, bytes(device.device_id))


def candidates(household: Household) -> QuerySet[Candidate]:
    """The inbox: devices that wait for the owner's yes, newest first."""
    rows = Candidate.objects.using(HOME).filter(household=household, state=Candidate.State.WAITING)
    return rows.select_related("household", "replaces").order_by("-seen_at")


def candidate_get(household: Household, candidate_id: uuid.UUID) -> Candidate:
    """One that waits in this home's inbox; raises ``CandidateUnknown``."""
    found = candidates(household).filter(pk=candidate_id).first()
    if found is None:
        raise CandidateUnknown()
    return found


def changes_open(household: Household) -> QuerySet[MembershipChange]:
    """Changes that wait for their block, oldest first."""
    states = (MembershipChange.State.QUEUED, MembershipChange.State.PROPOSED)
    return MembershipChange.objects.using(HOME).filter(household=household, state__in=states).select_related("device")


def proposals(household: Household) -> QuerySet[BlockProposal]:
    """Proposals, newest first."""
    return BlockProposal.objects.using(HOME).filter(household=household).order_by("-created_at")


def refusals(household: Household) -> QuerySet[RefusalCount]:
    """How many readings were refused or rejected, by device and code, most first."""
    return RefusalCount.objects.using(HOME).filter(household=household).select_related("device").order_by("-readings")


def score_share(device: Device) -> float:
    """The expected share of good series of a device, 0 to 1."""
    return device.score_good / (device.score_good + device.score_bad)


def permission_names(bits: int) -> list[str]:
    """The names of the permissions in a bit set."""
    return [name for name, bit in PERMISSION_NAMES.items() if bits & bit]
