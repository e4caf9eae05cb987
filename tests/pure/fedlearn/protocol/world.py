"""Rounds of secure aggregation in memory: hubs and a server that are led through the stages."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from chain.crypto.hashing import sha256, tagged
from chain.crypto.prg import SeededRandom, Words, keystream
from chain.crypto.secp256k1 import public_key
from fedlearn.protocol.client import client_inbox, client_roster
from fedlearn.protocol.client_state import ClientState, client_decode, client_encode, client_start
from fedlearn.protocol.client_unmask import client_proof, client_survivors
from fedlearn.protocol.plan import HONEST, MALICIOUS, RoundPlan, cohort_hash
from fedlearn.protocol.server import (
    server_advert,
    server_adverts_close,
    server_masked,
    server_masked_close,
    server_rosters,
    server_shares,
    server_shares_close,
)
from fedlearn.protocol.server_state import ServerState, server_decode, server_encode, server_start
from fedlearn.protocol.server_unmask import server_sum, server_unmask, server_vote, server_votes_close

BLOCK = sha256(b"block")
JOB = sha256(b"job")
MODEL = sha256(b"model")


def job_secret(index: int) -> bytes:
    return tagged("test/job-key", index.to_bytes(4, "big"))


def plan_new(
    cohort: Iterable[bytes],
    *,
    mode: str = HONEST,
    length: int = 8,
    minimum: int = 2,
    round_: int = 1,
    dropout_pm: int = 300,
) -> RoundPlan:
    return RoundPlan(JOB, round_, MODEL, cohort_hash(tuple(cohort)), mode, length, minimum, dropout_pm)


@dataclass
class World:
    """One round; ``reload`` sends every state through its bytes between two steps, as a restart does."""

    members: int
    mode: str = HONEST
    length: int = 8
    minimum: int = 2
    round_: int = 1
    dropout_pm: int = 300
    seed: bytes = b"s" * 32
    reload: bool = False
    clients: dict[int, ClientState] = field(default_factory=dict)
    log: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cohort = tuple(public_key(job_secret(index)) for index in range(self.members))
        self.plan = plan_new(
            self.cohort,
            mode=self.mode,
            length=self.length,
            minimum=self.minimum,
            round_=self.round_,
            dropout_pm=self.dropout_pm,
        )
        self._server = server_start(self.plan, self.cohort)
        self.values = {index: self.values_of(index) for index in range(self.members)}

    @property
    def server(self) -> ServerState:
        return server_decode(server_encode(self._server)) if self.reload else self._server

    @server.setter
    def server(self, state: ServerState) -> None:
        self._server = state

    def values_of(self, index: int) -> Words:
        return keystream(tagged("test/values", index.to_bytes(4, "big")), self.length)

    def client(self, index: int) -> ClientState:
        state = self.clients[index]
        return client_decode(client_encode(state)) if self.reload else state

    def keep(self, index: int, step: tuple[ClientState, bytes]) -> bytes:
        """The hub's new state is written down, and its answer goes out."""
        self.clients[index], answer = step
        self.log.append(answer)
        return answer

    def start(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            random = SeededRandom(tagged("test/random", self.seed, index.to_bytes(4, "big")))
            advert = self.keep(index, client_start(self.plan, self.cohort, job_secret(index), random))
            self.server = server_advert(self.server, advert)

    def rosters(self) -> dict[int, bytes]:
        if not self._server.keys.participants:
            self.server, _ = server_adverts_close(self.server)
        self.server, rosters = server_rosters(self.server, BLOCK)
        return rosters

    def share(self, silent: Collection[int] = ()) -> dict[int, bytes]:
        """All but the silent share; gives the inboxes."""
        for index, roster in self.rosters().items():
            if index not in silent:
                shares = self.keep(index, client_roster(self.client(index), roster, self.cohort, BLOCK))
                self.server = server_shares(self.server, shares)
        self.server, inboxes = server_shares_close(self.server)
        return inboxes

    def mask(self, inboxes: dict[int, bytes], silent: Collection[int] = ()) -> bytes:
        """All but the silent send vectors; gives the list of survivors."""
        for index, inbox in inboxes.items():
            if index not in silent:
                masked = self.keep(index, client_inbox(self.client(index), inbox, self.values[index]))
                self.server = server_masked(self.server, masked)
        self.server, survivors = server_masked_close(self.server)
        return survivors

    def unmask(self, survivors: bytes, silent: Collection[int] = ()) -> None:
        """The survivors but the silent answer the list."""
        there = [index for index in self.clients if self.clients[index].masked and index not in silent]
        if self.mode == MALICIOUS:
            for index in there:
                vote = self.keep(index, client_survivors(self.client(index), survivors, job_secret(index)))
                self.server = server_vote(self.server, vote)
            self.server, proofs = server_votes_close(self.server)
            for index, proof in proofs.items():
                answer = self.keep(index, client_proof(self.client(index), proof, self.cohort))
                self.server = server_unmask(self.server, answer)
            return
        for index in there:
            answer = self.keep(index, client_survivors(self.client(index), survivors, job_secret(index)))
            self.server = server_unmask(self.server, answer)

    def run(
        self,
        *,
        never: Collection[int] = (),
        unshared: Collection[int] = (),
        unmasked: Collection[int] = (),
        unanswered: Collection[int] = (),
        threads: int = 1,
    ) -> Words:
        """The whole round, with the hubs that are lost before each stage; gives the sum."""
        self.start(index for index in range(self.members) if index not in never)
        survivors = self.mask(self.share(unshared), unmasked)
        self.unmask(survivors, unanswered)
        return server_sum(self.server, threads)

    def plain_sum(self, without: Collection[int] = ()) -> Words:
        total = np.zeros(self.length, dtype=np.uint32)
        for index, values in self.values.items():
            if index not in without:
                total += values
        return total
