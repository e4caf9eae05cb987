"""Who may do what on the shared ledger: its operators, the enterprises they accredit, and its validators.

The first operator is the genesis role ``operator``, the first validators those of the genesis. The validators change by
one a block, and a change holds from the next block.
"""

from __future__ import annotations

from chain.core.contract import Call, Contract
from chain.core.errors import Refused
from chain.core.state import State, Table
from chain.core.types import Address, Context, Event, Genesis, PublicKey, Record, Uint, Validator
from chain.crypto.hashing import address_of
from chain.crypto.secp256k1 import is_point

VALIDATORS_MAX = 100
OPERATORS_MAX = 100
_SET_KEY = b""


class NotAnOperator(Refused):
    code = "not_an_operator"
    title = "Only an operator of the ledger may do this"


class NotAccredited(Refused):
    code = "not_accredited"
    title = "The address is not accredited"


class AccreditationPast(Refused):
    code = "accreditation_past"
    title = "The accreditation would end before it begins"


class KeyInvalid(Refused):
    code = "key_invalid"
    title = "The bytes are not a public key"


class AlreadySet(Refused):
    code = "already_set"
    title = "The key has this role already, or does not have it"


class LastOperator(Refused):
    code = "last_operator"
    title = "The ledger needs at least one operator"


class LastValidator(Refused):
    code = "last_validator"
    title = "The ledger needs at least one validator"


class TooMany(Refused):
    code = "role_full"
    title = "No more keys can have this role"


class ValidatorsFixed(Refused):
    """One node orders the ledger: a second validator whom nobody runs would stop it for good."""

    code = "validators_fixed"
    title = "This ledger is ordered by one node; its validators can't be changed"


class OneChangeABlock(Refused):
    code = "one_validator_change_a_block"
    title = "The validators changed in this block already; send it again for the next one"


class Accredit(Record):
    """An enterprise's address may buy until a moment of block time."""

    address: Address
    until_ms: Uint


class Suspend(Record):
    """An enterprise's address may no longer buy; its open orders finish."""

    address: Address


class SetOperator(Record):
    """Make a key an operator, or no longer one."""

    key: PublicKey
    on: bool


class AddValidator(Record):
    """A key that votes on blocks from the next one."""

    key: PublicKey


class RemoveValidator(Record):
    """A key that votes no longer from the next block."""

    key: PublicKey


class Accreditation(Record):
    """Until when an address may buy; ``suspended`` overrides it."""

    until_ms: Uint
    suspended: bool


class KeySet(Record):
    """Keys in the order in which they came, and the height of the last change."""

    keys: tuple[PublicKey, ...]
    changed_height: Uint


ACCREDITED: Table[Accreditation] = Table("registry.accredited", Accreditation)
OPERATORS: Table[KeySet] = Table("registry.operators", KeySet)
VALIDATORS: Table[KeySet] = Table("registry.validators", KeySet)


def is_accredited(state: State, address: bytes, time_ms: int) -> bool:
    """Whether an enterprise's address may buy at a moment."""
    row = state.get(ACCREDITED, address)
    return row is not None and not row.suspended and time_ms < row.until_ms


def operators(state: State) -> tuple[bytes, ...]:
    """The operators' public keys."""
    return _keys(state, OPERATORS).keys


def validators(genesis: Genesis, state: State) -> tuple[Validator, ...]:
    """Who votes on the next block; each is a failure domain of its own."""
    row = state.get(VALIDATORS, _SET_KEY)
    return tuple(Validator(key) for key in (row.keys if row else genesis.validators))


def accredit(ctx: Context, state: State, args: Accredit) -> tuple[Event, ...]:
    """An operator lets an enterprise buy; renews and lifts a suspension."""
    require_operator(ctx, state)
    if args.until_ms <= ctx.time_ms:
        raise AccreditationPast
    state.put(ACCREDITED, args.address, Accreditation(until_ms=args.until_ms, suspended=False))
    return (Event(kind="registry.accredited", subjects=(args.address,)),)


