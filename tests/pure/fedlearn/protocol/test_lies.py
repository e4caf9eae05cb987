"""A server that lies about survivors: what it is told opens nobody's vector."""

from __future__ import annotations

from contextlib import suppress
from itertools import product

import msgspec
import numpy as np
import pytest

from chain.core.codec import decode, encode
from fedlearn.protocol.bits import bits_of
from fedlearn.protocol.client import client_inbox
from fedlearn.protocol.client_state import ClientState
from fedlearn.protocol.client_unmask import client_proof, client_survivors
from fedlearn.protocol.errors import (
    BelowThreshold,
    LeftOut,
    MessageMalformed,
    PeerAliveAndDropped,
    SecretNotRebuilt,
    SurvivorsChanged,
    SurvivorsIncomplete,
    SurvivorsUnconfirmed,
    TooFewParticipants,
)
from fedlearn.protocol.graph import graph_of
from fedlearn.protocol.messages import (
    Inbox,
    Masked,
    SurvivorProof,
    Survivors,
    SurvivorVote,
    Unmask,
)
from fedlearn.protocol.plan import HONEST, MALICIOUS, shape_of
from fedlearn.protocol.server_state import ServerAnswers
from fedlearn.protocol.server_unmask import server_sum
from fedlearn.protocol.shamir import combine
from tests.pure.fedlearn.protocol.world import World, job_secret


def masked_world(members: int, mode: str = HONEST, **options: object) -> World:
    """All hubs have sent their vectors."""
    world = World(members, mode=mode, **options)  # type: ignore[arg-type]
    world.start(range(members))
    world.mask(world.share())
    return world


def told(world: World, alive: set[int], dropped: set[int]) -> bytes:
    count = world.members
    return encode(Survivors(world.plan.round_id, bits_of(alive, count), bits_of(dropped, count)))


def everyone(world: World) -> set[int]:
    return set(range(world.members))


def asked(world: World, index: int, survivors: bytes) -> tuple[ClientState, bytes]:
    return client_survivors(world.client(index), survivors, job_secret(index))


