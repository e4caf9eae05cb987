"""The server's steps in a round of secure aggregation up to the masked sum; ``server_unmask`` goes on from there.

Taking a message gives a new state; taking it again gives the same. ``*_close`` ends a stage at the caller's deadline,
and what comes later for it is refused with ``StageWrong``. What the server sends follows from its state alone. The
caller makes sure that a message's ``sender`` is who the channel says it is.
"""

from __future__ import annotations

import numpy as np

from chain.core.codec import encode
from chain.core.merkle import leaf_hashes, levels_of, path_in, root
from chain.crypto.secp256k1 import verify
from chain.crypto.x25519 import is_usable_public
from fedlearn.protocol.bits import bits_of
from fedlearn.protocol.errors import (
    AnotherMessage,
    BadSignature,
    KeysRepeated,
    KeysUnusable,
    LengthWrong,
    MessageMalformed,
    SenderUnknown,
    TooFewParticipants,
)
from fedlearn.protocol.graph import MIN_MEMBERS, graph_seed
from fedlearn.protocol.messages import (
    Advert,
    Inbox,
    Masked,
    PeerKeys,
    Roster,
    Shares,
    Survivors,
    advert_digest,
    message_of,
)
from fedlearn.protocol.pairs import BOX_BYTES
from fedlearn.protocol.plan import MALICIOUS
from fedlearn.protocol.server_state import (
    ADVERTISE,
    CONFIRM,
    MASK,
    ROSTER,
    SHARE,
    UNMASK,
    ServerAnswers,
    ServerShares,
    ServerState,
    ServerSum,
    fingerprint,
    place_of,
    put,
    stage_require,
    with_,
)
from fedlearn.protocol.server_state import ServerKeys as Keys


def server_advert(state: ServerState, data: bytes) -> ServerState:
    """Take a hub's ``Advert``. Raises ``SenderUnknown``, ``BadSignature``, ``KeysRepeated``, ``KeysUnusable``, and what
    every step may: ``Malformed`` (chain.core), ``OtherRound``, ``StageWrong``, ``AnotherMessage``.
    """
    stage_require(state, ADVERTISE)
    advert = message_of(Advert, data, state.plan.round_id)
    if advert.sender >= len(state.cohort):
        raise SenderUnknown
    digest = advert_digest(state.plan.round_id, advert.sender, advert.seal_public, advert.mask_public)
    if not verify(state.cohort[advert.sender], digest, advert.signature):
        raise BadSignature
    if advert.seal_public == advert.mask_public:
        raise KeysRepeated
    if not (is_usable_public(advert.seal_public) and is_usable_public(advert.mask_public)):
        raise KeysUnusable
    return with_(state, keys=Keys(put(state.keys.adverts, advert.sender, data)))


def server_adverts_close(state: ServerState) -> tuple[ServerState, bytes]:
    """No more members. Gives the Merkle root of their adverts, which must go on the ledger before the roster.

    Raises ``TooFewParticipants``, ``StageWrong``.
    """
    stage_require(state, ADVERTISE)
    came = [index for index, advert in enumerate(state.keys.adverts) if advert]
    if len(came) < max(state.plan.minimum, MIN_MEMBERS):
        raise TooFewParticipants(f"{len(came)} hubs came where {state.plan.minimum} are the minimum")
    keys = Keys(state.keys.adverts, bits_of(came, len(state.cohort)))
    state = with_(state, stage=ROSTER, keys=keys)
    return state, keys_root(state)


def keys_root(state: ServerState) -> bytes:
    """The root over the participants' adverts in the order of their places."""
    return root(leaf_hashes(_adverts(state)))


def server_rosters(state: ServerState, block_hash: bytes) -> tuple[ServerState, dict[int, bytes]]:
    """The ``Roster`` for each participant by cohort index; ``block_hash`` is that of the first block after the root's.

    Raises ``StageWrong``, or ``AnotherMessage`` for a second block hash.
    """
    stage_require(state, ROSTER, SHARE)
    adverts = _adverts(state)
    levels = levels_of(leaf_hashes(adverts))
    seed = graph_seed(block_hash, levels[-1][0])
    if state.keys.graph_seed and state.keys.graph_seed != seed:
        raise AnotherMessage
    shares = state.boxes if state.boxes.shares else ServerShares((b"",) * len(adverts))
    keys = Keys(state.keys.adverts, state.keys.participants, seed)
    state = with_(state, stage=SHARE, keys=keys, boxes=shares)
    parsed = [message_of(Advert, data, state.plan.round_id) for data in adverts]
    peers = [PeerKeys(advert.seal_public, advert.mask_public, advert.signature) for advert in parsed]
    graph, round_id, participants = state.graph, state.plan.round_id, state.keys.participants
    rosters = {
        advert.sender: encode(
            Roster(
                round_id,
                participants,
                levels[-1][0],
                path_in(levels, place),
                tuple(peers[node] for node in graph.neighbours(place)),
            )
        )
        for place, advert in enumerate(parsed)
    }
    return state, rosters


