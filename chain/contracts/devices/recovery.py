"""Who judges a block, and what happens when the voters are dead."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chain.contracts.devices import errors as refused
from chain.contracts.devices.members import (
    device_get,
    is_voter,
    membership,
    membership_put,
    require_one_change,
)
from chain.contracts.devices.rows import (
    ACTIVE,
    BLOCK_TIMES,
    DEVICES,
    VOTE,
    BlockTimes,
    DeviceRow,
    Leave,
    Membership,
    Quarantine,
    Recover,
    Revoke,
)
from chain.core.codec import decode
from chain.core.errors import Malformed
from chain.core.state import State
from chain.core.types import Context, Event, Genesis, Transaction, Validator

RECOVER_AFTER_MS = 24 * 60 * 60 * 1000
_REMOVALS: dict[str, type[Leave] | type[Revoke] | type[Quarantine]] = {
    "devices.leave": Leave,
    "devices.revoke": Revoke,
    "devices.quarantine": Quarantine,
}
_TIMES_KEY = b""


def validators(genesis: Genesis, state: State) -> tuple[Validator, ...]:
    """The home's voters; before there are any, the owner."""
    voters = membership(state).voters
    return voters or (Validator(dict(genesis.roles)["owner"]),)


def judges(genesis: Genesis, state: State, transactions: Sequence[Transaction]) -> tuple[Validator, ...]:
    """Who votes on a block of these transactions.

    The voters, except: a block that only removes a device is judged without that device, and a block that only holds
    the master key's ``recover`` by that key, since the voters are dead. Both must stand alone in their block, so that
    nothing else rides on the smaller set.
    """
    voters = validators(genesis, state)
    if len(transactions) != 1:
        return voters
    tx = transactions[0]
    if tx.call == "devices.recover" and tx.sender == dict(genesis.roles).get("master"):
        return (Validator(tx.sender),)
    removed = _removed_key(state, tx)
    return tuple(voter for voter in voters if voter.key != removed) or voters


def begin_block(ctx: Context, state: State) -> None:
    """Keep the times of the last two blocks."""
    last = state.get(BLOCK_TIMES, _TIMES_KEY)
    previous_ms = last.current_ms if last else ctx.genesis.time_ms
    state.put(BLOCK_TIMES, _TIMES_KEY, BlockTimes(previous_ms=previous_ms, current_ms=ctx.time_ms))


def recover(ctx: Context, state: State, args: Recover) -> tuple[Event, ...]:
    """The master key names the voters, if no block was made for ``recover_after_ms``. Voters it does not name lose the
    permission to vote and stay members; labels are ``self-attested`` until the new voters have closed a batch."""
    if ctx.sender_key != ctx.roles.get("master"):
        raise refused.NotTheMasterKey
    require_one_change(ctx, state)
    times = state.get(BLOCK_TIMES, _TIMES_KEY)
    silent_ms = ctx.time_ms - (times.previous_ms if times else ctx.genesis.time_ms)
    if silent_ms < ctx.params.get("recover_after_ms", RECOVER_AFTER_MS):
        raise refused.VotersNotSilent
    chosen = [_fit(state, device_id) for device_id in args.voters]
    if len(set(args.voters)) != len(args.voters):
        raise refused.VoterUnfit
    for device_id, row in list(state.scan(DEVICES)):
        if is_voter(row) and device_id not in args.voters:
            _set_vote(ctx, state, row, row.permissions & ~VOTE)
    for row in chosen:
        _set_vote(ctx, state, row, row.permissions | VOTE)
    voters = tuple(Validator(row.identity_key, row.failure_domain) for row in chosen)
    membership_put(state, Membership(voters=voters, changed_height=ctx.height, recovering=True))
    return (Event(kind="devices.recovered", subjects=args.voters),)


def _fit(state: State, device_id: bytes) -> DeviceRow:
    row = device_get(state, device_id)
    if row.status != ACTIVE or not row.voter:
        raise refused.VoterUnfit
    return row


def _set_vote(ctx: Context, state: State, row: DeviceRow, permissions: int) -> None:
    new = msgspec.structs.replace(row, permissions=permissions, changed_height=ctx.height)
    state.put(DEVICES, row.device_id, new)


def _removed_key(state: State, tx: Transaction) -> bytes:
    args_type = _REMOVALS.get(tx.call)
    if args_type is None:
        return b""
    try:
        args = decode(args_type, tx.args)
    except Malformed:
        return b""
    row = state.get(DEVICES, args.device)
    return row.identity_key if row else b""
