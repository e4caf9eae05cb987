"""Who belongs to a home: joining, rotating, leaving, quarantine and recovery (protocols.md 1).

Membership changes by one a block, and each change is judged by the voters before it; it holds from the next block.
"""

from __future__ import annotations

import msgspec

from chain.contracts.devices import errors as refused
from chain.contracts.devices.rows import (
    ACCOUNTS,
    ACTIVE,
    DEVICES,
    DOUBLE_VOTE,
    FINGERPRINTS,
    KEYS,
    LEFT,
    MEMBERSHIP,
    QUARANTINED,
    REVOKED,
    VOTE,
    VOTERS_MAX,
    DeviceRow,
    DoubleVote,
    Join,
    Leave,
    Membership,
    Owner,
    Quarantine,
    Readmit,
    Revoke,
    Rotate,
    SeenVote,
    SetPermissions,
)
from chain.core.blocks import vote_message
from chain.core.codec import decode
from chain.core.errors import Malformed
from chain.core.state import State
from chain.core.types import Context, Event, Validator
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import is_point, verify

_MEMBERSHIP_KEY = b""


def membership(state: State) -> Membership:
    """The voters of the next block and when they changed."""
    return state.get(MEMBERSHIP, _MEMBERSHIP_KEY) or Membership()


def membership_put(state: State, row: Membership) -> None:
    """Write the voters."""
    state.put(MEMBERSHIP, _MEMBERSHIP_KEY, row)


def device_get(state: State, device_id: bytes) -> DeviceRow:
    """A device by its id; raises ``DeviceUnknown``."""
    row = state.get(DEVICES, device_id)
    if row is None:
        raise refused.DeviceUnknown
    return row


def device_of_key(state: State, identity_key: bytes) -> DeviceRow | None:
    """The device whose present identity key this is, or None."""
    owner = state.get(KEYS, identity_key)
    row = state.get(DEVICES, owner.device) if owner else None
    return row if row is not None and row.identity_key == identity_key else None


def may(state: State, device_id: bytes, permission: int) -> bool:
    """Whether a device is active, has the permission, and so is the bridge that speaks for it, if any."""
    row = state.get(DEVICES, device_id)
    if row is None or row.status != ACTIVE or not row.permissions & permission:
        return False
    bridge = state.get(DEVICES, row.bridge) if row.bridge else None
    return not row.bridge or (bridge is not None and bridge.status == ACTIVE)


def is_voter(row: DeviceRow) -> bool:
    """Whether the device counts among the voters."""
    return row.status == ACTIVE and row.voter and bool(row.permissions & VOTE)


def join(ctx: Context, state: State, args: Join) -> tuple[Event, ...]:
    """The owner enrols a device whose key, certificate and account are all new."""
    require_owner(ctx)
    require_one_change(ctx, state)
    _require_fresh(state, args.identity_key, args.fingerprint)
    account = args.wallet_account.to_bytes(4, "big")
    if state.get(ACCOUNTS, account) is not None:
        raise refused.AccountUsed
    _require_bridge(state, args)
    device_id = address_of(args.identity_key)
    row = DeviceRow(
        device_id=device_id,
        identity_key=args.identity_key,
        fingerprint=args.fingerprint,
        wallet_account=args.wallet_account,
        device_class=args.device_class,
        area=args.area,
        failure_domain=args.failure_domain,
        voter=args.voter,
        bridge=args.bridge,
        permissions=args.permissions,
        status=ACTIVE,
        joined_height=ctx.height,
        changed_height=ctx.height,
    )
    if is_voter(row) and len(membership(state).voters) >= VOTERS_MAX:
        raise refused.VotersFull
    state.put(ACCOUNTS, account, Owner(device=device_id))
    _bind(state, device_id, args.identity_key, args.fingerprint)
    return _put(ctx, state, None, row, "device.joined")


def rotate(ctx: Context, state: State, args: Rotate) -> tuple[Event, ...]:
    """The owner replaces key and certificate of an active device in one step; the old ones are never valid again."""
    require_owner(ctx)
    require_one_change(ctx, state)
    row = _active(state, args.device)
    _require_fresh(state, args.identity_key, args.fingerprint)
    _bind(state, args.device, args.identity_key, args.fingerprint)
    new = msgspec.structs.replace(row, identity_key=args.identity_key, fingerprint=args.fingerprint)
    return _put(ctx, state, row, new, "device.rotated")


def set_permissions(ctx: Context, state: State, args: SetPermissions) -> tuple[Event, ...]:
    """The owner sets what a device may do. Giving or taking a vote is a membership change, the rest is not."""
    require_owner(ctx)
    row = _active(state, args.device)
    if args.permissions == row.permissions:
        raise refused.PermissionsUnchanged
    new = msgspec.structs.replace(row, permissions=args.permissions)
    if is_voter(new) != is_voter(row):
        require_one_change(ctx, state)
        return _put(ctx, state, row, new, "device.permissions")
    state.put(DEVICES, args.device, msgspec.structs.replace(new, changed_height=ctx.height))
    return (_event("device.permissions", args.device),)


