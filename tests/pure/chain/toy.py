"""A small contract and helpers for the engine's own tests, so that they stand without the real contracts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from chain.consensus.validators import vote_sign
from chain.core.codec import encode
from chain.core.contract import Call, Contract, ContractSet
from chain.core.errors import Refused
from chain.core.state import State, Table
from chain.core.transactions import tx_new, tx_sign
from chain.core.types import Block, Context, Event, Genesis, Hash, Record, Uint, Validator
from chain.crypto.hashing import sha256
from chain.crypto.secp256k1 import public_key
from chain.engine.ledger import Ledger
from chain.engine.ports import Store

GENESIS_MS = 1_700_000_000_000
LEDGER = "toy"


class Locked(Refused):
    code = "locked"
    title = "The note is locked"


class Write(Record):
    key: bytes
    text: bytes


class Lock(Record):
    key: bytes
    until_ms: Uint


class Nothing(Record):
    pass


class Note(Record):
    text: bytes
    owner: bytes
    locked_until_ms: Uint = 0


class Beacon(Record):
    hash: Hash
    height: Uint


class Key(Record):
    key: bytes
    domain: str


NOTES: Table[Note] = Table("toy.notes", Note)
DUE: Table[Nothing] = Table("toy.due", Nothing)
BEACON: Table[Beacon] = Table("toy.beacon", Beacon)
VOTERS: Table[Key] = Table("toy.voters", Key)


def write(ctx: Context, state: State, args: Write) -> tuple[Event, ...]:
    """Writes before it refuses, so that a rollback has something to undo."""
    before = state.get(NOTES, args.key)
    state.put(NOTES, args.key, Note(args.text, ctx.sender))
    if before is not None and before.locked_until_ms > ctx.time_ms:
        raise Locked
    return (Event("toy.written", (args.key, ctx.sender)),)


def erase(ctx: Context, state: State, args: Write) -> tuple[Event, ...]:
    state.delete(NOTES, args.key)
    return (Event("toy.erased", ()),)


def lock(ctx: Context, state: State, args: Lock) -> tuple[Event, ...]:
    state.put(NOTES, args.key, Note(b"", ctx.sender, args.until_ms))
    state.put(DUE, args.until_ms.to_bytes(8, "big") + args.key, Nothing())
    return (Event("toy.locked", (args.key,)),)


def boom(ctx: Context, state: State, args: Nothing) -> tuple[Event, ...]:
    raise KeyError("a fault in our own code")


def voter(ctx: Context, state: State, args: Key) -> tuple[Event, ...]:
    state.put(VOTERS, args.key, args)
    return ()


def begin_block(ctx: Context, state: State) -> None:
    state.put(BEACON, b"", Beacon(ctx.previous, ctx.height))
    for key, _ in state.scan(DUE):
        if int.from_bytes(key[:8], "big") > ctx.time_ms:
            break
        state.delete(DUE, key)


TOY = Contract(
    name="toy",
    calls={
        "write": Call(Write, write),
        "erase": Call(Write, erase),
        "lock": Call(Lock, lock),
        "boom": Call(Nothing, boom),
        "voter": Call(Key, voter),
    },
    begin_block=begin_block,
    pending=lambda state: next(iter(state.scan(DUE)), None) is not None,
)


def voters_of(genesis: Genesis, state: State) -> tuple[Validator, ...]:
    added = tuple(Validator(row.key, row.domain) for _, row in state.scan(VOTERS))
    return added or tuple(Validator(key) for key in genesis.validators)


TOY_SET = ContractSet((TOY,), voters_of)


def secret(number: int) -> bytes:
    return sha256(b"toy secret", number.to_bytes(4, "big"))


VALIDATOR = secret(0)


def genesis(validators: Sequence[bytes] = (VALIDATOR,), ledger: str = LEDGER, **params: int) -> Genesis:
    """``validators`` are their secrets."""
    keys = tuple(public_key(each) for each in validators)
    return Genesis(ledger, "toy", GENESIS_MS, keys, tuple(sorted(params.items())))


def signed(
    sender: int, nonce: int, call: str, args: Record, *, ledger: str = LEDGER, valid_until: int = 1_000_000
) -> bytes:
    """The bytes of a signed transaction of the ``sender``-th test key."""
    key = secret(sender)
    tx = tx_new(
        ledger=ledger, sender=public_key(key), nonce=nonce, valid_until=valid_until, call=f"toy.{call}", args=args
    )
    return encode(tx_sign(tx, key))


def produce(ledger: Ledger, raws: Sequence[bytes] = (), secrets: Sequence[bytes] = (VALIDATOR,)) -> Block:
    """Submit, execute one millisecond after the head, sign by every validator given, commit."""
    for raw in raws:
        ledger.submit(raw)
    taken = ledger.pool.take(ledger.state, ledger.height + 1)
    proposal = ledger.execute(taken.transactions, ledger.time_ms + 1, public_key(secrets[0]))
    return ledger.commit(proposal, [vote_sign(each, proposal.header) for each in secrets])


def filled(store: Store, blocks: int = 6) -> Ledger:
    """A ledger with a mixed history: writes, a refusal, an empty block, a lock, several senders."""
    ledger = Ledger(genesis(), TOY_SET, store)
    nonces = {sender: count() for sender in (1, 2, 3)}

    def raw(sender: int, call: str, args: Record) -> bytes:
        return signed(sender, next(nonces[sender]), call, args)

    produce(ledger, [raw(1, "write", Write(b"a", b"1")), raw(2, "write", Write(b"b", b"2"))])
    produce(ledger, [raw(1, "lock", Lock(b"a", GENESIS_MS + 10_000)), raw(3, "write", Write(b"a", b"refused"))])
    produce(ledger)
    for number in range(3, blocks):
        texts = [raw(sender, "write", Write(b"k%d" % number, b"x" * number)) for sender in (1, 2, 3)]
        produce(ledger, texts)
    return ledger
