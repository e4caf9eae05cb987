"""The messages of a round of secure aggregation, in the order in which they are sent.

Hubs are named by their index in the job's cohort. Sets are bitmaps (``bits``): of participants by cohort index in the
roster, of survivors by place among the participants, of neighbours by point - 1. The channel says who sent a message;
what a hub says of its keys and of the survivors is signed too, since others must believe it.
"""

from __future__ import annotations

from typing import TypeVar

from chain.core.codec import decode
from chain.core.types import Hash, Record, Signature, Uint
from chain.crypto.hashing import tagged
from fedlearn.protocol.errors import MessageMalformed, OtherRound


class RoundMessage(Record):
    """What all messages of a round begin with."""

    round_id: Hash


T = TypeVar("T", bound=RoundMessage)


class Advert(RoundMessage):
    """Hub to server: two ephemeral X25519 keys, one for what is sealed and one for the masks, signed by the job key."""

    sender: Uint
    seal_public: Hash
    mask_public: Hash
    signature: Signature


class PeerKeys(Record):
    """A neighbour's advert, as far as the roster does not say it already."""

    seal_public: Hash
    mask_public: Hash
    signature: Signature


class Roster(RoundMessage):
    """Server to each hub: who takes part, the root of all their keys with the hub's own path, its neighbours' keys."""

    participants: bytes
    keys_root: Hash
    path: tuple[Hash, ...]
    peers: tuple[PeerKeys, ...]


class Shares(RoundMessage):
    """Hub to server: sealed shares for the neighbours at the points threshold..degree, one after the other.

    The neighbours at lower points derive theirs from the agreement with this hub (``pairs``).
    """

    sender: Uint
    seed_commitment: Hash
    boxes: bytes


class Inbox(RoundMessage):
    """Server to each hub: which neighbours shared their secrets, and their boxes for it in the order of points."""

    senders: bytes
    boxes: bytes


class Masked(RoundMessage):
    """Hub to server: the masked vector, little-endian 32-bit words."""

    sender: Uint
    vector: bytes


class Survivors(RoundMessage):
    """Server to all: whose vectors arrived, and who shared secrets but sent no vector."""

    alive: bytes
    dropped: bytes


class SurvivorVote(RoundMessage):
    """Hub to server, in a malicious-mode round: the hub's signature over the survivors that it was told."""

    sender: Uint
    signature: Signature


class SurvivorProof(RoundMessage):
    """Server to each hub: which neighbours signed the same list, and their signatures in the order of points."""

    signers: bytes
    signatures: tuple[Signature, ...]


class Unmask(RoundMessage):
    """Hub to server: one share of each neighbour's seed or key, and of its own seed, in the order of points.

    ``given`` says for which points 1..degree + 1 (bit point - 1) there is one.
    """

    sender: Uint
    given: bytes
    shares: bytes


def message_of(kind: type[T], data: bytes, round_id: bytes) -> T:
    """The message that the bytes stand for. Raises ``Malformed`` (chain.core) or ``OtherRound``."""
    message = decode(kind, data)
    if message.round_id != round_id:
        raise OtherRound
    return message


def advert_digest(round_id: bytes, sender: int, seal_public: bytes, mask_public: bytes) -> bytes:
    """What a hub's job key signs of its ephemeral keys; the round id stands for job, round and model hash."""
    return tagged("hearth/secagg/advert/1", round_id, sender.to_bytes(8, "big"), seal_public, mask_public)


def survivors_digest(survivors: bytes) -> bytes:
    """What a hub's job key signs of the survivors: the hash of the encoded ``Survivors``, which names the round."""
    return tagged("hearth/secagg/survivors/1", survivors)


def seed_commitment(round_id: bytes, seed: bytes) -> bytes:
    """What tells a rebuilt self-mask seed from a wrong one; says nothing of a seed of 256 random bits."""
    return tagged("hearth/secagg/seed/1", round_id, seed)


def parts_of(data: bytes, size: int, count: int) -> list[bytes]:
    """``count`` parts of ``size`` bytes; raises ``MessageMalformed`` if there are more or fewer bytes."""
    if len(data) != size * count:
        raise MessageMalformed
    return [data[at : at + size] for at in range(0, len(data), size)]
