"""A hub's last steps: which survivors it believes in, and the one share of each peer that it gives away.

With both kinds of share of one peer, of its seed and of its key, a server could open that peer's update. So a hub
gives the seed's share for a peer that is listed as alive and the key's for one listed as dropped, answers one list
only, and has written the answer down before it leaves.
"""

from __future__ import annotations

from chain.core.codec import encode
from chain.crypto.secp256k1 import sign, verify
from fedlearn.protocol.bits import bits_of, flags_of
from fedlearn.protocol.client import peer_indexes, peer_places
from fedlearn.protocol.client_state import ClientState, with_
from fedlearn.protocol.errors import (
    BelowThreshold,
    LeftOut,
    PeerAliveAndDropped,
    StageWrong,
    SurvivorsChanged,
    SurvivorsIncomplete,
    SurvivorsUnconfirmed,
    TooFewParticipants,
)
from fedlearn.protocol.messages import (
    SurvivorProof,
    Survivors,
    SurvivorVote,
    Unmask,
    message_of,
    survivors_digest,
)
from fedlearn.protocol.pairs import PAIR_BYTES
from fedlearn.protocol.plan import MALICIOUS
from fedlearn.protocol.shamir import SHARE_BYTES


def client_survivors(state: ClientState, data: bytes, job_secret: bytes) -> tuple[ClientState, bytes]:
    """Take the ``Survivors``; answer with the ``Unmask`` shares, or in a malicious-mode round with a ``SurvivorVote``.

    Raises ``PeerAliveAndDropped`` when a peer is listed both ways, in this list or in this one and the one before,
    ``SurvivorsChanged`` for any other second list, ``SurvivorsIncomplete``, ``LeftOut``, ``TooFewParticipants``,
    ``BelowThreshold``, and what every step may.
    """
    if not state.masked:
        raise StageWrong
    if data == state.survivors:
        return state, state.vote or state.unmask
    survivors = message_of(Survivors, data, state.plan.round_id)
    _survivors_check(state, survivors)
    if state.plan.mode != MALICIOUS:
        answer = _unmask(state, survivors)
        return with_(state, survivors=data, unmask=answer), answer
    vote = encode(SurvivorVote(state.plan.round_id, state.index, sign(job_secret, survivors_digest(data))))
    return with_(state, survivors=data, vote=vote), vote


def client_proof(state: ClientState, data: bytes, cohort: tuple[bytes, ...]) -> tuple[ClientState, bytes]:
    """Take the ``SurvivorProof`` of a malicious-mode round, and answer with the ``Unmask`` shares.

    At least ``threshold`` neighbours must have signed the list that this hub signed, counting itself; two lists can't
    both have that many. Once answered, every proof gets the same answer. Raises ``SurvivorsUnconfirmed``, and what
    every step may.
    """
    if not state.vote:
        raise StageWrong
    if state.unmask:
        return state, state.unmask
    proof = message_of(SurvivorProof, data, state.plan.round_id)
    shape = state.shape
    signers = flags_of(proof.signers, shape.degree).tolist()
    named = [index for index, there in zip(peer_indexes(state), signers, strict=True) if there]
    digest = survivors_digest(state.survivors)
    if len(named) != len(proof.signatures) or len(named) + 1 < shape.threshold:
        raise SurvivorsUnconfirmed
    if not all(verify(cohort[i], digest, mark) for i, mark in zip(named, proof.signatures, strict=True)):
        raise SurvivorsUnconfirmed
    answer = _unmask(state, message_of(Survivors, state.survivors, state.plan.round_id))
    return with_(state, unmask=answer), answer


def _survivors_check(state: ClientState, survivors: Survivors) -> None:
    alive = flags_of(survivors.alive, state.members)
    dropped = flags_of(survivors.dropped, state.members)
    if (alive & dropped).any():
        raise PeerAliveAndDropped
    if state.survivors:
        before = message_of(Survivors, state.survivors, state.plan.round_id)
        was_alive, was_dropped = flags_of(before.alive, state.members), flags_of(before.dropped, state.members)
        if (alive & was_dropped).any() or (dropped & was_alive).any():
            raise PeerAliveAndDropped
        raise SurvivorsChanged
    if not alive[state.place]:
        raise LeftOut
    if int(alive.sum()) < state.plan.minimum:
        raise TooFewParticipants
    places = list(peer_places(state))
    shared = flags_of(state.senders, state.shape.degree)
    if (shared != (alive | dropped)[places]).any():
        raise SurvivorsIncomplete
    if int(alive[places].sum()) + 1 < state.shape.threshold:
        raise BelowThreshold


def _unmask(state: ClientState, survivors: Survivors) -> bytes:
    """One share for each neighbour that is listed and of which this hub holds shares, and one of its own seed."""
    alive = flags_of(survivors.alive, state.members).tolist()
    dropped = flags_of(survivors.dropped, state.members).tolist()
    given, shares = [], []
    for number, (place, held) in enumerate(zip(peer_places(state), state.held, strict=True)):
        if len(held) != PAIR_BYTES or not (alive[place] or dropped[place]):
            continue
        given.append(number)
        shares.append(held[:SHARE_BYTES] if alive[place] else held[SHARE_BYTES:])
    given.append(state.shape.degree)
    shares.append(state.own_share)
    given_bits = bits_of(given, state.shape.degree + 1)
    return encode(Unmask(state.plan.round_id, state.index, given_bits, b"".join(shares)))
