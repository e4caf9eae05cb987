"""Who takes part in training under which keys, and the roots of the keys of each round (protocols.md 4).

A party is an account of this ledger: an enterprise, or a pseudonym that a hub made for one job. What it registers here
is what others pin. The root of a round's keys stands here before the block whose hash draws the round's graph, so that
nobody chooses who is whose neighbour.
"""

from __future__ import annotations

from chain.core.contract import Call, Contract
from chain.core.errors import Refused
from chain.core.state import State, Table
from chain.core.types import Address, Context, Event, Hash, PublicKey, Record, Uint
from chain.crypto.hashing import tagged
from chain.crypto.secp256k1 import is_point

_ONE = b""


class JobKeyInvalid(Refused):
    code = "job_key_invalid"
    title = "The job key is no public key"


class PeerNotRegistered(Refused):
    code = "peer_not_registered"
    title = "The account has registered no keys"


class RoundKeysChanged(Refused):
    code = "round_keys_changed"
    title = "The account has put another root on the ledger for this round"


class RegisterPeer(Record):
    """The sender's keys: ``channel`` is the fingerprint of its identity on the mailbox, ``job_key`` signs in rounds."""

    channel: Hash
    job_key: PublicKey


class LeavePeers(Record):
    """The sender's keys are not to be used any more."""


class RoundKeys(Record):
    """The root of the keys of all members of a round that the sender leads."""

    round_id: Hash
    keys_root: Hash


class PeerRow(Record):
    """A party's keys; ``changes`` counts how often they were replaced, ``tx_id`` is the call that named these."""

    address: Address
    account_key: PublicKey
    channel: Hash
    job_key: PublicKey
    height: Uint
    tx_id: bytes
    changes: Uint = 0


class RoundKeysRow(Record):
    """The root of a round's keys; the block after ``height`` draws the graph."""

    keys_root: Hash
    height: Uint
    tx_id: bytes


class Waiting(Record):
    """That rounds wait for the block after this one."""


PEERS: Table[PeerRow] = Table("peers.peers", PeerRow)
ROUND_KEYS: Table[RoundKeysRow] = Table("peers.round_keys", RoundKeysRow)
WAITING: Table[Waiting] = Table("peers.waiting", Waiting)


def round_keys_id(leader: bytes, round_id: bytes) -> bytes:
    """The key under which a leader's (address, 20 bytes) root of a round stands; nobody else can take its place."""
    return tagged("hearth/round-keys", leader, round_id)


def register(ctx: Context, state: State, args: RegisterPeer) -> tuple[Event, ...]:
    """Name the sender's keys, or replace them."""
    if not is_point(args.job_key):
        raise JobKeyInvalid
    before = state.get(PEERS, ctx.sender)
    row = PeerRow(
        address=ctx.sender,
        account_key=ctx.sender_key,
        channel=args.channel,
        job_key=args.job_key,
        height=ctx.height,
        tx_id=ctx.tx_id,
        changes=0 if before is None else before.changes + 1,
    )
    state.put(PEERS, ctx.sender, row)
    return (Event(kind="peer.registered", subjects=(ctx.sender,)),)


def leave(ctx: Context, state: State, args: LeavePeers) -> tuple[Event, ...]:
    """Take the sender's keys off the ledger's present state; its history keeps them."""
    if state.get(PEERS, ctx.sender) is None:
        raise PeerNotRegistered
    state.delete(PEERS, ctx.sender)
    return (Event(kind="peer.left", subjects=(ctx.sender,)),)


def round_keys(ctx: Context, state: State, args: RoundKeys) -> tuple[Event, ...]:
    """Put the root of a round's keys on the ledger, once; the same root again is refused as well, without harm."""
    key = round_keys_id(ctx.sender, args.round_id)
    if state.get(ROUND_KEYS, key) is not None:
        raise RoundKeysChanged
    state.put(ROUND_KEYS, key, RoundKeysRow(args.keys_root, ctx.height, ctx.tx_id))
    block_await(state)
    return (Event(kind="peer.round_keys", subjects=(key, ctx.sender)),)


def block_await(state: State) -> None:
    """Somebody waits for the hash of the next block: it is made soon, and empty if nothing else comes."""
    state.put(WAITING, _ONE, Waiting())


def begin_block(ctx: Context, state: State) -> None:
    """This is the block that rounds waited for."""
    if state.get(WAITING, _ONE) is not None:
        state.delete(WAITING, _ONE)


def pending(state: State) -> bool:
    """Whether a round waits for the next block, so that an empty one is made if nothing else comes."""
    return state.get(WAITING, _ONE) is not None


PEERS_CONTRACT = Contract(
    name="peers",
    calls={
        "register": Call(RegisterPeer, register),
        "leave": Call(LeavePeers, leave),
        "round_keys": Call(RoundKeys, round_keys),
    },
    begin_block=begin_block,
    pending=pending,
)
