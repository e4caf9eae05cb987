"""Whole rounds: the sum is exact whoever drops out where, and below the threshold nothing is opened."""

from __future__ import annotations

import numpy as np
import pytest

from chain.crypto.hashing import tagged
from chain.crypto.prg import keystream
from fedlearn.protocol.errors import BelowThreshold, TooFewParticipants
from fedlearn.protocol.masks import apply_masks
from fedlearn.protocol.plan import HONEST, MALICIOUS
from fedlearn.protocol.server import keys_root
from fedlearn.protocol.server_unmask import server_openable, server_sum
from tests.pure.fedlearn.protocol.world import World


def lost(members: int, per_cent: int) -> set[int]:
    """So many of the members, spread over them."""
    count = members * per_cent // 100
    return {number * members // count for number in range(count)} if count else set()


@pytest.mark.parametrize("mode", [HONEST, MALICIOUS])
@pytest.mark.parametrize("per_cent", [0, 10, 30])
@pytest.mark.parametrize("members", [3, 20])
def test_the_sum_is_exact(members, per_cent, mode):
    gone = lost(members, per_cent)
    world = World(members, mode=mode, length=1000)
    assert (world.run(unmasked=gone) == world.plain_sum(gone)).all()


@pytest.mark.parametrize("per_cent", [0, 10, 30])
def test_the_sum_of_a_hundred_is_exact(per_cent):
    gone = lost(100, per_cent)
    world = World(100)
    assert (world.run(unmasked=gone) == world.plain_sum(gone)).all()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("per_cent", [0, 10, 30])
def test_the_sum_of_a_thousand_is_exact(per_cent):
    gone = lost(1000, per_cent)
    world = World(1000, length=16)
    assert (world.run(unmasked=gone) == world.plain_sum(gone)).all()


def test_the_sum_of_a_sparse_graph_is_exact():
    gone = lost(130, 20)
    world = World(130, dropout_pm=200)
    assert (world.run(unmasked=gone) == world.plain_sum(gone)).all()
    assert world.server.shape.degree == 100


@pytest.mark.parametrize("mode", [HONEST, MALICIOUS])
def test_hubs_may_be_lost_before_every_stage(mode):
    world = World(20, mode=mode)
    total = world.run(never={0}, unshared={5}, unmasked={7, 11}, unanswered={13})
    assert (total == world.plain_sum({0, 5, 7, 11})).all()


def test_of_three_homes_one_may_drop_out():
    world = World(3)
    assert (world.run(unmasked={1}) == world.plain_sum({1})).all()


def test_threads_give_the_same_sum():
    total = keystream(b"t" * 32, 40_000)
    seeds = [(tagged("seed", bytes([number])), 1 if number % 3 else -1) for number in range(200)]
    alone = apply_masks(total, iter(seeds), threads=1)
    assert (apply_masks(total, iter(seeds), threads=2) == alone).all()
    assert (apply_masks(total, iter(seeds), threads=3) == alone).all()
    undone = apply_masks(alone, ((seed, -sign) for seed, sign in seeds), threads=2)
    assert (undone == total).all()


def test_a_masked_vector_looks_nothing_like_its_values_and_the_sum_of_all_is_masked_too():
    world = World(3, length=4096)
    world.values = {index: np.zeros(4096, dtype=np.uint32) for index in range(3)}
    world.start(range(3))
    survivors = world.mask(world.share())
    total = np.frombuffer(world.server.sums.total, "<u4")
    # Of 4,096 uniform words the top bit is set in 2,048, give or take five standard deviations of 32.
    assert abs(int((total >> 31).sum()) - 2048) < 160
    world.unmask(survivors)
    assert not server_sum(world.server).any()


@pytest.mark.parametrize("unmasked", [set(), {3}])
def test_below_the_threshold_the_round_is_given_up(unmasked):
    world = World(20)
    threshold = 11
    world.start(range(20))
    survivors = world.mask(world.share(), unmasked)
    answering = [index for index in range(20) if index not in unmasked][: threshold - 1]
    world.unmask(survivors, set(range(20)) - set(answering))
    assert not server_openable(world.server)
    with pytest.raises(BelowThreshold):
        server_sum(world.server)


def test_hubs_do_not_answer_when_too_few_neighbours_survive():
    world = World(20)
    world.start(range(20))
    survivors = world.mask(world.share(), set(range(10)))
    with pytest.raises(BelowThreshold):
        world.unmask(survivors)


def test_hubs_do_not_mask_when_too_few_neighbours_shared():
    world = World(20)
    world.start(range(20))
    with pytest.raises(BelowThreshold):
        world.mask(world.share(set(range(10))))


def test_the_round_is_given_up_below_its_minimum_at_every_stage():
    few = World(6, minimum=5)
    few.start(range(4))
    with pytest.raises(TooFewParticipants):
        few.rosters()
    few = World(6, minimum=5)
    few.start(range(6))
    with pytest.raises(TooFewParticipants):
        few.share(silent={0, 1})
    few = World(6, minimum=5)
    few.start(range(6))
    with pytest.raises(TooFewParticipants):
        few.mask(few.share(), {0, 1})


def test_a_round_can_be_opened_as_soon_as_enough_shares_came():
    world = World(5)
    world.start(range(5))
    survivors = world.mask(world.share())
    assert not server_openable(world.server)
    world.unmask(survivors, {0, 1})
    assert server_openable(world.server)
    assert (server_sum(world.server) == world.plain_sum()).all()


def test_two_seeded_runs_are_equal_and_another_seed_is_not():
    first, second, other = World(5), World(5), World(5, seed=b"o" * 32)
    assert (first.run(unmasked={2}) == second.run(unmasked={2})).all()
    assert first.log == second.log and first.server == second.server
    other.run(unmasked={2})
    assert not set(first.log) & set(other.log)


def test_the_root_of_the_keys_is_over_all_adverts():
    world = World(4)
    world.start(range(4))
    world.rosters()
    first = keys_root(world.server)
    other = World(4, seed=b"o" * 32)
    other.start(range(4))
    other.rosters()
    assert keys_root(other.server) != first
