"""Credits: whole units of account on the shared ledger. The treasury mints and burns; anyone transfers.

``move`` is how other contracts pay. The market's escrow is an address that no key has and that no transfer reaches, so
its balance is always the sum of the open orders (protocols.md 3).
"""

from __future__ import annotations

from chain.core.contract import Call, Contract
from chain.core.errors import Refused
from chain.core.state import State, Table
from chain.core.types import Address, Context, Event, Genesis, Record, Uint
from chain.crypto.hashing import ADDRESS_BYTES, tagged

ESCROW = tagged("hearth/escrow")[:ADDRESS_BYTES]
SUPPLY_MAX = 2**63 - 1
_SUPPLY_KEY = b""


class NotTheTreasury(Refused):
    code = "not_the_treasury"
    title = "Only the treasury may do this"


class AmountInvalid(Refused):
    code = "amount_invalid"
    title = "An amount is at least one credit"


class BalanceTooLow(Refused):
    code = "balance_too_low"
    title = "The balance is lower than the amount"


class SupplyFull(Refused):
    code = "supply_full"
    title = "The ledger can't count so many credits"


class EscrowClosed(Refused):
    code = "escrow_closed"
    title = "Only the market pays into its escrow"


class Mint(Record):
    """New credits for an address."""

    to: Address
    amount: Uint


class Burn(Record):
    """Credits of the treasury that cease to be."""

    amount: Uint


class Transfer(Record):
    """Credits of the sender for an address."""

    to: Address
    amount: Uint


class Balance(Record):
    """What an address has; no row means nothing."""

    amount: Uint


class Supply(Record):
    """All credits ever minted (allocations of the genesis among them) and burnt."""

    minted: Uint
    burnt: Uint


BALANCES: Table[Balance] = Table("credits.balances", Balance)
SUPPLY: Table[Supply] = Table("credits.supply", Supply)


def balance(state: State, address: bytes) -> int:
    """The credits of an address."""
    row = state.get(BALANCES, address)
    return row.amount if row else 0


def supply(state: State) -> Supply:
    """What was minted and burnt so far."""
    return state.get(SUPPLY, _SUPPLY_KEY) or Supply(minted=0, burnt=0)


def move(state: State, source: bytes, target: bytes, amount: int) -> Event:
    """Move credits between addresses for a contract that has checked everything else; raises ``BalanceTooLow``."""
    have = balance(state, source)
    if have < amount:
        raise BalanceTooLow(f"The balance is {have} credits and {amount} are needed")
    _set(state, source, have - amount)
    _set(state, target, balance(state, target) + amount)
    return Event(kind="credits.moved", subjects=(source, target))


def mint(ctx: Context, state: State, args: Mint) -> tuple[Event, ...]:
    """The treasury makes credits."""
    _require_treasury(ctx)
    _require_amount(args.amount)
    _require_not_escrow(args.to)
    total = supply(state)
    if total.minted + args.amount > SUPPLY_MAX:
        raise SupplyFull
    state.put(SUPPLY, _SUPPLY_KEY, Supply(minted=total.minted + args.amount, burnt=total.burnt))
    _set(state, args.to, balance(state, args.to) + args.amount)
    return (Event(kind="credits.minted", subjects=(args.to,)),)


def burn(ctx: Context, state: State, args: Burn) -> tuple[Event, ...]:
    """The treasury destroys credits of its own."""
    _require_treasury(ctx)
    _require_amount(args.amount)
    have = balance(state, ctx.sender)
    if have < args.amount:
        raise BalanceTooLow(f"The treasury has {have} credits")
    total = supply(state)
    state.put(SUPPLY, _SUPPLY_KEY, Supply(minted=total.minted, burnt=total.burnt + args.amount))
    _set(state, ctx.sender, have - args.amount)
    return (Event(kind="credits.burnt", subjects=(ctx.sender,)),)


def transfer(ctx: Context, state: State, args: Transfer) -> tuple[Event, ...]:
    """The sender pays an address."""
    _require_amount(args.amount)
    _require_not_escrow(args.to)
    return (move(state, ctx.sender, args.to, args.amount),)


def _at_genesis(genesis: Genesis, state: State) -> None:
    minted = 0
    for address, amount in genesis.allocations:
        _require_not_escrow(address)
        _set(state, address, balance(state, address) + amount)
        minted += amount
    if minted > SUPPLY_MAX:
        raise SupplyFull
    state.put(SUPPLY, _SUPPLY_KEY, Supply(minted=minted, burnt=0))


def _set(state: State, address: bytes, amount: int) -> None:
    if amount:
        state.put(BALANCES, address, Balance(amount=amount))
    else:
        state.delete(BALANCES, address)


def _require_treasury(ctx: Context) -> None:
    if ctx.sender_key != ctx.roles.get("treasury"):
        raise NotTheTreasury


def _require_amount(amount: int) -> None:
    if amount < 1:
        raise AmountInvalid


def _require_not_escrow(address: bytes) -> None:
    if address == ESCROW:
        raise EscrowClosed


CREDITS = Contract(
    name="credits",
    calls={"mint": Call(Mint, mint), "burn": Call(Burn, burn), "transfer": Call(Transfer, transfer)},
    at_genesis=_at_genesis,
)
