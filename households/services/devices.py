"""What the owner does with devices. Each becomes a call to the device ledger, which decides; rows follow its blocks."""

from __future__ import annotations

import secrets
from datetime import timedelta
from itertools import chain, count

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from chain.contracts.devices import rows as calls
from chain.core.codec import decode, encode
from chain.core.types import Record
from chain.crypto.hashing import address_of
from chain.crypto.x509 import certificate_issue, certificate_read
from chain.wallets.hd import home_authority, micro_wallet
from households.consensus.messages import DeviceFactsAnnounced
from households.errors import CandidateUnknown, DeviceBusy, DeviceGone, DeviceNotQuarantined
from households.models import HOME, Candidate, Device, HomeWallet, Household, MembershipChange
from households.services.activity import activity_note
from households.services.nudges import ledger_nudge
from households.services.secrets import operational_of
from households.uploads.services.intake import series_begin
from marketplace.common.errors import InputError
from marketplace.common.types import from_ms, to_ms

CERTIFICATE_LIFE = timedelta(days=366)
CLOCK_SLACK = timedelta(minutes=5)
SERIAL_BYTES = 16
DEFAULT_PERMISSIONS = calls.ALL_PERMISSIONS
MEMBERS = (Device.Status.ACTIVE, Device.Status.QUARANTINED)
_OPEN = (MembershipChange.State.QUEUED, MembershipChange.State.PROPOSED)


def device_accept(
    *,
    candidate: Candidate,
    name: str = "",
    area: str | None = None,
    permissions: int = DEFAULT_PERMISSIONS,
    voter: bool = True,
) -> Device:
    """The owner lets a device in: certificate and micro-wallet are made, and a ``join`` (or ``rotate``) waits for
    its block.

    Raises ``CandidateUnknown`` if it was decided before, ``InputError``.
    """
    if permissions & ~calls.ALL_PERMISSIONS:
        raise InputError("There is no such permission")
    household = candidate.household
    facts = decode(DeviceFactsAnnounced, bytes(candidate.facts))
    certificate = _certificate(household, bytes(candidate.public_key), facts.failure_domain)
    with transaction.atomic(using=HOME):
        waiting = Candidate.objects.using(HOME).filter(pk=candidate.pk, state=Candidate.State.WAITING)
        if waiting.update(state=Candidate.State.ACCEPTED) != 1:
            raise CandidateUnknown()
        if candidate.replaces is not None:
            return _rotation_queue(candidate, certificate)
        device = _device_create(candidate, facts, certificate, name, area, permissions, voter)
        _queue(device, "devices.join", _join(device), fresh_certificate=certificate)
        activity_note(household=household, kind="device.accepted", topic="devices", device=device)
    return device


def device_rename(*, device: Device, name: str) -> None:
    """Give a device another name, which stays in the home. Raises ``InputError``."""
    if not 1 <= len(name.strip()) <= 60:
        raise InputError("A device's name has 1 to 60 characters")
    Device.objects.using(HOME).filter(pk=device.pk).update(name=name.strip())


def device_set_permissions(*, device: Device, permissions: int) -> MembershipChange:
    """Say what a device may do (bits of ``chain.contracts.devices.rows``). Raises ``DeviceGone``, ``DeviceBusy``."""
    if permissions & ~calls.ALL_PERMISSIONS or permissions < 0:
        raise InputError("There is no such permission")
    return _change(device, "devices.set_permissions", calls.SetPermissions(bytes(device.device_id), permissions))


def device_leave(*, device: Device) -> MembershipChange:
    """End a device's membership in peace. Raises ``DeviceGone``, ``DeviceBusy``."""
    return _change(device, "devices.leave", calls.Leave(bytes(device.device_id)))


def device_revoke(*, device: Device, reason: str = "owner") -> MembershipChange:
    """End a device's membership against its will. Raises ``DeviceGone``, ``DeviceBusy``."""
    return _change(device, "devices.revoke", calls.Revoke(bytes(device.device_id), reason))


def device_quarantine(*, device: Device, reason: str, evidence: bytes = b"") -> MembershipChange:
    """Suspend a device: no vote, no permission, until it is readmitted. Raises ``DeviceGone``, ``DeviceBusy``."""
    return _change(device, "devices.quarantine", calls.Quarantine(bytes(device.device_id), reason, evidence))


