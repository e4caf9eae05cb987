"""A hub's steps in a round of secure aggregation (Bonawitz et al. 2017; graph of Bell et al. 2020).

Each step takes the state and one message and gives the new state and the hub's answer. Write the state down, then send.
The same message gets the same answer, however often and after whatever restart; another one for that stage is refused.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chain.core.codec import encode
from chain.core.merkle import leaf_hash, verify_path
from chain.core.types import PublicKey
from chain.crypto.hashing import sha256
from chain.crypto.prg import Words
from chain.crypto.secp256k1 import verify
from chain.crypto.x25519 import X25519Secret
from fedlearn.protocol.bits import flags_of, members_of
from fedlearn.protocol.client_state import ClientState, repeated, with_
from fedlearn.protocol.errors import (
    BadSignature,
    BelowThreshold,
    CohortWrong,
    KeysRepeated,
    LengthWrong,
    MessageMalformed,
    NotAMember,
    RosterUnproved,
    TooFewParticipants,
)
from fedlearn.protocol.graph import MIN_MEMBERS, graph_of, graph_seed
from fedlearn.protocol.masks import MaskSum, sign_of
from fedlearn.protocol.messages import (
    Advert,
    Inbox,
    Masked,
    PeerKeys,
    Roster,
    Shares,
    advert_digest,
    message_of,
    parts_of,
    seed_commitment,
)
from fedlearn.protocol.pairs import BOX_BYTES, held_of, mask_seed, pair_of, shares_make
from fedlearn.protocol.plan import cohort_hash, shape_of


def client_roster(
    state: ClientState, data: bytes, cohort: Sequence[PublicKey], block_hash: bytes
) -> tuple[ClientState, bytes]:
    """Take the ``Roster``, check it, and answer with the sealed ``Shares``.

    ``block_hash`` is, by the hub's own ledger, that of the first block after the one that holds the roster's
    ``keys_root``: the caller reads both from the ledger, never from the server. Raises ``CohortWrong``, ``NotAMember``,
    ``TooFewParticipants``, ``RosterUnproved``, ``BadSignature``, ``KeysRepeated``, ``KeyMaterialInvalid`` and what
    every step may: ``Malformed``, ``OtherRound``, ``MessageMalformed``, ``AnotherMessage``, ``StageWrong``.
    """
    if repeated(state.took_roster, data, state.advert):
        return state, state.shares
    roster = message_of(Roster, data, state.plan.round_id)
    participants = _participants_check(state, roster, cohort)
    place = participants.index(state.index)
    shape = shape_of(len(participants), state.plan.mode, state.plan.dropout_pm)
    seed = graph_seed(block_hash, roster.keys_root)
    nodes = graph_of(seed, shape.members, shape.degree).neighbours(place)
    _peers_check(state, roster.peers, [participants[node] for node in nodes], cohort)
    mine = X25519Secret(state.seal_secret)
    pairs = [pair_of(mine, peer.seal_public, state.plan.round_id) for peer in roster.peers]
    outgoing = [pair.outgoing for pair in pairs]
    boxes, own_share = shares_make(state.self_seed, state.mask_secret, outgoing, shape.threshold)
    commitment = seed_commitment(state.plan.round_id, state.self_seed)
    answer = encode(Shares(state.plan.round_id, state.index, commitment, boxes))
    taken = with_(
        state,
        took_roster=sha256(data),
        participants=roster.participants,
        members=len(participants),
        place=place,
        graph_seed=seed,
        peers=roster.peers,
        incoming=tuple(pair.incoming for pair in pairs),
        own_share=own_share,
        shares=answer,
    )
    return taken, answer


def client_inbox(state: ClientState, data: bytes, values: Words) -> tuple[ClientState, bytes]:
    """Take the ``Inbox``, and answer with the ``Masked`` vector of the hub's values.

    ``values`` are the plan's ``length`` 32-bit words: clipped, quantised and with the hub's noise. When the step is
    repeated they are ignored: what is sent again is what was sent before, since two vectors under one mask would show
    their difference. A box that can't be opened counts as a share that is not there. Raises ``LengthWrong``,
    ``BelowThreshold`` when too few neighbours shared their secrets, and what every step may.
    """
    if repeated(state.took_inbox, data, state.shares):
        return state, state.masked
    inbox = message_of(Inbox, data, state.plan.round_id)
    if values.shape != (state.plan.length,) or values.dtype != np.uint32:
        raise LengthWrong
    shape = state.shape
    present = flags_of(inbox.senders, shape.degree).tolist()
    if sum(present) < shape.threshold:
        raise BelowThreshold
    held = _held(state, present, inbox.boxes)
    mine = X25519Secret(state.mask_secret)
    total = MaskSum(state.plan.length)
    total.total += values
    total.mask(state.self_seed, 1)
    for peer, index, there in zip(state.peers, peer_indexes(state), present, strict=True):
        if there:
            total.mask(mask_seed(mine, peer.mask_public, state.plan.round_id), sign_of(state.index, index))
    vector = total.total.astype("<u4", copy=False).tobytes()
    answer = encode(Masked(state.plan.round_id, state.index, vector))
    return with_(state, took_inbox=sha256(data), senders=inbox.senders, held=held, masked=answer), answer


def peer_places(state: ClientState) -> tuple[int, ...]:
    """The neighbours' places among the participants, in the order of their points."""
    return graph_of(state.graph_seed, state.members, state.shape.degree).neighbours(state.place)