def leave(ctx: Context, state: State, args: Leave) -> tuple[Event, ...]:
    """A device, by its own key, or its owner ends the membership."""
    row = _member(state, args.device)
    if ctx.sender_key not in (row.identity_key, ctx.roles.get("owner")):
        raise refused.NotTheDevice
    require_one_change(ctx, state)
    return _put(ctx, state, row, msgspec.structs.replace(row, status=LEFT), "device.left")


def revoke(ctx: Context, state: State, args: Revoke) -> tuple[Event, ...]:
    """The owner ends the membership of a device, whatever the device says."""
    require_owner(ctx)
    row = _member(state, args.device)
    require_one_change(ctx, state)
    new = msgspec.structs.replace(row, status=REVOKED, reason=args.reason)
    return _put(ctx, state, row, new, "device.revoked")


def quarantine(ctx: Context, state: State, args: Quarantine) -> tuple[Event, ...]:
    """Hub or owner suspends a device: it has no vote and no permission until it is readmitted."""
    if ctx.sender_key not in (ctx.roles.get("hub"), ctx.roles.get("owner")):
        raise refused.NotTheHub
    row = _active(state, args.device)
    require_one_change(ctx, state)
    if args.reason == DOUBLE_VOTE:
        _require_double_vote(ctx, state, args)
    new = msgspec.structs.replace(row, status=QUARANTINED, reason=args.reason)
    return _put(ctx, state, row, new, "device.quarantined")


def readmit(ctx: Context, state: State, args: Readmit) -> tuple[Event, ...]:
    """The owner ends a quarantine."""
    require_owner(ctx)
    row = device_get(state, args.device)
    if row.status != QUARANTINED:
        raise refused.DeviceNotQuarantined
    require_one_change(ctx, state)
    new = msgspec.structs.replace(row, status=ACTIVE, reason="")
    return _put(ctx, state, row, new, "device.readmitted")


def require_owner(ctx: Context) -> None:
    """Raise ``NotTheOwner`` unless the owner signed."""
    if ctx.sender_key != ctx.roles.get("owner"):
        raise refused.NotTheOwner


def require_one_change(ctx: Context, state: State) -> None:
    """Raise ``OneMembershipChange`` if the membership changed in this block already."""
    if membership(state).changed_height == ctx.height:
        raise refused.OneMembershipChange


def _put(ctx: Context, state: State, old: DeviceRow | None, new: DeviceRow, kind: str) -> tuple[Event, ...]:
    """Write a device after a membership change, and the voters with it: a rotated voter keeps its place."""
    row = membership(state)
    voters = list(row.voters)
    place = len(voters)
    if old is not None and is_voter(old):
        place = [voter.key for voter in voters].index(old.identity_key)
        del voters[place]
    if is_voter(new):
        voters.insert(place, Validator(new.identity_key, new.failure_domain))
    state.put(DEVICES, new.device_id, msgspec.structs.replace(new, changed_height=ctx.height))
    changed = msgspec.structs.replace(row, voters=tuple(voters), changed_height=ctx.height)
    membership_put(state, changed)
    return (_event(kind, new.device_id),)


def _active(state: State, device_id: bytes) -> DeviceRow:
    row = device_get(state, device_id)
    if row.status != ACTIVE:
        raise refused.DeviceNotActive
    return row


def _member(state: State, device_id: bytes) -> DeviceRow:
    row = device_get(state, device_id)
    if row.status not in (ACTIVE, QUARANTINED):
        raise refused.DeviceGone
    return row


def _require_fresh(state: State, identity_key: bytes, fingerprint: bytes) -> None:
    if not is_point(identity_key):
        raise refused.IdentityKeyInvalid
    if state.get(KEYS, identity_key) is not None:
        raise refused.IdentityKeyUsed
    if state.get(FINGERPRINTS, fingerprint) is not None:
        raise refused.FingerprintUsed


def _require_bridge(state: State, args: Join) -> None:
    if not args.bridge:
        return
    bridge = state.get(DEVICES, args.bridge)
    if bridge is None or bridge.status != ACTIVE or bridge.bridge:
        raise refused.BridgeInvalid
    if args.voter:
        raise refused.BridgedVoter


def _bind(state: State, device_id: bytes, identity_key: bytes, fingerprint: bytes) -> None:
    state.put(KEYS, identity_key, Owner(device=device_id))
    state.put(FINGERPRINTS, fingerprint, Owner(device=device_id))


def _require_double_vote(ctx: Context, state: State, args: Quarantine) -> None:
    try:
        proof = decode(DoubleVote, args.evidence)
    except Malformed as fault:
        raise refused.EvidenceInvalid from fault
    owner = state.get(KEYS, proof.voter)
    votes = [_vote_digest(ctx, proof, vote) for vote in (proof.first, proof.second)]
    signed = all(
        verify(proof.voter, digest, vote.signature)
        for digest, vote in zip(votes, (proof.first, proof.second), strict=True)
    )
    if owner is None or owner.device != args.device or votes[0] == votes[1] or not signed:
        raise refused.EvidenceInvalid


def _vote_digest(ctx: Context, proof: DoubleVote, vote: SeenVote) -> bytes:
    ledger = ctx.genesis.ledger
    return vote_message(ledger, proof.height, proof.round, vote.previous, vote.block_hash, vote.extra)


def _event(kind: str, device_id: bytes) -> Event:
    return Event(kind=kind, subjects=(device_id,))