def suspend(ctx: Context, state: State, args: Suspend) -> tuple[Event, ...]:
    """An operator stops an enterprise from buying."""
    require_operator(ctx, state)
    row = state.get(ACCREDITED, args.address)
    if row is None or row.suspended:
        raise NotAccredited
    state.put(ACCREDITED, args.address, Accreditation(until_ms=row.until_ms, suspended=True))
    return (Event(kind="registry.suspended", subjects=(args.address,)),)


def set_operator(ctx: Context, state: State, args: SetOperator) -> tuple[Event, ...]:
    """An operator makes or unmakes another, or itself; one always remains."""
    require_operator(ctx, state)
    row = _keys(state, OPERATORS)
    if args.on:
        keys = _with(row.keys, args.key, OPERATORS_MAX)
    elif row.keys == (args.key,):
        raise LastOperator
    else:
        keys = _without(row.keys, args.key)
    state.put(OPERATORS, _SET_KEY, KeySet(keys=keys, changed_height=ctx.height))
    return (Event(kind="registry.operators_changed", subjects=(address_of(args.key),)),)


def add_validator(ctx: Context, state: State, args: AddValidator) -> tuple[Event, ...]:
    """An operator adds a validator."""
    row = _validators_to_change(ctx, state)
    return _put_validators(ctx, state, _with(row.keys, args.key, VALIDATORS_MAX), args.key)


def remove_validator(ctx: Context, state: State, args: RemoveValidator) -> tuple[Event, ...]:
    """An operator removes a validator; one always remains."""
    row = _validators_to_change(ctx, state)
    if row.keys == (args.key,):
        raise LastValidator
    return _put_validators(ctx, state, _without(row.keys, args.key), args.key)


def _at_genesis(genesis: Genesis, state: State) -> None:
    operator = dict(genesis.roles).get("operator")
    if operator:
        state.put(OPERATORS, _SET_KEY, KeySet(keys=(operator,), changed_height=0))
    state.put(VALIDATORS, _SET_KEY, KeySet(keys=genesis.validators, changed_height=0))


def _keys(state: State, table: Table[KeySet]) -> KeySet:
    return state.get(table, _SET_KEY) or KeySet(keys=(), changed_height=0)


def require_operator(ctx: Context, state: State) -> None:
    """Raise ``NotAnOperator`` unless the sender is one."""
    if ctx.sender_key not in operators(state):
        raise NotAnOperator


def _validators_to_change(ctx: Context, state: State) -> KeySet:
    require_operator(ctx, state)
    if ctx.params.get("fixed_validators"):
        raise ValidatorsFixed
    row = _keys(state, VALIDATORS)
    if row.changed_height == ctx.height:
        raise OneChangeABlock
    return row


def _put_validators(ctx: Context, state: State, keys: tuple[bytes, ...], changed: bytes) -> tuple[Event, ...]:
    state.put(VALIDATORS, _SET_KEY, KeySet(keys=keys, changed_height=ctx.height))
    return (Event(kind="registry.validators_changed", subjects=(address_of(changed),)),)


def _with(keys: tuple[bytes, ...], key: bytes, limit: int) -> tuple[bytes, ...]:
    if not is_point(key):
        raise KeyInvalid
    if key in keys:
        raise AlreadySet("The key has this role already")
    if len(keys) >= limit:
        raise TooMany
    return (*keys, key)


def _without(keys: tuple[bytes, ...], key: bytes) -> tuple[bytes, ...]:
    if key not in keys:
        raise AlreadySet("The key does not have this role")
    return tuple(other for other in keys if other != key)


_ROLES = {
    "set_operator": Call(SetOperator, set_operator),
    "add_validator": Call(AddValidator, add_validator),
    "remove_validator": Call(RemoveValidator, remove_validator),
}
REGISTRY = Contract(
    name="registry",
    calls={"accredit": Call(Accredit, accredit), "suspend": Call(Suspend, suspend), **_ROLES},
    at_genesis=_at_genesis,
)
# For ledgers that learn of accreditations from the shared ledger: operators and validators alone.
REGISTRY_OF_ROLES = Contract(name="registry", calls=_ROLES, at_genesis=_at_genesis)
