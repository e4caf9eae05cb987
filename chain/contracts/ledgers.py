"""What one ledger believes of another: whose receipts it takes, and who signs that other ledger's blocks.

A contract checks a receipt like a light client does. The first validators of the other ledger stand in the genesis
(a role ``trusted/<ledger>/<n>`` for each) or come by the operator's ``trust``; later ones by ``follow``, with the
receipts of the transactions that changed them. A ledger trusts one ledger of each kind.
"""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Final

import msgspec

from chain.contracts.registry import AddValidator, KeyInvalid, RemoveValidator, require_operator
from chain.core.blocks import validators_hash
from chain.core.codec import decode
from chain.core.contract import Call, Contract
from chain.core.errors import Refused
from chain.core.proofs import TxProof, proof_verify
from chain.core.state import State, Table
from chain.core.types import Context, Event, Genesis, Name, PublicKey, Record, Transaction, Uint, Validator
from chain.crypto.secp256k1 import is_point
from marketplace.common.errors import HearthError

ROLE: Final = "trusted/"
SPANS_MAX: Final = 64
VALIDATORS_MAX: Final = 100
_ADD, _REMOVE = "registry.add_validator", "registry.remove_validator"


class LedgerNotTrusted(Refused):
    code = "ledger_not_trusted"
    title = "This ledger takes no receipts of that ledger"


class TrustedNameInvalid(Refused):
    code = "trusted_name_invalid"
    title = "A ledger's id is its kind, a hyphen and some digits"


class TrustedElsewhere(Refused):
    code = "trusted_elsewhere"
    title = "Another ledger of this kind is trusted already"


class ReceiptNotProven(Refused):
    """Paths, signature or votes of the receipt do not hold."""

    code = "receipt_not_proven"
    title = "The other ledger's receipt does not hold"


class ReceiptValidatorsUnknown(Refused):
    code = "receipt_validators_unknown"
    title = "The receipt's block is signed by validators that this ledger does not know yet"


class ReceiptOfRefusal(Refused):
    code = "receipt_of_refusal"
    title = "The receipt shows that the other ledger refused the call"


class ReceiptOfOtherCall(Refused):
    code = "receipt_of_other_call"
    title = "The receipt is of another call than is needed here"


class ReceiptOlder(Refused):
    code = "receipt_older"
    title = "A receipt of a later block was shown already"


class Trust(Record):
    """The operator: take receipts of this ledger, whose blocks these keys sign from its first one on."""

    ledger: Name
    validators: Annotated[tuple[PublicKey, ...], msgspec.Meta(min_length=1, max_length=VALIDATORS_MAX)]


class Follow(Record):
    """Anyone: the receipt of a transaction that changed the trusted ledger's validators."""

    proof: TxProof


class Span(Record):
    """Who signs the other ledger's blocks from a height on, until the next span begins."""

    from_height: Uint
    validators: tuple[PublicKey, ...]


class TrustedRow(Record):
    """The trusted ledger of a kind; the oldest spans are forgotten when there are too many."""

    ledger: Name
    spans: tuple[Span, ...]


TRUSTED: Table[TrustedRow] = Table("ledgers.trusted", TrustedRow)


def kind_of(ledger: str) -> str:
    """The kind of a ledger by its id."""
    return ledger.rsplit("-", 1)[0]


def trusted_roles(ledger: str, validators: tuple[bytes, ...]) -> tuple[tuple[str, bytes], ...]:
    """Roles for a genesis that has another ledger trusted from the beginning."""
    return tuple((f"{ROLE}{ledger}/{number:03d}", key) for number, key in enumerate(validators))


def trusted(state: State, kind: str) -> TrustedRow | None:
    """The trusted ledger of a kind."""
    return state.get(TRUSTED, kind.encode())


def receipt_check(state: State, kind: str, proof: TxProof, *calls: str) -> Transaction:
    """The transaction that a receipt of the trusted ledger of that kind proves; it went through, and is of ``calls``.

    Raises ``LedgerNotTrusted``, ``ReceiptValidatorsUnknown``, ``ReceiptNotProven``, ``ReceiptOfRefusal`` or
    ``ReceiptOfOtherCall``.
    """
    row = trusted(state, kind)
    if row is None or proof.header.ledger != row.ledger:
        raise LedgerNotTrusted
    span = next((span for span in reversed(row.spans) if span.from_height <= proof.header.height), None)
    if span is None or proof.header.validators_hash != _hash(span.validators):
        raise ReceiptValidatorsUnknown
    try:
        tx = proof_verify(proof, span.validators).tx
    except HearthError as fault:
        raise ReceiptNotProven(fault.detail) from fault
    if proof.receipt.code:
        raise ReceiptOfRefusal(f"The other ledger refused it: {proof.receipt.code}")
    if tx.call not in calls:
        raise ReceiptOfOtherCall
    return tx


def trust(ctx: Context, state: State, args: Trust) -> tuple[Event, ...]:
    """The operator has this ledger take another one's receipts, once for a kind: later changes come by ``follow``."""
    require_operator(ctx, state)
    kind = kind_of(args.ledger)
    if not kind or kind == args.ledger:
        raise TrustedNameInvalid
    if trusted(state, kind) is not None:
        raise TrustedElsewhere
    if not all(is_point(key) for key in args.validators) or len(set(args.validators)) < len(args.validators):
        raise KeyInvalid
    _put(state, args.ledger, (Span(0, args.validators),))
    return (Event(kind="ledgers.trusted", subjects=()),)


def follow(ctx: Context, state: State, args: Follow) -> tuple[Event, ...]:
    """Anyone shows that the trusted ledger's validators changed; changes are shown in their order."""
    kind = kind_of(args.proof.header.ledger)
    tx = receipt_check(state, kind, args.proof, _ADD, _REMOVE)
    row = trusted(state, kind)
    assert row is not None
    newest, height = row.spans[-1], args.proof.header.height
    if height < newest.from_height:
        raise ReceiptOlder
    if tx.call == _ADD:
        keys = (*newest.validators, decode(AddValidator, tx.args).key)
    else:
        gone = decode(RemoveValidator, tx.args).key
        keys = tuple(key for key in newest.validators if key != gone)
    _put(state, row.ledger, (*row.spans, Span(height + 1, keys))[-SPANS_MAX:])
    return (Event(kind="ledgers.followed", subjects=()),)


def trusted_in(genesis: Genesis) -> dict[str, tuple[str, tuple[bytes, ...]]]:
    """The ledgers that a genesis trusts from the beginning: id and validators, by kind."""
    roles = sorted((name.removeprefix(ROLE), key) for name, key in genesis.roles if name.startswith(ROLE))
    groups = groupby(roles, key=lambda role: role[0].rsplit("/", 1)[0])
    return {kind_of(ledger): (ledger, tuple(key for _, key in group)) for ledger, group in groups}


def _at_genesis(genesis: Genesis, state: State) -> None:
    for ledger, keys in trusted_in(genesis).values():
        _put(state, ledger, (Span(0, keys),))


def _put(state: State, ledger: str, spans: tuple[Span, ...]) -> None:
    state.put(TRUSTED, kind_of(ledger).encode(), TrustedRow(ledger=ledger, spans=spans))


def _hash(keys: tuple[bytes, ...]) -> bytes:
    return validators_hash([Validator(key) for key in keys])


LEDGERS = Contract(
    name="ledgers", calls={"trust": Call(Trust, trust), "follow": Call(Follow, follow)}, at_genesis=_at_genesis
)
