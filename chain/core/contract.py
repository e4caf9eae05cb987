"""What a contract is: named calls over an explicit state, and two hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chain.core.state import State
from chain.core.types import Context, Event, Genesis, Record, Transaction, Validator

Run = Callable[[Context, State, Any], tuple[Event, ...]]
ValidatorsOf = Callable[[Genesis, State], tuple[Validator, ...]]
JudgesOf = Callable[[Genesis, State, Sequence[Transaction]], tuple[Validator, ...]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the Struct its arguments decode to, and the function that runs it or raises ``Refused``."""

    args: type[Record]
    run: Run


def _nothing_at_genesis(genesis: Genesis, state: State) -> None:
    return None


def _nothing_at_begin(ctx: Context, state: State) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract's name, its calls by short name (``publish`` is called as ``market.publish``), and its hooks.

    ``pending(state)`` is true while something waits for block time to pass, so that the node makes empty blocks.
    """

    name: str
    calls: dict[str, Call] = field(default_factory=dict)
    at_genesis: Callable[[Genesis, State], None] = _nothing_at_genesis
    begin_block: Callable[[Context, State], None] = _nothing_at_begin
    pending: Callable[[State], bool] = lambda state: False


def genesis_validators(genesis: Genesis, state: State) -> tuple[Validator, ...]:
    """The validators that the genesis names, for ledgers whose validators never change."""
    return tuple(Validator(key) for key in genesis.validators)


@dataclass(frozen=True, slots=True)
class ContractSet:
    """The contracts of one kind of ledger, and who votes on its next block.

    ``validators(genesis, state)`` is asked for the state before the block, so a change of voters is judged by the
    voters before it. ``judges``, where a kind of ledger has it, narrows them for a block of these transactions: a
    device has no vote on its own removal.
    """

    contracts: tuple[Contract, ...]
    validators: ValidatorsOf = genesis_validators
    judges: JudgesOf | None = None