def peer_indexes(state: ClientState) -> list[int]:
    """The neighbours' indexes in the cohort, in the order of their points."""
    participants = members_of(state.participants, 8 * len(state.participants))
    return [participants[place] for place in peer_places(state)]


def _participants_check(state: ClientState, roster: Roster, cohort: Sequence[PublicKey]) -> list[int]:
    """The participants' cohort indexes; this hub and its keys must be among them, and there must be enough."""
    if cohort_hash(cohort) != state.plan.cohort:
        raise CohortWrong
    participants = members_of(roster.participants, len(cohort))
    if state.index not in participants:
        raise NotAMember
    if len(participants) < max(state.plan.minimum, MIN_MEMBERS):
        raise TooFewParticipants
    place = participants.index(state.index)
    if not verify_path(leaf_hash(state.advert), place, len(participants), roster.path, roster.keys_root):
        raise RosterUnproved
    return participants


def _peers_check(
    state: ClientState, peers: Sequence[PeerKeys], indexes: Sequence[int], cohort: Sequence[PublicKey]
) -> None:
    """The neighbours' keys must be exactly those that they signed for this round, and no key may come twice."""
    if len(peers) != len(indexes):
        raise MessageMalformed
    for peer, index in zip(peers, indexes, strict=True):
        digest = advert_digest(state.plan.round_id, index, peer.seal_public, peer.mask_public)
        if not verify(cohort[index], digest, peer.signature):
            raise BadSignature(f"{BadSignature.title} (member {index})")
    own = message_of(Advert, state.advert, state.plan.round_id)
    keys = [own.seal_public, own.mask_public]
    keys += [key for peer in peers for key in (peer.seal_public, peer.mask_public)]
    if len(set(keys)) != len(keys):
        raise KeysRepeated


def _held(state: ClientState, present: Sequence[bool], boxes: bytes) -> tuple[bytes, ...]:
    """The shares that this hub holds of each neighbour, in the order of points; empty where it holds none."""
    shape = state.shape
    graph = graph_of(state.graph_seed, shape.members, shape.degree)
    points = [graph.point_of_owner(number) for number in range(shape.degree)]
    sealed = sum(there and point >= shape.threshold for there, point in zip(present, points, strict=True))
    rest = iter(parts_of(boxes, BOX_BYTES, sealed))
    held = []
    for there, point, incoming in zip(present, points, state.incoming, strict=True):
        box = next(rest) if there and point >= shape.threshold else b""
        held.append(held_of(incoming, point, shape.threshold, box) if there else b"")
    return tuple(held)
