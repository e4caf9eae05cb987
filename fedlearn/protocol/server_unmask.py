"""The server's last steps: confirm the survivors, collect shares, rebuild what is needed, take the masks away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chain.core.codec import encode
from chain.crypto.prg import Words
from chain.crypto.secp256k1 import verify
from chain.crypto.x25519 import X25519Secret
from fedlearn.protocol.bits import bits_of, flags_of, members_of
from fedlearn.protocol.errors import (
    BadSignature,
    BelowThreshold,
    MessageMalformed,
    SecretNotRebuilt,
    SenderUnknown,
    ShareInvalid,
)
from fedlearn.protocol.masks import apply_masks, sign_of
from fedlearn.protocol.messages import (
    Advert,
    Shares,
    SurvivorProof,
    Survivors,
    SurvivorVote,
    Unmask,
    message_of,
    parts_of,
    seed_commitment,
    survivors_digest,
)
from fedlearn.protocol.pairs import mask_seed
from fedlearn.protocol.server_state import (
    CONFIRM,
    UNMASK,
    ServerAnswers,
    ServerState,
    place_of,
    put,
    stage_require,
    with_,
)
from fedlearn.protocol.shamir import SHARE_BYTES, combine

Points = list[tuple[int, bytes]]


def server_vote(state: ServerState, data: bytes) -> ServerState:
    """Take a ``SurvivorVote``. Raises ``SenderUnknown``, ``BadSignature``, and what every step may."""
    stage_require(state, CONFIRM)
    vote = message_of(SurvivorVote, data, state.plan.round_id)
    place = place_of(state, vote.sender)
    if not state.sums.taken[place]:
        raise SenderUnknown
    if not verify(state.cohort[vote.sender], survivors_digest(state.answers.survivors), vote.signature):
        raise BadSignature
    answers = state.answers
    votes = put(answers.votes, place, data)
    return with_(state, answers=ServerAnswers(answers.survivors, votes, answers.unmasks))


def server_votes_close(state: ServerState) -> tuple[ServerState, dict[int, bytes]]:
    """The ``SurvivorProof`` for each hub that voted, by cohort index; asked again it gives the same.

    Raises ``BelowThreshold`` when no hub has enough neighbours that voted, and ``StageWrong``.
    """
    stage_require(state, CONFIRM, UNMASK)
    graph, threshold, participants = state.graph, state.shape.threshold, state.participants
    round_id, proofs = state.plan.round_id, {}
    votes = [data and message_of(SurvivorVote, data, round_id).signature for data in state.answers.votes]
    for place, vote in enumerate(votes):
        signers = [number for number, node in enumerate(graph.neighbours(place)) if votes[node]] if vote else []
        if vote and len(signers) + 1 >= threshold:
            marks = tuple(votes[node] for node in graph.neighbours(place) if votes[node])
            proofs[participants[place]] = encode(SurvivorProof(round_id, bits_of(signers, graph.degree), marks))
    if not proofs:
        raise BelowThreshold
    return with_(state, stage=UNMASK), proofs


def server_unmask(state: ServerState, data: bytes) -> ServerState:
    """Take a survivor's ``Unmask`` shares. Raises ``SenderUnknown``, ``MessageMalformed``, and what every step may."""
    stage_require(state, UNMASK)
    message = message_of(Unmask, data, state.plan.round_id)
    place = place_of(state, message.sender)
    if not state.sums.taken[place]:
        raise SenderUnknown
    given = members_of(message.given, state.shape.degree + 1)
    parts_of(message.shares, SHARE_BYTES, len(given))
    neighbours = state.graph.neighbours(place)
    if any(not state.boxes.shares[neighbours[number]] for number in given if number < len(neighbours)):
        raise MessageMalformed
    answers = state.answers
    unmasks = put(answers.unmasks, place, data)
    return with_(state, answers=ServerAnswers(answers.survivors, answers.votes, unmasks))


def server_openable(state: ServerState) -> bool:
    """Whether the shares that have come suffice for every secret that is needed."""
    if state.stage != UNMASK:
        return False
    threshold = state.shape.threshold
    return all(len(points) >= threshold for points in _points(state).values())


