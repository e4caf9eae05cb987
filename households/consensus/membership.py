"""Who is in a home at one height, as its device ledger says, and who can be compared with whom."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from chain.contracts.devices.members import is_voter
from chain.contracts.devices.members import membership as members_row
from chain.contracts.devices.rows import ACTIVE, DEVICES, QUARANTINED, READ, UPLOAD, DeviceRow
from chain.core.finality import domain_count
from chain.core.state import State
from chain.core.types import Address, Name, PublicKey, Validator
from households.consensus.config import CheckConfig
from households.privacy.classes import DEVICE_CLASSES, Quantity


class Member(msgspec.Struct, frozen=True):
    """One device. ``signs_with`` is its own identity key or, for a device that cannot sign, its bridge's.

    ``bridge`` is the bridge's device id, or empty. ``active`` covers certificate and quarantine; ``may_vote`` and
    ``may_be_read`` are the permissions on the device ledger.
    """

    device_id: Address
    signs_with: PublicKey
    device_class: Name
    area: Name
    failure_domain: Name
    voter: bool = True
    bridge: bytes = b""
    active: bool = True
    may_be_read: bool = True
    may_be_uploaded: bool = True

    def quantity(self, name: str) -> Quantity | None:
        """What this device means by a quantity, or None if its class does not measure it."""
        entry = DEVICE_CLASSES.get(self.device_class)
        return next((quantity for quantity in entry.quantities if quantity.name == name), None) if entry else None


class Membership(msgspec.Struct, frozen=True, dict=True):
    """All devices of a home at one height of its ledger, in rising order of device id.

    ``recovering`` holds while a new set of voters has not closed a batch yet: so long labels are ``self-attested``.
    """

    ledger: Name
    members: tuple[Member, ...]
    recovering: bool = False

    @cached_property
    def by_id(self) -> Mapping[bytes, Member]:
        """The members by device id."""
        return {member.device_id: member for member in self.members}

    @cached_property
    def voters(self) -> tuple[Member, ...]:
        """Active devices that run an agent and hold their own key."""
        return tuple(member for member in self.members if member.active and member.voter)

    @cached_property
    def validators(self) -> tuple[Validator, ...]:
        """The voters as the ledger's validators, in rising order of key."""
        found = [Validator(member.signs_with, member.failure_domain) for member in self.voters]
        return tuple(sorted(found, key=lambda validator: validator.key))

    @property
    def voter_count(self) -> int:
        """How many voters the home has, those of one failure domain counted as one."""
        return domain_count(self.validators)

    def voter_of(self, device_id: bytes) -> Member | None:
        """Who votes with what this device knows: itself, or its bridge; None if neither is a voter."""
        member = self.by_id.get(device_id)
        if member is None or not member.active:
            return None
        found = member if member.voter else self.by_id.get(member.bridge)
        return found if found is not None and found.active and found.voter else None

    def comparable(self, device_id: bytes, quantity: str, config: CheckConfig) -> tuple[Member, ...]:
        """All registered, active devices that measure the same quantity in the same area, the device itself left
        out."""
        own = self.by_id.get(device_id)
        if own is None or config.cross_limit(quantity) is None:
            return ()
        return tuple(
            member
            for member in self.members
            if member.active
            and member.device_id != device_id
            and member.area == own.area
            and member.quantity(quantity) is not None
        )

    def speakers(self, device_id: bytes, quantity: str, config: CheckConfig) -> tuple[PublicKey, ...]:
        """For each registered comparable device the key of the voter that speaks for it; one that nobody speaks for
        stands with its own key, so that it counts among those that did not approve."""
        found = [(other, self.voter_of(other.device_id)) for other in self.comparable(device_id, quantity, config)]
        return tuple(voter.signs_with if voter else other.signs_with for other, voter in found)


def membership_of(ledger: str, state: State) -> Membership:
    """The home's devices as the state of its device ledger has them; those that have left or were revoked are gone."""
    rows = [row for _, row in state.scan(DEVICES) if row.status in (ACTIVE, QUARANTINED)]
    keys = {row.device_id: row.identity_key for row in rows}
    members = tuple(_member(row, keys) for row in sorted(rows, key=lambda row: row.device_id))
    return Membership(ledger, members, recovering=members_row(state).recovering)


def _member(row: DeviceRow, keys: Mapping[bytes, bytes]) -> Member:
    active = row.status == ACTIVE
    return Member(
        device_id=row.device_id,
        signs_with=keys.get(row.bridge, row.identity_key),
        device_class=row.device_class,
        area=row.area,
        failure_domain=row.failure_domain,
        voter=is_voter(row),
        bridge=row.bridge,
        active=active,
        may_be_read=active and bool(row.permissions & READ),
        may_be_uploaded=active and bool(row.permissions & UPLOAD),
    )