def server_shares(state: ServerState, data: bytes) -> ServerState:
    """Take a hub's ``Shares``. Raises ``SenderUnknown``, ``MessageMalformed``, and what every step may."""
    stage_require(state, SHARE)
    message = message_of(Shares, data, state.plan.round_id)
    place = place_of(state, message.sender)
    shape = state.shape
    if len(message.boxes) != BOX_BYTES * (shape.degree - shape.threshold + 1):
        raise MessageMalformed
    return with_(state, boxes=ServerShares(put(state.boxes.shares, place, data)))


def server_shares_close(state: ServerState) -> tuple[ServerState, dict[int, bytes]]:
    """The ``Inbox`` for each hub that shared, by cohort index; asked again it gives the same.

    Raises ``TooFewParticipants`` and ``StageWrong``.
    """
    stage_require(state, SHARE, MASK)
    shares = [data and message_of(Shares, data, state.plan.round_id).boxes for data in state.boxes.shares]
    came = [place for place, data in enumerate(state.boxes.shares) if data]
    if len(came) < max(state.plan.minimum, MIN_MEMBERS - 1):
        raise TooFewParticipants(f"{len(came)} hubs shared where {state.plan.minimum} are the minimum")
    if state.stage == SHARE:
        total = bytes(4 * state.plan.length)
        state = with_(state, stage=MASK, sums=ServerSum(total, (b"",) * len(shares)))
    participants, there = state.participants, set(came)
    return state, {participants[place]: _inbox(state, place, shares, there) for place in came}


def _inbox(state: ServerState, holder: int, boxes: list[bytes], there: set[int]) -> bytes:
    graph, shape = state.graph, state.shape
    senders, parts = [], []
    for number, owner in enumerate(graph.neighbours(holder)):
        if owner not in there:
            continue
        senders.append(number)
        at = BOX_BYTES * (graph.point_of_owner(number) - shape.threshold)
        if at >= 0:
            parts.append(boxes[owner][at : at + BOX_BYTES])
    return encode(Inbox(state.plan.round_id, bits_of(senders, shape.degree), b"".join(parts)))


def server_masked(state: ServerState, data: bytes) -> ServerState:
    """Take a hub's ``Masked`` vector: add it to the sum and forget it.

    Raises ``SenderUnknown`` for a hub that shared no secrets, ``LengthWrong``, and what every step may.
    """
    stage_require(state, MASK)
    message = message_of(Masked, data, state.plan.round_id)
    place = place_of(state, message.sender)
    if not state.boxes.shares[place]:
        raise SenderUnknown
    if len(message.vector) != len(state.sums.total):
        raise LengthWrong
    mark = fingerprint(data)
    taken = put(state.sums.taken, place, mark)
    if state.sums.taken[place] == mark:
        return state
    total = np.frombuffer(state.sums.total, "<u4") + np.frombuffer(message.vector, "<u4")
    return with_(state, sums=ServerSum(total.tobytes(), taken))


def server_masked_close(state: ServerState) -> tuple[ServerState, bytes]:
    """No more vectors: the ``Survivors`` to tell everyone; asked again it gives the same.

    Raises ``TooFewParticipants`` and ``StageWrong``.
    """
    stage_require(state, MASK, CONFIRM, UNMASK)
    if state.stage != MASK:
        return state, state.answers.survivors
    count = len(state.sums.taken)
    alive = [place for place in range(count) if state.sums.taken[place]]
    dropped = [place for place in range(count) if state.boxes.shares[place] and not state.sums.taken[place]]
    if len(alive) < state.plan.minimum:
        raise TooFewParticipants(f"{len(alive)} vectors came where {state.plan.minimum} are the minimum")
    survivors = encode(Survivors(state.plan.round_id, bits_of(alive, count), bits_of(dropped, count)))
    answers = ServerAnswers(survivors, (b"",) * count, (b"",) * count)
    stage = CONFIRM if state.plan.mode == MALICIOUS else UNMASK
    return with_(state, stage=stage, answers=answers), survivors


def _adverts(state: ServerState) -> list[bytes]:
    return [state.keys.adverts[index] for index in state.participants]
