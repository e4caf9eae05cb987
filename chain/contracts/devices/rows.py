"""What the contract of a home's device ledger takes and keeps. It lives in the home; nothing of it is published."""

from __future__ import annotations

from typing import Annotated

import msgspec

from chain.core.state import Table
from chain.core.types import Address, Hash, Name, PublicKey, Record, Signature, Uint, Validator

# What a device may do: bits of ``permissions``.
VOTE = 1
READ = 2
UPLOAD = 4
SELL = 8
TRAIN = 16
ALL_PERMISSIONS = VOTE | READ | UPLOAD | SELL | TRAIN

# States of a device.
ACTIVE = "ACTIVE"
QUARANTINED = "QUARANTINED"
LEFT = "LEFT"
REVOKED = "REVOKED"

DOUBLE_VOTE = "double_vote"
EVIDENCE_MAX_BYTES = 16_384
BATCH_LOTS_MAX = 1024
VOTERS_MAX = 100

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
ReasonCode = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,31}$")]
Permissions = Annotated[int, msgspec.Meta(ge=0, le=ALL_PERMISSIONS)]
Account = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Bridge = Annotated[bytes, msgspec.Meta(max_length=20)]


class Join(Record):
    """The owner enrols a device: its identity key and certificate, its micro-wallet's account, what and where it is.

    ``voter`` says that it runs an agent that can vote; ``bridge`` is the id of the device that speaks for one that
    can't sign (else empty). ``failure_domain`` is the host or bridge it fails with; empty means its own.
    """

    identity_key: PublicKey
    fingerprint: Hash
    wallet_account: Account
    device_class: Text
    area: Name
    failure_domain: Name
    voter: bool
    bridge: Bridge
    permissions: Permissions


class Rotate(Record):
    """The owner replaces a device's key and certificate."""

    device: Address
    identity_key: PublicKey
    fingerprint: Hash


class SetPermissions(Record):
    """The owner says what a device may do."""

    device: Address
    permissions: Permissions


class Leave(Record):
    """The device itself, or the owner, ends its membership."""

    device: Address


class Revoke(Record):
    """The owner ends a device's membership against its will."""

    device: Address
    reason: ReasonCode


class Quarantine(Record):
    """Hub or owner suspends a device. For ``double_vote`` the evidence is an encoded ``DoubleVote`` and is checked."""

    device: Address
    reason: ReasonCode
    evidence: Annotated[bytes, msgspec.Meta(max_length=EVIDENCE_MAX_BYTES)]


class Readmit(Record):
    """The owner ends a quarantine."""

    device: Address


class Recover(Record):
    """The master key names the voters after the old ones were silent for too long."""

    voters: Annotated[tuple[Address, ...], msgspec.Meta(max_length=VOTERS_MAX)]


class BatchLot(Record):
    """One series of a batch as it may leave: its device, and its roots under the lot's and under the batch's salt."""

    series_id: Hash
    device: Address
    plain_root: Hash
    batch_root: Hash


class CloseBatch(Record):
    """The hub closes a batch; the block's votes are its quorum certificate."""

    batch_id: Hash
    readings_root: Hash
    lots: Annotated[tuple[BatchLot, ...], msgspec.Meta(max_length=BATCH_LOTS_MAX)]


class SeenVote(Record):
    """What one vote of a voter signed, besides height and round."""

    previous: Hash
    block_hash: Hash
    extra: bytes
    signature: Signature


class DoubleVote(Record):
    """Two different votes under one key at one height and round: proof that the voter is faulty."""

    voter: PublicKey
    height: Uint
    round: Uint
    first: SeenVote
    second: SeenVote


class DeviceRow(Record):
    """A device. Its id, the key of this row, is the address of its first identity key and stays through rotations."""

    device_id: Address
    identity_key: PublicKey
    fingerprint: Hash
    wallet_account: Account
    device_class: str
    area: str
    failure_domain: str
    voter: bool
    bridge: bytes
    permissions: Permissions
    status: str
    joined_height: Uint
    changed_height: Uint
    reason: str = ""


class Owner(Record):
    """Which device a key, fingerprint or account belongs to, or once belonged to."""

    device: Address


class Membership(Record):
    """The voters of the next block and the height of the last change. ``recovering`` holds from a ``recover`` until the
    new voters have closed a batch: so long every label is ``self-attested``."""

    voters: tuple[Validator, ...] = ()
    changed_height: Uint = 0
    recovering: bool = False


class BlockTimes(Record):
    """The times of the last two blocks, to know how long the voters were silent."""

    previous_ms: Uint
    current_ms: Uint


class BatchRow(Record):
    """A batch that the home's quorum let leave."""

    height: Uint
    time_ms: Uint
    readings_root: Hash
    lots: tuple[BatchLot, ...]


DEVICES: Table[DeviceRow] = Table("devices.devices", DeviceRow)
KEYS: Table[Owner] = Table("devices.keys", Owner)
FINGERPRINTS: Table[Owner] = Table("devices.fingerprints", Owner)
ACCOUNTS: Table[Owner] = Table("devices.accounts", Owner)
MEMBERSHIP: Table[Membership] = Table("devices.membership", Membership)
BLOCK_TIMES: Table[BlockTimes] = Table("devices.block_times", BlockTimes)
HOME_BATCHES: Table[BatchRow] = Table("devices.batches", BatchRow)
