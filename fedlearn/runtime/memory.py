"""The same channel in memory, for simulation and tests: one process, no keys, no store, every fault on demand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from fedlearn.runtime.errors import PeerNotApproved
from fedlearn.runtime.names import identity_check, path_check, round_of
from fedlearn.runtime.ports import Incoming


@dataclass(frozen=True)
class Faults:
    """How often, from 0 to 1, a message is lost, comes twice, or comes before an earlier one of its peer."""

    lost: float = 0.0
    twice: float = 0.0
    early: float = 0.0


@dataclass
class _Box:
    """What waits for one node: queues by sender, numbers given and taken, floors by job."""

    waiting: dict[str, list[Incoming]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    floors: dict[str, int] = field(default_factory=dict)


class MemoryPost:
    """Connects the channels of a simulation. Two nodes are peers once ``connect`` was called for them."""

    def __init__(self, faults: Faults | None = None, chance: random.Random | None = None) -> None:
        """``chance`` decides the faults; two runs with one seed have the same ones."""
        self._faults, self._chance = faults or Faults(), chance or random.Random(0)
        self._boxes: dict[str, _Box] = {}
        self._pairs: set[frozenset[str]] = set()
        self._copies = 0

    def connect(self, one: str, other: str) -> None:
        """Let two nodes exchange messages."""
        self._pairs.add(frozenset((one, other)))

    def disconnect(self, one: str, other: str) -> None:
        """End it, and throw away what waits between them."""
        self._pairs.discard(frozenset((one, other)))
        self.box(one).waiting.pop(other, None)
        self.box(other).waiting.pop(one, None)

    def connected(self, one: str, other: str) -> bool:
        """Whether two nodes are peers."""
        return frozenset((one, other)) in self._pairs

    def channel(self, identity: str) -> MemoryChannel:
        """The channel of a node; what it had not acknowledged waits for it again."""
        return MemoryChannel(self, identity_check(identity))

    def box(self, identity: str) -> _Box:
        """What waits for a node."""
        return self._boxes.setdefault(identity, _Box())

    def deliver(self, recipient: str, message: Incoming) -> None:
        """Put a message into a node's box, with the faults that chance has for it."""
        box = self.box(recipient)
        queue = box.waiting.setdefault(message.peer, [])
        number = box.numbers[message.peer] = box.numbers.get(message.peer, 0) + 1
        if self._happens(self._faults.lost):
            return
        place = self._chance.randrange(len(queue) + 1) if self._happens(self._faults.early) else len(queue)
        queue.insert(place, self._copy(message, number))
        if self._happens(self._faults.twice):
            queue.append(self._copy(message, number))

    def take_back(self, sender: str, job: str, before_round: int) -> None:
        """Throw away what a node sent in the rounds of a job before ``before_round``."""
        for box in self._boxes.values():
            queue = box.waiting.get(sender, [])
            queue[:] = [message for message in queue if not is_past(message, {job: before_round})]

    def _copy(self, message: Incoming, number: int) -> Incoming:
        self._copies += 1
        return replace(message, number=number, receipt=str(self._copies))

    def _happens(self, probability: float) -> bool:
        return probability > 0 and self._chance.random() < probability


class MemoryChannel:
    """A ``Channel`` on a ``MemoryPost``. There are no permissions: whoever is connected may send any valid path."""

    def __init__(self, post: MemoryPost, identity: str) -> None:
        self._post, self._identity = post, identity

    @property
    def identity(self) -> str:
        """The node's own pseudonym."""
        return self._identity

    def send(self, peer: str, path: str, data: bytes) -> None:
        """Leave a message for a peer."""
        path_check(path)
        if not self._post.connected(self._identity, peer):
            raise PeerNotApproved
        self._post.deliver(peer, Incoming(self._identity, path, bytes(data), 0))

    def receive(self) -> Iterator[Incoming]:
        """The messages that wait now, those that come meanwhile not."""
        waiting = self._post.box(self._identity).waiting
        for peer in sorted(waiting):
            for message in list(waiting.get(peer, ())):
                if message not in waiting.get(peer, ()):
                    continue  # acknowledged, pruned or disconnected meanwhile
                if is_past(message, self._post.box(self._identity).floors):
                    waiting[peer].remove(message)
                    continue
                yield message
                self._done(message)

    def ack(self, incoming: Incoming) -> None:
        """Say that a message is done with."""
        self._done(incoming)

    def prune(self, job: str, before_round: int) -> None:
        """Forget the job's rounds before ``before_round``: what this node sent and what still comes."""
        floors = self._post.box(self._identity).floors
        floors[job] = max(floors.get(job, 0), before_round)
        self._post.take_back(self._identity, job, before_round)

    def _done(self, message: Incoming) -> None:
        queue = self._post.box(self._identity).waiting.get(message.peer, [])
        if message in queue:
            queue.remove(message)


def is_past(message: Incoming, floors: dict[str, int]) -> bool:
    """Whether a message belongs to a round before the first one that its job still takes."""
    job, round_number = round_of(message.path) or ("", 0)
    return round_number < floors.get(job, 0)