def server_sum(state: ServerState, threads: int = 2) -> Words:
    """The exact sum, modulo 2^32, of the survivors' vectors: ``length`` words.

    Raises ``BelowThreshold`` when a needed secret has too few shares, ``SecretNotRebuilt`` when shares of one
    contradict what its owner committed to, ``StageWrong``.
    """
    stage_require(state, UNMASK)
    points = _points(state)
    threshold = state.shape.threshold
    for place, shares in points.items():
        if len(shares) < threshold:
            raise BelowThreshold(f"{len(shares)} shares of member {state.participants[place]}, {threshold} are needed")
    total = np.frombuffer(state.sums.total, "<u4")
    return apply_masks(total, _Rebuild(state).masks(points), threads)


def _points(state: ServerState) -> dict[int, Points]:
    """By place the shares that came, of the seed for survivors and of the key for the dropped, by rising point."""
    survivors = message_of(Survivors, state.answers.survivors, state.plan.round_id)
    graph = state.graph
    needed = flags_of(survivors.alive, graph.members) | flags_of(survivors.dropped, graph.members)
    points: dict[int, Points] = {place: [] for place in np.flatnonzero(needed).tolist()}
    at = [*(graph.point_of_owner(number) for number in range(graph.degree)), graph.degree + 1]
    for holder, data in enumerate(state.answers.unmasks):
        if not data:
            continue
        message = message_of(Unmask, data, state.plan.round_id)
        given = members_of(message.given, graph.degree + 1)
        owners = (*graph.neighbours(holder), holder)
        for number, share in zip(given, parts_of(message.shares, SHARE_BYTES, len(given)), strict=True):
            points[owners[number]].append((at[number], share))
    for shares in points.values():
        shares.sort()
    return points


class _Rebuild:
    """What rebuilding needs of a state, read once."""

    def __init__(self, state: ServerState) -> None:
        self.round_id = state.plan.round_id
        self.participants = state.participants
        self.graph = state.graph
        self.threshold = state.shape.threshold
        self.shares = state.boxes.shares
        survivors = message_of(Survivors, state.answers.survivors, self.round_id)
        self.alive: list[bool] = flags_of(survivors.alive, self.graph.members).tolist()
        adverts = (message_of(Advert, state.keys.adverts[index], self.round_id) for index in self.participants)
        self.publics = [advert.mask_public for advert in adverts]

    def masks(self, points: dict[int, Points]) -> Iterator[tuple[bytes, int]]:
        """The masks that are in the sum, with the signs that take them away."""
        for place, shares in points.items():
            if self.alive[place]:
                yield self.seed(place, shares), -1
                continue
            secret = self.key(place, shares)
            for peer in self.graph.neighbours(place):
                if self.alive[peer]:
                    sign = sign_of(self.participants[peer], self.participants[place])
                    yield mask_seed(secret, self.publics[peer], self.round_id), -sign

    def seed(self, place: int, shares: Points) -> bytes:
        commitment = message_of(Shares, self.shares[place], self.round_id).seed_commitment
        for candidate in _candidates(shares, self.threshold):
            if seed_commitment(self.round_id, candidate) == commitment:
                return candidate
        raise SecretNotRebuilt(self.participants[place])

    def key(self, place: int, shares: Points) -> X25519Secret:
        for candidate in _candidates(shares, self.threshold):
            secret = X25519Secret(candidate)
            if secret.public == self.publics[place]:
                return secret
        raise SecretNotRebuilt(self.participants[place])


def _candidates(shares: Points, threshold: int) -> Iterator[bytes]:
    """What runs of ``threshold`` shares give: the first run, and if that is wrong those that leave others out.

    One wrong share, or several next to each other, are thereby left out; many scattered ones are not.
    """
    for start in range(len(shares) if len(shares) > threshold else 1):
        try:
            yield combine((*shares[start:], *shares[:start]), threshold)
        except ShareInvalid:
            continue
