"""What the server knows in a round, in parts that change at different times, so that each step writes a small one.

``ServerState`` holds no vector but their sum, and nothing that opens one of them. Messages are kept as they arrived.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chain.core.codec import decode, encode
from chain.core.types import Name, PublicKey, Record
from chain.crypto.hashing import sha256
from fedlearn.protocol.bits import members_of
from fedlearn.protocol.errors import AnotherMessage, SenderUnknown, StageWrong
from fedlearn.protocol.graph import Graph, graph_of
from fedlearn.protocol.plan import RoundPlan, Shape, plan_check, shape_of

ADVERTISE = "advertise"
ROSTER = "roster"
SHARE = "share"
MASK = "mask"
CONFIRM = "confirm"
UNMASK = "unmask"


class ServerKeys(Record):
    """Adverts by cohort index (empty where there is none); then the participants (bitmap over the cohort) and graph."""

    adverts: tuple[bytes, ...]
    participants: bytes = b""
    graph_seed: bytes = b""


class ServerShares(Record):
    """``Shares`` by place among the participants, empty where there are none."""

    shares: tuple[bytes, ...] = ()


class ServerSum(Record):
    """The sum of the masked vectors (little-endian words), and the hash of each by place, empty where there is none."""

    total: bytes = b""
    taken: tuple[bytes, ...] = ()


class ServerAnswers(Record):
    """The ``Survivors`` that everyone was told, and what came back: votes and ``Unmask`` messages by place."""

    survivors: bytes = b""
    votes: tuple[bytes, ...] = ()
    unmasks: tuple[bytes, ...] = ()


class ServerState(Record):
    """The server's side of one round."""

    plan: RoundPlan
    cohort: tuple[PublicKey, ...]
    stage: Name
    keys: ServerKeys
    boxes: ServerShares = ServerShares()
    sums: ServerSum = ServerSum()
    answers: ServerAnswers = ServerAnswers()

    @property
    def participants(self) -> list[int]:
        """The participants' cohort indexes, rising; a hub's place is its position here."""
        return members_of(self.keys.participants, len(self.cohort))

    @property
    def shape(self) -> Shape:
        """Degree and threshold of the round, once its participants are known."""
        return shape_of(len(self.participants), self.plan.mode, self.plan.dropout_pm)

    @property
    def graph(self) -> Graph:
        """The round's graph over places, once the ledger's block is known."""
        shape = self.shape
        return graph_of(self.keys.graph_seed, shape.members, shape.degree)


def server_start(plan: RoundPlan, cohort: Sequence[PublicKey]) -> ServerState:
    """A new round for the hubs with these job keys (33 bytes each). Raises what ``plan_check`` raises."""
    plan_check(plan, cohort)
    return ServerState(plan, tuple(cohort), ADVERTISE, ServerKeys((b"",) * len(cohort)))


def server_encode(state: ServerState) -> bytes:
    """The state's bytes. The parts may be written apart with ``chain.core.codec.encode``, each when it changes."""
    return encode(state)


def server_decode(data: bytes) -> ServerState:
    """Undo ``server_encode``; raises ``Malformed`` (chain.core)."""
    return decode(ServerState, data)


def stage_require(state: ServerState, *stages: str) -> None:
    """Raises ``StageWrong`` unless the round is at one of the stages."""
    if state.stage not in stages:
        raise StageWrong(f"The round is at {state.stage!r}, not at {' or '.join(map(repr, stages))}")


def place_of(state: ServerState, sender: int) -> int:
    """The place of a cohort index among the participants; raises ``SenderUnknown``."""
    try:
        return state.participants.index(sender)
    except ValueError:
        raise SenderUnknown from None


def put(items: tuple[bytes, ...], place: int, data: bytes) -> tuple[bytes, ...]:
    """The items with one filled in; raises ``AnotherMessage`` if another one was there."""
    if items[place] and items[place] != data:
        raise AnotherMessage
    return (*items[:place], data, *items[place + 1 :])


def fingerprint(data: bytes) -> bytes:
    """What is kept of a message that is not kept itself."""
    return sha256(data)


def with_(state: ServerState, **changes: object) -> ServerState:
    """The state with some fields replaced."""
    return msgspec.structs.replace(state, **changes)
