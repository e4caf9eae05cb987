"""A home as its owner sees it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from chain.consensus.quorum import label_for, quorum_size
from households.errors import NoHousehold
from households.models import HOME, Activity, Batch, BlockProposal, Candidate, Device, Household, Lot, UploadSchedule
from households.privacy.classes import DEVICE_CLASSES
from households.services.members import home_membership
from households.services.rules import Terms, terms_of


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures at the top of the owner's first page. ``earned`` and ``balance`` are credits."""

    household: Household
    devices: int
    devices_online: int
    devices_quarantined: int
    waiting: int
    voters: int
    quorum: int
    label: str
    lots_listed: int
    batches_open: int
    held: bool
    earned: int
    balance: int


def owner_home(owner_id: int) -> Household | None:
    """The owner's home, or None."""
    return Household.objects.using(HOME).filter(owner_id=owner_id).first()


def home_of(owner_id: int) -> Household:
    """The owner's home; raises ``NoHousehold``."""
    found = owner_home(owner_id)
    if found is None:
        raise NoHousehold()
    return found


def overview(household: Household) -> Overview:
    """The figures of a home."""
    devices = Device.objects.using(HOME).filter(household=household)
    living = devices.filter(status__in=(Device.Status.ACTIVE, Device.Status.QUARANTINED))
    lots = Lot.objects.using(HOME).filter(household=household)
    sums = lots.values_list("earned", "balance")
    voters = home_membership(household).voter_count
    going = (Batch.State.CLOSED, Batch.State.PREPARED, Batch.State.PROPOSED, Batch.State.CERTIFIED)
    return Overview(
        household=household,
        devices=living.count(),
        devices_online=living.exclude(connected="").count(),
        devices_quarantined=living.filter(status=Device.Status.QUARANTINED).count(),
        waiting=Candidate.objects.using(HOME).filter(household=household, state="waiting").count(),
        voters=voters,
        quorum=quorum_size(voters),
        label=label_for(voters),
        lots_listed=lots.filter(state=Lot.State.LISTED).count(),
        batches_open=Batch.objects.using(HOME).filter(household=household, state__in=going).count(),
        held=BlockProposal.objects.using(HOME).filter(household=household, state="open", held=True).exists(),
        earned=sum(earned for earned, _ in sums),
        balance=sum(balance for _, balance in sums),
    )


def activities(household: Household) -> QuerySet[Activity]:
    """The owner's log, newest first."""
    return Activity.objects.using(HOME).filter(household=household).select_related("device")


def schedule_of(household: Household) -> UploadSchedule | None:
    """When batches are closed."""
    return UploadSchedule.objects.using(HOME).filter(household=household).first()


def rules(household: Household) -> list[Terms]:
    """The owner's terms by class, those of classes in the home first; every class of the catalogue is there once."""
    own = terms_of(household)
    others = [Terms(name) for name in sorted(DEVICE_CLASSES) if name not in own]
    return [*own.values(), *others]
