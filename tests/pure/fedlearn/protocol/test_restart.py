"""A killed hub or server goes on from its stored bytes and says the same again; nothing else is said for a stage."""

from __future__ import annotations

import numpy as np
import pytest

from chain.core.codec import encode
from chain.crypto.prg import SeededRandom
from fedlearn.protocol.client import client_inbox, client_roster
from fedlearn.protocol.client_state import client_decode, client_encode, client_forget, client_start
from fedlearn.protocol.client_unmask import client_proof, client_survivors
from fedlearn.protocol.errors import AnotherMessage, StageWrong
from fedlearn.protocol.plan import HONEST, MALICIOUS
from fedlearn.protocol.server import (
    server_advert,
    server_adverts_close,
    server_masked,
    server_masked_close,
    server_rosters,
    server_shares,
    server_shares_close,
)
from fedlearn.protocol.server_state import server_decode, server_encode
from fedlearn.protocol.server_unmask import server_sum, server_unmask, server_vote, server_votes_close
from tests.pure.fedlearn.protocol.world import BLOCK, World, job_secret


@pytest.mark.parametrize("mode", [HONEST, MALICIOUS])
def test_a_round_whose_sides_restart_between_all_steps_is_the_same_round(mode):
    steady, restarted = World(6, mode=mode), World(6, mode=mode, reload=True)
    gone = {4}
    assert (steady.run(unmasked=gone) == restarted.run(unmasked=gone)).all()
    assert steady.log == restarted.log


@pytest.mark.parametrize("mode", [HONEST, MALICIOUS])
def test_a_hub_killed_after_any_step_sends_the_same_bytes_again(mode):
    world = World(4, mode=mode)
    world.start(range(4))
    rosters = world.rosters()
    inboxes = world.share()
    survivors = world.mask(inboxes)
    world.unmask(survivors)
    state = world.client(0)
    other_values = np.ones(world.length, dtype=np.uint32)
    again = [
        client_roster(state, rosters[0], world.cohort, BLOCK),
        client_inbox(state, inboxes[0], other_values),
        client_survivors(state, survivors, job_secret(0)),
    ]
    assert [answer for _, answer in again] == [state.shares, state.masked, state.vote or state.unmask]
    assert all(after == state for after, _ in again)
    if mode == MALICIOUS:
        _, proofs = server_votes_close(world.server)
        assert client_proof(state, proofs[0], world.cohort) == (state, state.unmask)


def test_the_bytes_of_a_state_are_the_state():
    world = World(4)
    world.run(unmasked={2})
    for state in world.clients.values():
        assert client_decode(client_encode(state)) == state
    assert server_decode(server_encode(world.server)) == world.server


def test_another_message_for_an_answered_stage_is_refused():
    world = World(4)
    world.start(range(4))
    rosters = world.rosters()
    inboxes = world.share()
    with pytest.raises(AnotherMessage):
        client_roster(world.client(0), rosters[1], world.cohort, BLOCK)
    world.mask(inboxes)
    with pytest.raises(AnotherMessage):
        client_inbox(world.client(0), inboxes[1], world.values[0])


def test_a_step_that_comes_too_early_is_refused():
    world = World(4, mode=MALICIOUS)
    world.start(range(4))
    state = world.client(0)
    for step in (
        lambda: client_inbox(state, b"", world.values[0]),
        lambda: client_survivors(state, b"", job_secret(0)),
        lambda: client_proof(state, b"", world.cohort),
        lambda: server_rosters(world.server, BLOCK),
        lambda: server_shares(world.server, b""),
        lambda: server_shares_close(world.server),
        lambda: server_masked(world.server, b""),
        lambda: server_masked_close(world.server),
        lambda: server_vote(world.server, b""),
        lambda: server_unmask(world.server, b""),
        lambda: server_sum(world.server),
    ):
        with pytest.raises(StageWrong):
            step()


def test_the_server_takes_every_message_once():
    world = World(4, mode=MALICIOUS)
    world.start(range(4))
    adverts = [state.advert for state in world.clients.values()]
    assert server_advert(world.server, adverts[0]) == world.server
    inboxes = world.share()
    with pytest.raises(StageWrong):
        server_advert(world.server, adverts[0])
    assert server_shares_close(world.server)[1] == inboxes
    masked = client_inbox(world.client(0), inboxes[0], world.values[0])[1]
    once = server_masked(world.server, masked)
    assert server_masked(once, masked) == once
    survivors = world.mask(inboxes)
    assert server_masked_close(world.server) == (world.server, survivors)
    world.unmask(survivors)
    assert server_unmask(world.server, world.client(1).unmask) == world.server
    assert (server_sum(world.server) == world.plain_sum()).all()


def test_a_second_vector_of_one_hub_is_refused():
    world = World(4)
    world.start(range(4))
    inboxes = world.share()
    first = client_inbox(world.client(0), inboxes[0], world.values[0])[1]
    second = client_inbox(world.client(0), inboxes[0], world.values[1])[1]
    taken = server_masked(world.server, first)
    with pytest.raises(AnotherMessage):
        server_masked(taken, second)


def test_late_messages_are_refused_when_their_stage_is_closed():
    world = World(5)
    world.start(range(5))
    rosters = world.rosters()
    late_shares = client_roster(world.client(4), rosters[4], world.cohort, BLOCK)[1]
    inboxes = world.share(silent={4})
    with pytest.raises(StageWrong):
        server_shares(world.server, late_shares)
    late_vector = client_inbox(world.client(3), inboxes[3], world.values[3])[1]
    survivors = world.mask(inboxes, {3})
    with pytest.raises(StageWrong):
        server_masked(world.server, late_vector)
    world.unmask(survivors)
    assert (server_sum(world.server) == world.plain_sum({3, 4})).all()


def test_the_roster_of_another_block_is_refused_once_the_graph_is_fixed():
    world = World(4)
    world.start(range(4))
    rosters = world.rosters()
    assert server_rosters(world.server, BLOCK)[1] == rosters
    with pytest.raises(AnotherMessage):
        server_rosters(world.server, b"x" * 32)
    with pytest.raises(StageWrong):
        server_adverts_close(world.server)


def test_a_forgotten_round_keeps_no_secret():
    world = World(3)
    world.run()
    state = world.client(0)
    left = client_forget(state)
    assert left.round_id == world.plan.round_id
    for secret in (state.self_seed, state.mask_secret, state.seal_secret):
        assert secret in client_encode(state) and secret not in encode(left)


def test_no_seed_or_key_repeats_over_rounds_and_hubs():
    random = SeededRandom(b"r" * 32)
    seen: list[bytes] = []
    for number in range(1, 6):
        world = World(6, round_=number)
        for index in range(6):
            state, _ = client_start(world.plan, world.cohort, job_secret(index), random)
            seen += [state.self_seed, state.mask_secret, state.seal_secret]
    assert len(set(seen)) == len(seen) == 5 * 6 * 3
