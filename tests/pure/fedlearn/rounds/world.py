"""A coordinator and its hubs in memory, with a ledger that gives blocks when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import numpy as np

from chain.core.codec import decode, encode
from chain.crypto.hashing import sha256, tagged
from chain.crypto.prg import SeededRandom, Words, keystream
from chain.crypto.secp256k1 import public_key
from fedlearn.protocol.plan import HONEST, RoundPlan, cohort_hash
from fedlearn.runtime.rounds import (
    Answer,
    MemberRecord,
    MemberWorld,
    Outgoing,
    RoundRecord,
    member_begin,
    member_take,
    round_begin,
    round_outgoing,
    round_sent,
    round_take,
    round_tick,
)

STAGE_MS = 1_000


@dataclass
class Ledger:
    """Gives the block after a root at once, or only when ``behind`` is over."""

    behind: bool = False
    roots: dict[bytes, bytes] = field(default_factory=dict)

    def keys_commit(self, round_id: bytes, keys_root: bytes) -> None:
        assert self.roots.setdefault(round_id, keys_root) == keys_root

    def block_after(self, round_id: bytes, keys_root: bytes) -> bytes | None:
        if self.behind or self.roots.get(round_id) != keys_root:
            return None
        return sha256(b"block after" + keys_root)


class World:
    """One round; every record goes through its bytes between two steps, as after a restart."""

    def __init__(self, members: int, *, mode: str = HONEST, minimum: int = 2, seed: bytes = b"s" * 32) -> None:
        self.seed, self.now_ms, self.ledger = seed, 0, Ledger()
        self.secrets = [tagged("test/job-key", index.to_bytes(4, "big")) for index in range(members)]
        self.cohort = tuple(map(public_key, self.secrets))
        self.plan = RoundPlan(sha256(b"job"), 1, sha256(b"model"), cohort_hash(self.cohort), mode, 8, minimum, 300)
        self._record = encode(round_begin(self.plan, self.cohort, 0, STAGE_MS))
        self._members: dict[int, bytes] = {}
        self.sent: list[Outgoing] = []
        self.made: list[int] = []

    @property
    def record(self) -> RoundRecord:
        return decode(RoundRecord, self._record)

    def values(self, index: int) -> Words:
        return keystream(tagged("test/values", index.to_bytes(4, "big")), 8)

    def plain_sum(self, indexes: Collection[int]) -> Words:
        total = np.zeros(8, dtype=np.uint32)
        for index in indexes:
            total += self.values(index)
        return total

    def member(self, index: int) -> MemberRecord:
        return decode(MemberRecord, self._members[index])

    def join(self, *indexes: int) -> None:
        for index in indexes:
            random = SeededRandom(tagged("test/random", self.seed, index.to_bytes(4, "big")))
            record, answer = member_begin(self.plan, self.cohort, self.secrets[index], random)
            self._members[index] = encode(record)
            self.take(index, answer)

    def take(self, index: int, answer: Answer) -> None:
        self._record = encode(round_take(self.record, index, answer.stage, answer.data))

    def tick(self, *, after_ms: int = 0, sending: bool = True) -> list[Outgoing]:
        """The coordinator's turn; gives what it sends."""
        self.now_ms += after_ms
        record = round_tick(self.record, self.now_ms, STAGE_MS, self.ledger)
        self._record = encode(record)
        if not record.unsent:
            return []
        messages = round_outgoing(record)
        if sending:
            self._record = encode(round_sent(record))
            self.sent += messages
        return messages

    def answer(self, message: Outgoing) -> Answer:
        """A hub's answer, as it would go out."""
        record, answer = member_take(self.member(message.index), message.stage, message.data, self.world(message.index))
        self._members[message.index] = encode(record)
        return answer

    def world(self, index: int) -> MemberWorld:
        def values() -> Words:
            self.made.append(index)
            return self.values(index)

        return MemberWorld(self.cohort, self.secrets[index], self.ledger, values)

    def run(self, *, silent: Callable[[int, str], bool] = lambda index, stage: False, turns: int = 12) -> RoundRecord:
        """Turns of coordinator and hubs until the round is over; who is ``silent`` at a stage does not answer there."""
        for _ in range(turns):
            for message in self.tick(after_ms=STAGE_MS // 2):
                if not silent(message.index, message.stage):
                    self.take(message.index, self.answer(message))
            if self.record.outcome:
                break
        return self.record
