"""What the hub tells its agents: who they are to the home, blocks, the open proposal, a batch in parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from chain.contracts.devices.rows import VOTE
from chain.core.codec import encode
from households.consensus import messages
from households.consensus.errors import DeviceLacksPermission
from households.errors import DeviceRefused, HouseholdHalted, ProposalUnknown
from households.models import HOME, Batch, BlockProposal, Candidate, Device, HomeWallet, Household
from households.services.devices import MEMBERS, device_accept
from households.services.ledgers import device_ledger
from households.services.members import device_may
from households.services.pairing import Known
from households.uploads.services.contents import batch_segments
from households.uploads.services.intake import next_sequences

BLOCKS_AT_ONCE = 64
KEY_BYTES = 33


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a device learns after its proof: a welcome, or why it must wait."""

    welcome: messages.Welcome | None
    device: Device | None
    waiting: str = ""


def household_find(household_id: str) -> Household | None:
    """The home of an id in a URL, or None."""
    return Household.objects.using(HOME).filter(pk=household_id).first()


def challenge_for(household: Household, nonce: bytes, now_ms: int) -> messages.Challenge:
    """A fresh challenge for one connection."""
    with device_ledger(household) as ledger:
        return messages.Challenge(household.ledger, ledger.genesis_hash, nonce, now_ms)


def greet(household: Household, known: Known) -> Greeting:
    """Welcome an enrolled device; let one in whose code opens it the door; tell the others what they wait for.

    Raises ``DeviceRefused`` when the owner ended its membership or did not let it in.
    """
    device = known.device
    if device is None and known.candidate is not None:
        if known.accept_now and known.candidate.state == Candidate.State.WAITING:
            device_accept(candidate=known.candidate)
        return greet_again(household, bytes(known.candidate.public_key))
    if device is None:
        raise DeviceRefused()
    return greet_again(household, bytes(device.identity_key))


def greet_again(household: Household, public_key: bytes) -> Greeting:
    """The same question later, when something changed: is the device in by now?"""
    device = Device.objects.using(HOME).filter(household=household, identity_key=public_key).first()
    if device is None:
        candidate = Candidate.objects.using(HOME).filter(household=household, public_key=public_key).first()
        if candidate is None or candidate.state == Candidate.State.REFUSED:
            raise DeviceRefused()
        accepted = candidate.state == Candidate.State.ACCEPTED
        return Greeting(None, None, "Waiting for the home's devices." if accepted else "Waiting for the owner's yes.")
    if device.status == Device.Status.JOINING:
        return Greeting(None, device, "Waiting for the home's devices to vote.")
    if device.status not in MEMBERS:
        raise DeviceRefused("The device is no longer part of this home")
    return Greeting(welcome_for(household, device), device)


def member_again(household: Household, public_key: bytes) -> Device:
    """The device's row as it is now; raises ``DeviceRefused`` if the key is no member's any more."""
    rows = Device.objects.using(HOME).select_related("household")
    found = rows.filter(household=household, identity_key=public_key, status__in=MEMBERS).first()
    if found is None:
        raise DeviceRefused("The device is no longer part of this home")
    return found


def welcome_for(household: Household, device: Device) -> messages.Welcome:
    """All that an agent needs to work: its certificate and account, the keys to pin, and where it left off."""
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    with device_ledger(household) as ledger:
        genesis, height = encode(ledger.genesis), ledger.height
    return messages.Welcome(
        device_id=bytes(device.device_id),
        account=bytes(device.account),
        certificate=bytes(device.certificate),
        authority=bytes(wallet.authority_der),
        hub_key=bytes(wallet.hub_key),
        genesis=genesis,
        head_height=height,
        next_sequences=next_sequences(device),
        interval_ms=household.interval_ms,
        upload_ms=household.upload_ms,
    )


def device_connected(*, device: Device, connection: str) -> bool:
    """Let a connection speak for a device; a newer one takes over from an older one. False if the device is gone."""
    rows = Device.objects.using(HOME).filter(pk=device.pk, status__in=MEMBERS)
    return rows.update(connected=connection, last_seen_at=timezone.now()) == 1


def device_disconnected(*, device: Device, connection: str) -> None:
    """A connection ended; if it was the device's last, the device is offline."""
    with transaction.atomic(using=HOME):
        Device.objects.using(HOME).filter(pk=device.pk, connected=connection).update(
            connected="", last_seen_at=timezone.now()
        )


def blocks_after(household: Household, height: int) -> list[bytes]:
    """The encoded blocks after a height, oldest first, at most ``BLOCKS_AT_ONCE``."""
    with device_ledger(household) as ledger:
        store = ledger.store
    if height >= store.height():  # whatever number an agent names, the database is not asked for a larger one
        return []
    found = []
    for number, raw in store.rows(height + 1):
        if number > height + BLOCKS_AT_ONCE:
            break
        found.append(raw)
    return found


def proposal_for(household: Household, voter: bytes) -> bytes | None:
    """The open proposal as it was signed, if the key may vote on it. A halted home sends none."""
    home = Household.objects.using(HOME).get(pk=household.pk)
    if home.state == Household.State.HALTED:
        return None
    rows = BlockProposal.objects.using(HOME).filter(household=household, state=BlockProposal.State.OPEN)
    row = rows.values_list("signed", "judges").first()
    if row is None:
        return None
    judges = bytes(row[1])
    may_vote = voter in {judges[at : at + KEY_BYTES] for at in range(0, len(judges), KEY_BYTES)}
    return bytes(row[0]) if may_vote else None


def batch_parts(
    household: Household, device: Device, fetch: messages.BatchFetch
) -> Iterator[messages.BatchHead | messages.BatchPart | messages.BatchEnd]:
    """The batch of an open proposal, in messages. Only devices that may vote get to see the others' readings.

    Raises ``ProposalUnknown``, ``DeviceLacksPermission``, ``HouseholdHalted``.
    """
    if household.state == Household.State.HALTED:
        raise HouseholdHalted()
    if not device_may(device, VOTE):
        raise DeviceLacksPermission()
    rows = BlockProposal.objects.using(HOME).filter(household=household, state=BlockProposal.State.OPEN)
    if not rows.filter(height=fetch.height, round=fetch.round, batch_id=fetch.batch_id).exists():
        raise ProposalUnknown()
    batch = Batch.objects.using(HOME).get(household=household, batch_id=fetch.batch_id)
    segments = batch_segments(batch)
    yield messages.BatchHead(fetch.batch_id, bytes(batch.terms), len(segments))
    yield from _parts(fetch.batch_id, segments)
    yield messages.BatchEnd(fetch.batch_id)


def _parts(batch_id: bytes, segments: list[bytes]) -> Iterator[messages.BatchPart]:
    first, size = 0, 0
    for index, raw in enumerate(segments):
        if size + len(raw) > messages.MAX_PART_BYTES and index > first:
            yield messages.BatchPart(batch_id, first, tuple(segments[first:index]))
            first, size = index, 0
        size += len(raw)
    if first < len(segments):
        yield messages.BatchPart(batch_id, first, tuple(segments[first:]))
