"""The frozen values that every ledger is made of.

All are msgspec array-like Structs: their msgpack bytes are their canonical form (see ``codec``). Hashes are 32 bytes,
addresses 20, public keys 33 (compressed secp256k1), signatures 64 (compact, low-S); times are milliseconds since 1970.
"""

from __future__ import annotations

from typing import Annotated, dataclass_transform

import msgspec

Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Address = Annotated[bytes, msgspec.Meta(min_length=20, max_length=20)]
PublicKey = Annotated[bytes, msgspec.Meta(min_length=33, max_length=33)]
Signature = Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]
Scalar = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Uint = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Name = Annotated[str, msgspec.Meta(max_length=64)]


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class _FrozenMeta(msgspec.StructMeta):
    """Tells type checkers what msgspec does anyway: children of a frozen Struct are frozen."""


class Record(msgspec.Struct, metaclass=_FrozenMeta, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Base of everything that is hashed, signed or kept in a ledger's state.

    Records hold no cycles, so the garbage collector need not visit the millions of them in a state.
    """


class Transaction(Record):
    """What a sender signs. ``args`` is the canonical encoding of the call's own argument Struct."""

    ledger: Name
    sender: PublicKey
    nonce: Uint
    valid_until: Uint
    call: Name
    args: bytes


class SignedTransaction(Record):
    """A transaction and the compact ECDSA signature over the SHA-256 of its canonical bytes."""

    tx: Transaction
    signature: Signature


class Event(Record):
    """Something that a call did, and whom or what it touches (ids and addresses, for the index)."""

    kind: Name
    subjects: tuple[bytes, ...]


class Receipt(Record):
    """What became of a transaction: ``code`` is empty when the call went through."""

    tx_id: Hash
    code: Name
    events: tuple[Event, ...]


class Validator(Record):
    """Who may vote on a ledger's next block.

    Validators of one failure ``domain`` count as one (protocols.md 1); an empty domain is the validator's own.
    """

    key: PublicKey
    domain: Name = ""


class Header(Record):
    """A block's head. ``previous`` of block 1 is the hash of the genesis."""

    ledger: Name
    height: Uint
    previous: Hash
    time_ms: Uint
    tx_root: Hash
    receipt_root: Hash
    state_hash: Hash
    validators_hash: Hash
    proposer: PublicKey


class Vote(Record):
    """One validator's signature over ``vote_message``; ``extra`` is what else it signed (device ledgers: a ballot)."""

    validator: PublicKey
    round: Uint
    extra: bytes
    signature: Signature


class Commit(Record):
    """The votes that make a block final, in rising order of the validators' keys and all of one round."""

    votes: tuple[Vote, ...]


class Block(Record):
    """Header, signed transactions as received, receipts, and the votes of a quorum."""

    header: Header
    transactions: tuple[bytes, ...]
    receipts: tuple[Receipt, ...]
    commit: Commit


class Genesis(Record):
    """What a ledger starts from; its hash is the ledger's identity and the predecessor of block 1.

    ``kind`` names the set of contracts, ``params`` are integers by name (sorted), ``roles`` public keys by name
    (treasury, operator, owner, hub ...), ``allocations`` first balances by address.
    """

    ledger: Name
    kind: Name
    time_ms: Uint
    validators: tuple[PublicKey, ...]
    params: tuple[tuple[Name, int], ...] = ()
    roles: tuple[tuple[Name, PublicKey], ...] = ()
    allocations: tuple[tuple[Address, Uint], ...] = ()


class Context(msgspec.Struct, frozen=True):
    """What a contract may know besides the state: nothing of the clock, the disk or chance."""

    genesis: Genesis
    params: dict[str, int]
    roles: dict[str, bytes]
    height: int
    time_ms: int
    previous: bytes
    tx_id: bytes = b""
    sender_key: bytes = b""
    sender: bytes = b""
