"""What a hub knows in a round. It is written down before any answer leaves, so that a restart says the same again."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chain.core.codec import decode, encode
from chain.core.types import Hash, PublicKey, Record, Scalar, Uint
from chain.crypto.hashing import sha256
from chain.crypto.prg import Random
from chain.crypto.secp256k1 import public_key, sign
from chain.crypto.x25519 import X25519Secret
from fedlearn.protocol.errors import AnotherMessage, NotAMember, StageWrong
from fedlearn.protocol.messages import Advert, PeerKeys, advert_digest
from fedlearn.protocol.plan import RoundPlan, Shape, plan_check, shape_of


class ClientState(Record):
    """A hub's side of one round. Secret: keep it in the home's own database only, and ``client_forget`` it at the end.

    Empty bytes stand for what is not there yet. ``took_*`` are the hashes of the messages that were answered, and
    ``advert``, ``shares``, ``masked``, ``vote`` and ``unmask`` the encoded answers.
    """

    plan: RoundPlan
    index: Uint
    seal_secret: Scalar
    mask_secret: Scalar
    self_seed: Scalar
    advert: bytes
    took_roster: bytes = b""
    participants: bytes = b""
    members: Uint = 0
    place: Uint = 0
    graph_seed: bytes = b""
    peers: tuple[PeerKeys, ...] = ()
    incoming: tuple[bytes, ...] = ()
    own_share: bytes = b""
    shares: bytes = b""
    took_inbox: bytes = b""
    senders: bytes = b""
    held: tuple[bytes, ...] = ()
    masked: bytes = b""
    survivors: bytes = b""
    vote: bytes = b""
    unmask: bytes = b""

    @property
    def shape(self) -> Shape:
        """Degree and threshold of the round, once its members are known."""
        return shape_of(self.members, self.plan.mode, self.plan.dropout_pm)


class Forgotten(Record):
    """What is left of a hub's round after its secrets were forgotten: enough to refuse the round for ever."""

    round_id: Hash
    index: Uint


def client_start(
    plan: RoundPlan, cohort: Sequence[PublicKey], job_secret: bytes, random: Random
) -> tuple[ClientState, bytes]:
    """A hub's part in a new round, and its ``Advert`` for the server.

    ``job_secret`` is the hub's 32-byte key for this job, whose public key stands in ``cohort``; ``random(n)`` gives n
    fresh bytes and must never give the same again. A hub starts a round once; afterwards it goes on from its state.
    Raises what ``plan_check`` raises, or ``NotAMember``.
    """
    plan_check(plan, cohort)
    job_key = public_key(job_secret)
    if job_key not in cohort:
        raise NotAMember
    index = cohort.index(job_key)
    seal_secret, mask_secret, self_seed = random(32), random(32), random(32)
    seal_public, mask_public = X25519Secret(seal_secret).public, X25519Secret(mask_secret).public
    signature = sign(job_secret, advert_digest(plan.round_id, index, seal_public, mask_public))
    advert = encode(Advert(plan.round_id, index, seal_public, mask_public, signature))
    return ClientState(plan, index, seal_secret, mask_secret, self_seed, advert), advert


def client_encode(state: ClientState) -> bytes:
    """The state's bytes, for the home's database."""
    return encode(state)


def client_decode(data: bytes) -> ClientState:
    """Undo ``client_encode``; raises ``Malformed`` (chain.core)."""
    return decode(ClientState, data)


def client_forget(state: ClientState) -> Forgotten:
    """What to keep when the round is over; overwrite the state with it, so that nobody can ask for its shares again."""
    return Forgotten(state.plan.round_id, state.index)


def repeated(taken: bytes, data: bytes, before: bytes) -> bool:
    """Whether a message was answered before; ``before`` is the answer that must have been given earlier.

    Raises ``AnotherMessage`` if another message was answered at this stage, ``StageWrong`` if it comes too early.
    """
    if not before:
        raise StageWrong
    if not taken:
        return False
    if taken != sha256(data):
        raise AnotherMessage
    return True


def with_(state: ClientState, **changes: object) -> ClientState:
    """The state with some fields replaced."""
    return msgspec.structs.replace(state, **changes)
