"""From the mean update to the next parameters: FedAvg, FedProx and FedAdam as plain steps over an explicit state.

FedAvg is McMahan et al. 2017. FedProx (Li et al. 2020) differs at the homes only. FedAdam is Reddi et al. 2021,
algorithm 2, without bias correction and with the second moment beginning at tau squared.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Name, Record, Uint
from fedlearn.protocol.clip import Vector
from fedlearn.protocol.errors import LengthWrong, PlanInvalid, ValueNotFinite
from marketplace.common.errors import IntegrityFault

MICRO: Final = 1_000_000
FEDAVG, FEDPROX, FEDADAM = "fedavg", "fedprox", "fedadam"
STRATEGIES: Final = (FEDAVG, FEDPROX, FEDADAM)


class StrategyUnknown(PlanInvalid):
    code = "strategy_unknown"
    title = "There is no such strategy"


class ServerStateMalformed(IntegrityFault):
    code = "server_state_malformed"
    title = "The bytes are no state of a training job"


class Strategy(Record):
    """How updates become the next parameters, in millionths.

    ``prox_micro`` is FedProx's mu, which only the homes use; the other four are FedAdam's eta, beta1, beta2 and tau.
    """

    name: Name
    prox_micro: Uint = 0
    server_rate_micro: Uint = 30_000
    beta1_micro: Uint = 900_000
    beta2_micro: Uint = 990_000
    tau_micro: Uint = 1_000


class ServerState(Record):
    """What the coordinator goes on from after a round.

    The vectors are little-endian float64. ``first`` and ``second`` are FedAdam's moments, else empty.
    """

    strategy: Strategy
    round: Uint
    parameters: bytes
    first: bytes = b""
    second: bytes = b""

    @property
    def vector(self) -> Vector:
        """The parameters (length,), in an array of its own."""
        return _vector(self.parameters)


def server_start(strategy: Strategy, parameters: Vector) -> ServerState:
    """The state before the first round. Raises ``StrategyUnknown``, ``LengthWrong``, ``ValueNotFinite``."""
    if strategy.name not in STRATEGIES:
        raise StrategyUnknown
    if parameters.ndim != 1:
        raise LengthWrong
    if not np.isfinite(parameters).all():
        raise ValueNotFinite
    state = ServerState(strategy, 0, _bytes(parameters))
    if strategy.name != FEDADAM:
        return state
    tau = strategy.tau_micro / MICRO
    second = np.full(len(parameters), tau**2)
    return msgspec.structs.replace(state, first=_bytes(np.zeros(len(parameters))), second=_bytes(second))


def server_step(state: ServerState, mean_update: Vector) -> ServerState:
    """The state after a round whose updates have this mean (length,).

    Raises ``LengthWrong`` and ``ValueNotFinite``; then the state before still holds.
    """
    if mean_update.shape != state.vector.shape:
        raise LengthWrong
    # What overflows is refused with the state.
    with np.errstate(over="ignore", invalid="ignore"):
        if state.strategy.name == FEDADAM:
            return _adam(state, mean_update)
        return _checked(state, state.vector + mean_update, state.first, state.second)


def server_encode(state: ServerState) -> bytes:
    """The canonical bytes of a state."""
    return encode(state)


def server_decode(data: bytes) -> ServerState:
    """The state that the bytes stand for. Raises ``ServerStateMalformed`` for anything that no step has made."""
    try:
        state = decode(ServerState, data)
    except Malformed as fault:
        raise ServerStateMalformed from fault
    length = len(state.parameters)
    moments = length if state.strategy.name == FEDADAM else 0
    if state.strategy.name not in STRATEGIES or length % 8 or {len(state.first), len(state.second)} != {moments}:
        raise ServerStateMalformed
    vectors = [_vector(part) for part in (state.parameters, state.first, state.second)]
    if not all(np.isfinite(vector).all() for vector in vectors) or (vectors[2] < 0).any():
        raise ServerStateMalformed
    return state


def _adam(state: ServerState, mean_update: Vector) -> ServerState:
    terms = state.strategy
    beta1, beta2, tau = terms.beta1_micro / MICRO, terms.beta2_micro / MICRO, terms.tau_micro / MICRO
    first = beta1 * _vector(state.first) + (1.0 - beta1) * mean_update
    second = beta2 * _vector(state.second) + (1.0 - beta2) * mean_update**2
    step = terms.server_rate_micro / MICRO * first / (np.sqrt(second) + tau)
    return _checked(state, state.vector + step, _bytes(first), _bytes(second))


def _checked(state: ServerState, parameters: Vector, first: bytes, second: bytes) -> ServerState:
    if not np.isfinite(parameters).all() or not np.isfinite(_vector(second)).all():
        raise ValueNotFinite
    return ServerState(state.strategy, state.round + 1, _bytes(parameters), first, second)


def _bytes(vector: Vector) -> bytes:
    return vector.astype("<f8").tobytes()


def _vector(data: bytes) -> Vector:
    return np.frombuffer(data, dtype="<f8").astype(np.float64)
