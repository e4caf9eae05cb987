"""The graph of a round: regular, symmetric, fixed by its seed; the chance of an abort is the true one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from chain.crypto.hashing import sha256
from chain.crypto.prg import SeededRandom
from fedlearn.protocol import graph as graph_module
from fedlearn.protocol.bits import bits_of, flags_of, members_of
from fedlearn.protocol.errors import MessageMalformed, ModeUnknown, TooFewMembers
from fedlearn.protocol.graph import Graph, abort_chance, abort_chance_of, degree_for, graph_seed, permutation
from fedlearn.protocol.plan import HONEST, MALICIOUS, round_abort_chance, shape_of

SEED = sha256(b"graph")


@pytest.mark.parametrize(("members", "degree"), [(3, 2), (4, 3), (20, 19), (101, 100), (150, 100), (1000, 100)])
def test_every_member_has_so_many_neighbours_and_they_have_it(members, degree):
    graph = Graph(SEED, members, degree)
    neighbours = [graph.neighbours(node) for node in range(members)]
    for node in range(members):
        assert len(set(neighbours[node])) == degree and node not in neighbours[node]
        for number, peer in enumerate(neighbours[node]):
            assert neighbours[peer][graph.point_of_owner(number) - 1] == node


def test_the_order_follows_from_the_seed_and_every_order_is_about_as_likely():
    assert (permutation(SEED, 100) == permutation(SEED, 100)).all()
    assert (permutation(SEED, 100) != permutation(sha256(b"other"), 100)).any()
    orders = [tuple(permutation(sha256(number.to_bytes(4, "big")), 4)) for number in range(4800)]
    counts = np.unique([hash(order) for order in orders], return_counts=True)[1]
    # 24 orders, 200 expected of each; the 0.9999 quantile of chi-square with 23 degrees of freedom is 56.6.
    assert len(counts) == 24 and ((counts - 200.0) ** 2 / 200.0).sum() < 56.6


def test_a_word_that_would_favour_a_choice_is_drawn_again(monkeypatch):
    # 2^32 - 1 is the one word left over when 2^32 words are dealt to three choices.
    words = {"lucky": [5, 1], "left over": [2**32 - 1, 5, 1]}
    orders = []
    for name in words:
        monkeypatch.setattr(graph_module, "keystream", lambda *_, name=name: np.array(words[name], dtype=np.uint32))
        orders.append(permutation(SEED, 3).tolist())
    assert orders[0] == orders[1]


def test_the_seed_needs_block_and_keys():
    seeds = {graph_seed(block, keys) for block, keys in product((b"1" * 32, b"2" * 32), (b"3" * 32, b"4" * 32))}
    assert len(seeds) == 4


def test_small_rounds_and_those_with_many_dropouts_are_complete():
    assert [degree_for(n, 0.3) for n in (3, 63, 64, 100, 1000)] == [2, 62, 63, 99, 100]
    assert degree_for(1000, 0.31) == 999 and degree_for(10_000, 0.1) == 140
    with pytest.raises(TooFewMembers):
        degree_for(2, 0.0)


def test_the_thresholds_are_51_and_67_of_100():
    assert shape_of(1000, HONEST, 300).threshold == 51 and shape_of(1000, MALICIOUS, 150).threshold == 67
    with pytest.raises(ModeUnknown):
        shape_of(10, "trusting", 0)


@pytest.mark.parametrize("mode", [HONEST, MALICIOUS])
def test_a_hub_and_its_neighbours_never_hold_shares_enough_for_both_secrets(mode):
    for members in range(3, 1500):
        shape = shape_of(members, mode, 300)
        assert 2 <= shape.threshold <= shape.degree and 2 * shape.threshold - 1 > shape.degree
        assert shape.colluders >= 0


def test_the_chance_of_an_abort_in_a_complete_graph_is_the_counted_one():
    members, threshold, dropout = 6, 4, 0.3
    counted = 0.0
    for there in product((True, False), repeat=members):
        if sum(there) < threshold:
            counted += 0.7 ** sum(there) * 0.3 ** (members - sum(there))
    assert abort_chance(members, members - 1, threshold, dropout) == pytest.approx(counted, rel=1e-12)
    assert abort_chance_of(members, members - 1, threshold, 2) == 0.0
    assert abort_chance_of(members, members - 1, threshold, 3) == 1.0


def test_the_chance_of_an_abort_in_a_sparse_graph_bounds_the_simulated_one():
    members, degree, threshold, dropped = 70, 10, 6, 21
    random = SeededRandom(SEED)
    lost, expected, rounds = 0, 0.0, 1500
    for _ in range(rounds):
        graph = Graph(random(32), members, degree)
        alive = np.ones(members, dtype=bool)
        alive[permutation(random(32), members)[:dropped]] = False
        shares = [alive[list(graph.neighbours(node))].sum() + alive[node] for node in range(members)]
        expected += sum(count < threshold for count in shares)
        lost += min(shares) < threshold
    # The bound is the expected number of lost secrets where that is below one.
    assert expected / rounds == pytest.approx(_expected_lost(members, degree, threshold, dropped), rel=0.1)
    assert lost / rounds <= abort_chance_of(members, degree, threshold, dropped)


def _expected_lost(members: int, degree: int, threshold: int, dropped: int) -> float:
    from math import comb

    def below(marked: int, limit: int) -> float:
        ways = sum(comb(marked, k) * comb(members - 1 - marked, degree - k) for k in range(limit))
        return ways / comb(members - 1, degree)

    alive = members - dropped
    return dropped * below(alive, threshold) + alive * below(alive - 1, threshold - 1)


def test_the_modes_stand_the_dropouts_that_they_promise():
    assert round_abort_chance(1000, HONEST, 300) < 0.03
    assert round_abort_chance(1000, MALICIOUS, 150) < 0.001
    assert round_abort_chance(1000, MALICIOUS, 300) == 1.0
    chances = [round_abort_chance(200, HONEST, pm) for pm in (0, 50, 100, 200, 300)]
    assert chances == sorted(chances) and chances[0] == 0.0


def test_sets_have_one_form():
    assert members_of(bits_of([0, 9, 3], 10), 10) == [0, 3, 9] and len(bits_of([], 1000)) == 125
    assert flags_of(bits_of([1], 3), 3).tolist() == [False, True, False]
    for data in (b"", b"\x00\x00\x00", b"\x00\x04"):
        with pytest.raises(MessageMalformed):
            flags_of(data, 10)