def device_readmit(*, device: Device) -> MembershipChange:
    """End a quarantine. Raises ``DeviceNotQuarantined``, ``DeviceBusy``."""
    if device.status != Device.Status.QUARANTINED:
        raise DeviceNotQuarantined()
    return _change(device, "devices.readmit", calls.Readmit(bytes(device.device_id)))


def account_public_key(household: Household, account_index: int) -> bytes:
    """The public key (33 bytes) of a device's micro-wallet."""
    return micro_wallet(operational_of(household), account_index).public_key


def _change(device: Device, call: str, args: Record) -> MembershipChange:
    if device.status not in MEMBERS:
        raise DeviceGone()
    with transaction.atomic(using=HOME):
        return _queue(device, call, args)


def _queue(device: Device, call: str, args: Record, fresh_certificate: bytes = b"") -> MembershipChange:
    """Let a call wait for its block; one for a device at a time, so that each meets the state it was meant for."""
    if MembershipChange.objects.using(HOME).filter(device=device, state__in=_OPEN).exists():
        raise DeviceBusy()
    change = MembershipChange.objects.using(HOME).create(
        household=device.household, device=device, call=call, args=encode(args), fresh_certificate=fresh_certificate
    )
    activity_note(household=device.household, kind=f"{call}.asked", topic="devices", device=device)
    ledger_nudge(device.household)
    return change


def _device_create(
    candidate: Candidate,
    facts: DeviceFactsAnnounced,
    certificate: bytes,
    name: str,
    area: str | None,
    permissions: int,
    voter: bool,
) -> Device:
    household = candidate.household
    last = Device.objects.using(HOME).filter(household=household).aggregate(last=Max("account_index"))["last"]
    index = 0 if last is None else last + 1
    read = certificate_read(certificate)
    device = Device.objects.using(HOME).create(
        household=household,
        device_id=address_of(bytes(candidate.public_key)),
        identity_key=bytes(candidate.public_key),
        name=name.strip() or _name_free(household, facts.model or facts.device_class),
        device_class=facts.device_class,
        model=facts.model,
        area=facts.area if area is None else area,
        failure_domain=read.failure_domain,
        voter=voter,
        permissions=permissions,
        certificate=certificate,
        fingerprint=read.fingerprint,
        certificate_until=from_ms(read.not_after_ms),
        account_index=index,
        account=address_of(account_public_key(household, index)),
    )
    series_begin(device=device, quantities=facts.quantities)
    return device


def _name_free(household: Household, wanted: str) -> str:
    """The wanted name, with a number if another device of the home has it."""
    taken = set(Device.objects.using(HOME).filter(household=household).values_list("name", flat=True))
    wanted = wanted[:56]
    numbered = (f"{wanted} {number}" for number in count(2))
    return next(name for name in chain([wanted], numbered) if name not in taken)


def _join(device: Device) -> calls.Join:
    return calls.Join(
        identity_key=bytes(device.identity_key),
        fingerprint=bytes(device.fingerprint),
        wallet_account=device.account_index,
        device_class=device.device_class,
        area=device.area,
        failure_domain=device.failure_domain,
        voter=device.voter,
        bridge=b"",
        permissions=device.permissions,
    )


def _rotation_queue(candidate: Candidate, certificate: bytes) -> Device:
    device = candidate.replaces
    if device is None or device.status not in MEMBERS:
        raise DeviceGone()
    args = calls.Rotate(
        device=bytes(device.device_id),
        identity_key=bytes(candidate.public_key),
        fingerprint=certificate_read(certificate).fingerprint,
    )
    _queue(device, "devices.rotate", args, fresh_certificate=certificate)
    return device


def _certificate(household: Household, public_key: bytes, failure_domain: str) -> bytes:
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    now = timezone.now()
    domain = failure_domain.lower() or f"device:{address_of(public_key)[:8].hex()}"
    return certificate_issue(
        home_authority(operational_of(household)).secret,
        bytes(wallet.authority_der),
        public_key,
        int.from_bytes(secrets.token_bytes(SERIAL_BYTES), "big") | 1,
        to_ms(now - CLOCK_SLACK),
        to_ms(now + CERTIFICATE_LIFE),
        domain,
    )
