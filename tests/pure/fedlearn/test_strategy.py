"""Strategies are plain steps: what they compute, what they refuse, and that a state survives a restart."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from chain.core.codec import encode
from fedlearn.protocol.errors import LengthWrong, ValueNotFinite
from fedlearn.protocol.strategy import (
    STRATEGIES,
    ServerStateMalformed,
    Strategy,
    StrategyUnknown,
    server_decode,
    server_encode,
    server_start,
    server_step,
)

START = np.array([1.0, -2.0, 0.5])


def test_fedavg_and_fedprox_add_the_mean_update():
    for name in ("fedavg", "fedprox"):
        state = server_step(server_start(Strategy(name), START), np.array([0.5, 0.0, -1.0]))
        assert state.vector.tolist() == [1.5, -2.0, -0.5]
        assert state.round == 1


def test_fedadam_is_the_paper_s_algorithm_2():
    terms = Strategy("fedadam", 0, 50_000, 800_000, 950_000, 2_000)
    eta, beta1, beta2, tau = 0.05, 0.8, 0.95, 0.002
    state = server_start(terms, START)
    x, m, v = START.copy(), np.zeros(3), np.full(3, tau**2)
    for update in np.random.default_rng(1).normal(size=(5, 3)):
        state = server_step(state, update)
        m = beta1 * m + (1 - beta1) * update
        v = beta2 * v + (1 - beta2) * update**2
        x = x + eta * m / (np.sqrt(v) + tau)
    assert state.vector == pytest.approx(x, rel=1e-14)


def test_fedadam_moves_small_coordinates_as_far_as_large_ones():
    state = server_start(Strategy("fedadam", tau_micro=1), np.zeros(2))
    moved = server_step(state, np.array([1.0, 0.01])).vector
    assert moved[1] == pytest.approx(moved[0], rel=1e-3)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_state_goes_on_after_a_restart_as_if_there_had_been_none(name):
    straight = restarted = server_start(Strategy(name), START)
    for update in np.random.default_rng(2).normal(size=(4, 3)):
        straight = server_step(straight, update)
        restarted = server_step(server_decode(server_encode(restarted)), update)
    assert server_encode(straight) == server_encode(restarted)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_bad_update_is_refused_and_the_state_before_still_holds(name):
    state = server_start(Strategy(name), START)
    for wrong, refusal in ((np.zeros(2), LengthWrong), (np.array([0.0, np.nan, 0.0]), ValueNotFinite)):
        with pytest.raises(refusal):
            server_step(state, wrong)
    assert (state.vector == START).all()
    with pytest.raises(ValueNotFinite):
        server_step(server_start(Strategy("fedavg"), np.array([1.7e308])), np.array([1.7e308]))


def test_the_vector_of_a_state_is_a_copy():
    state = server_start(Strategy("fedavg"), START)
    state.vector[0] = 99.0
    assert (state.vector == START).all()


def test_what_no_step_has_made_is_no_state():
    adam = server_start(Strategy("fedadam"), START)
    whole = server_encode(adam)
    for change in (
        {"strategy": Strategy("fedsgd")},
        {"parameters": adam.parameters[:-1]},
        {"first": b""},
        {"second": np.array([-1.0, 0, 0]).tobytes()},
        {"parameters": np.array([np.nan, 0, 0]).tobytes()},
        {"strategy": Strategy("fedavg")},
    ):
        with pytest.raises(ServerStateMalformed):
            server_decode(encode(msgspec.structs.replace(adam, **change)))
    with pytest.raises(ServerStateMalformed):
        server_decode(whole[:-1])
    with pytest.raises(StrategyUnknown):
        server_start(Strategy("fedsgd"), START)
    with pytest.raises(LengthWrong):
        server_start(Strategy("fedavg"), START.reshape(1, -1))
    with pytest.raises(ValueNotFinite):
        server_start(Strategy("fedavg"), np.array([np.inf]))
