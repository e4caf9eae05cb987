"""Blocks: the hashes that tie headers, genesis, validators and votes together, and how a header is built."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chain.core.codec import encode, encode_value
from chain.core.merkle import root_of
from chain.core.types import Genesis, Hash, Header, Name, Receipt, Record, Uint, Validator
from chain.crypto.hashing import sha256, tagged


class Ballot(Record):
    """What a validator signs: one block of one round, and whatever else the ledger has it vouch for."""

    ledger: Name
    height: Uint
    round: Uint
    previous: Hash
    block_hash: Hash
    extra: bytes


class ValidatorSet(Record):
    """Validators in rising order of their keys."""

    validators: tuple[Validator, ...]


def genesis_hash(genesis: Genesis) -> bytes:
    """The identity of a ledger, and the predecessor of its block 1."""
    return tagged("hearth/genesis", encode(genesis))


def header_hash(header: Header) -> bytes:
    """The hash of a block: it covers transactions, receipts and state by the roots in the header."""
    return tagged("hearth/header", encode(header))


def validators_hash(validators: Iterable[Validator]) -> bytes:
    """The hash of a voter set, whatever order it is given in."""
    ordered = tuple(sorted(validators, key=lambda validator: validator.key))
    return tagged("hearth/validators", encode(ValidatorSet(ordered)))


def vote_message(ledger: str, height: int, round: int, previous: bytes, block_hash: bytes, extra: bytes) -> bytes:
    """The 32-byte digest that a validator signs, once for a height and round (protocols.md 1)."""
    return tagged("hearth/vote", encode(Ballot(ledger, height, round, previous, block_hash, extra)))


def transactions_root(transactions: Sequence[bytes]) -> bytes:
    """The Merkle root over the signed transactions as they were received."""
    return root_of(transactions)


def receipts_root(receipts: Iterable[Receipt]) -> bytes:
    """The Merkle root over the canonical bytes of the receipts."""
    return root_of(map(encode_value, receipts))


def changes_root(changes: Iterable[tuple[str, bytes, Record | None]]) -> bytes:
    """The Merkle root over a block's changes, sorted by table and key; a deleted row stands as nil."""
    return root_of(map(encode_value, changes))


def state_hash_next(before: bytes, changes: Iterable[tuple[str, bytes, Record | None]]) -> bytes:
    """h(n) = SHA-256(h(n-1) | Merkle root of the sorted changes of block n). Before block 0 stands the genesis hash."""
    return sha256(before, changes_root(changes))