def shares_about(world: World, holder: int, answer: bytes) -> dict[int, tuple[int, bytes]]:
    """By owner, the point and the share in a hub's ``Unmask`` answer, as the server reads it."""
    message = decode(Unmask, answer)
    shape = shape_of(world.members, world.mode, world.dropout_pm)
    neighbours = graph_of(world.server.keys.graph_seed, shape.members, shape.degree).neighbours(holder)
    numbers = [n for n in range(shape.degree + 1) if message.given[n // 8] >> n % 8 & 1]
    parts = [message.shares[at : at + 32] for at in range(0, len(message.shares), 32)]
    owners = [neighbours[n] if n < shape.degree else holder for n in numbers]
    points = [shape.degree - n if n < shape.degree else shape.degree + 1 for n in numbers]
    return dict(zip(owners, zip(points, parts, strict=True), strict=True))


# Asking one hub for both kinds.


def test_a_list_with_a_peer_both_alive_and_dropped_is_refused():
    world = masked_world(4)
    with pytest.raises(PeerAliveAndDropped):
        asked(world, 0, told(world, everyone(world), {2}))


@pytest.mark.parametrize("mode", [HONEST, MALICIOUS])
def test_a_second_list_that_moves_a_peer_to_the_other_side_is_refused(mode):
    world = masked_world(5, mode)
    first, second = told(world, everyone(world), set()), told(world, {0, 1, 3, 4}, {2})
    for before, after in ((first, second), (second, first)):
        state, answer = asked(world, 0, before)
        world.clients[0] = state
        with pytest.raises(PeerAliveAndDropped):
            asked(world, 0, after)
        assert asked(world, 0, before) == (state, answer)
        world.clients[0] = msgspec.structs.replace(state, survivors=b"", vote=b"", unmask=b"")


def test_any_other_second_list_is_refused_too():
    world = masked_world(6)
    world.clients[0], _ = asked(world, 0, told(world, everyone(world), set()))
    with pytest.raises(SurvivorsChanged):
        asked(world, 0, told(world, {0, 1, 2, 3, 4}, set()))


def test_the_answer_gives_one_share_for_a_peer_and_none_of_the_other_kind():
    world = masked_world(5)
    alive, dropped = {0, 1, 2, 4}, {3}
    state, answer = asked(world, 0, told(world, alive, dropped))
    given = shares_about(world, 0, answer)
    shape = state.shape
    places = graph_of(state.graph_seed, shape.members, shape.degree).neighbours(0)
    for place, held in zip(places, state.held, strict=True):
        seed_share, key_share = held[:32], held[32:]
        wanted, kept = (seed_share, key_share) if place in alive else (key_share, seed_share)
        assert given[place][1] == wanted and kept not in answer
    assert state.unmask == answer


# Different lists for different hubs.


@pytest.mark.parametrize("members", [3, 4, 5, 6])
def test_however_a_server_divides_the_hubs_it_gets_shares_of_one_secret_of_a_hub_at_most(members):
    """Every way of telling each of the others whether hub 0 is alive, which hub 0 always believes itself."""
    world = masked_world(members)
    threshold = shape_of(members, HONEST, world.dropout_pm).threshold
    alive, without = told(world, everyone(world), set()), told(world, everyone(world) - {0}, {0})
    for lie in product((alive, without), repeat=members - 1):
        points: dict[bytes, list[tuple[int, bytes]]] = {alive: [], without: []}
        for index, survivors in enumerate((alive, *lie)):
            with suppress(BelowThreshold):
                answer = asked(world, index, survivors)[1]
                points[survivors].append(shares_about(world, index, answer)[0])
        assert min(map(len, points.values())) < threshold
        state = world.client(0)
        for survivors, secret in ((alive, state.self_seed), (without, state.mask_secret)):
            if len(points[survivors]) >= threshold:
                assert combine(points[survivors], threshold) == secret
            elif points[survivors]:
                assert combine(points[survivors], len(points[survivors])) != secret


def test_a_server_that_tells_two_halves_different_survivors_can_not_open_the_round():
    world = masked_world(20)
    lists = [told(world, everyone(world), set()), told(world, everyone(world) - {0}, {0})]
    told_to = [lists[index % 2 if index else 0] for index in range(20)]
    answers = [asked(world, index, survivors)[1] for index, survivors in enumerate(told_to)]
    for survivors in lists:
        fitting = tuple(answer if survivors == to else b"" for answer, to in zip(answers, told_to, strict=True))
        for used, error in ((fitting, BelowThreshold), (tuple(answers), SecretNotRebuilt)):
            lied = ServerAnswers(survivors, (b"",) * 20, used)
            with pytest.raises(error):
                server_sum(msgspec.structs.replace(world.server, answers=lied))


def test_hubs_that_signed_different_lists_give_nothing_in_a_malicious_round():
    world = masked_world(12, MALICIOUS)
    lists = [told(world, everyone(world), set()), told(world, everyone(world) - {0}, {0})]
    marks: dict[int, tuple[int, bytes]] = {}
    for index in range(12):
        which = 0 if index < 6 else 1
        world.clients[index], vote = asked(world, index, lists[which])
        marks[index] = (which, decode(SurvivorVote, vote).signature)
    for index in range(12):
        for wanted in ({0}, {1}, {0, 1}):
            with pytest.raises(SurvivorsUnconfirmed):
                client_proof(world.client(index), proof_of(world, index, marks, wanted), world.cohort)
        assert not world.client(index).unmask


def proof_of(world: World, index: int, marks: dict[int, tuple[int, bytes]], lists: set[int]) -> bytes:
    state = world.client(index)
    places = graph_of(state.graph_seed, state.members, state.shape.degree).neighbours(index)
    signers = [number for number, place in enumerate(places) if place in marks and marks[place][0] in lists]
    signatures = tuple(marks[places[number]][1] for number in signers)
    return encode(SurvivorProof(world.plan.round_id, bits_of(signers, state.shape.degree), signatures))


@pytest.mark.parametrize("fault", ["few", "forged", "borrowed", "uneven"])
def test_a_proof_with_too_few_or_foreign_signatures_is_refused(fault):
    world = masked_world(7, MALICIOUS)
    survivors = told(world, everyone(world), set())
    marks = {}
    for index in range(7):
        world.clients[index], vote = asked(world, index, survivors)
        marks[index] = (0, decode(SurvivorVote, vote).signature)
    assert client_proof(world.client(0), proof_of(world, 0, marks, {0}), world.cohort)[1]
    threshold = world.client(0).shape.threshold
    if fault == "few":
        marks = {index: marks[index] for index in range(threshold - 1)}
    if fault == "forged":
        marks[3] = (0, bytes(64))
    if fault == "borrowed":
        marks[3] = marks[4]
    proof = decode(SurvivorProof, proof_of(world, 0, marks, {0}))
    if fault == "uneven":
        proof = msgspec.structs.replace(proof, signatures=proof.signatures[:-1])
    with pytest.raises(SurvivorsUnconfirmed):
        client_proof(world.client(0), encode(proof), world.cohort)


def test_lists_that_leave_hubs_out_are_refused():
    world = masked_world(6, minimum=4)
    for error, alive, dropped in (
        (LeftOut, {1, 2, 3, 4, 5}, {0}),
        (LeftOut, {1, 2, 3, 4, 5}, set()),
        (TooFewParticipants, {0, 1, 2}, {3, 4, 5}),
        (SurvivorsIncomplete, {0, 1, 2, 3, 4}, set()),
    ):
        with pytest.raises(error):
            asked(world, 0, told(world, alive, dropped))
    with pytest.raises(MessageMalformed):
        asked(world, 0, encode(Survivors(world.plan.round_id, b"", b"")))


def test_an_inbox_with_missing_or_too_many_boxes_is_refused():
    world = World(5)
    world.start(range(5))
    inbox = decode(Inbox, world.share()[0])
    for boxes in (inbox.boxes[:-1], inbox.boxes + bytes(80), b""):
        with pytest.raises(MessageMalformed):
            client_inbox(world.client(0), encode(msgspec.structs.replace(inbox, boxes=boxes)), world.values[0])


def test_a_box_that_can_not_be_opened_blocks_nothing():
    world = World(7)
    world.start(range(7))
    inboxes = world.share()
    inbox = decode(Inbox, inboxes[0])
    inboxes[0] = encode(msgspec.structs.replace(inbox, boxes=bytes(len(inbox.boxes))))
    survivors = world.mask(inboxes)
    assert b"" in world.client(0).held
    world.unmask(survivors)
    assert (server_sum(world.server) == world.plain_sum()).all()


def test_a_server_that_hides_peers_from_an_inbox_gets_no_shares():
    world = World(7)
    world.start(range(7))
    inboxes = world.share()
    inbox = decode(Inbox, inboxes[0])
    state = world.client(0)
    few = state.shape.threshold - 1
    with pytest.raises(BelowThreshold):
        short = msgspec.structs.replace(inbox, senders=bits_of(range(few), state.shape.degree))
        client_inbox(state, encode(short), world.values[0])
    shown = few + 1
    boxes = inbox.boxes[: 80 * sum(state.shape.degree - n >= state.shape.threshold for n in range(shown))]
    hidden = encode(Inbox(world.plan.round_id, bits_of(range(shown), state.shape.degree), boxes))
    world.clients[0], masked = client_inbox(state, hidden, world.values[0])
    assert masked
    with pytest.raises(SurvivorsIncomplete):
        asked(world, 0, told(world, everyone(world), set()))


def test_the_sum_is_of_all_or_of_nobody_when_a_vector_is_missing():
    """A server that leaves a vector out of the sum gets noise of the pairwise masks, not the sum of the others."""
    world = masked_world(5)
    survivors = told(world, everyone(world), set())
    world.unmask(world.server.answers.survivors)
    state = world.server
    lone = np.frombuffer(decode(Masked, world.client(0).masked).vector, "<u4")
    total = (np.frombuffer(state.sums.total, "<u4") - lone).tobytes()
    lied = msgspec.structs.replace(state, sums=msgspec.structs.replace(state.sums, total=total))
    assert survivors == state.answers.survivors
    found = server_sum(lied)
    assert not (found == world.plain_sum({0})).any()
