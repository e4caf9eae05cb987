"""A round of secure aggregation with 1,000 hubs: what a hub and the server work and send, against a plain sum.

Run with ``python -m tests.bench.secure_aggregation``. Every hub runs all its steps; those before the vectors are run
once for all dropout rates. The peer is adding the same vectors up without masks. Of the complete graph, in which each
hub masks with all others, a few hubs and parts of the server's work are run, and its figures are what follows for the
whole; their peer is the sparse graph.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import msgspec
import numpy as np

from chain.core.codec import decode, encode
from chain.core.merkle import leaf_hashes, levels_of, path_in
from chain.crypto.hashing import tagged
from chain.crypto.prg import SeededRandom, Words, keystream
from chain.crypto.secp256k1 import public_key
from chain.crypto.x25519 import X25519Secret
from fedlearn.protocol.bits import bits_of
from fedlearn.protocol.client import client_inbox, client_roster
from fedlearn.protocol.client_state import ClientState, client_start
from fedlearn.protocol.client_unmask import client_survivors
from fedlearn.protocol.graph import Graph, graph_seed
from fedlearn.protocol.masks import MaskSum
from fedlearn.protocol.messages import Advert, Inbox, PeerKeys, Roster
from fedlearn.protocol.pairs import BOX_BYTES, mask_seed
from fedlearn.protocol.plan import HONEST, RoundPlan, cohort_hash, round_abort_chance, shape_of
from fedlearn.protocol.server import (
    server_advert,
    server_adverts_close,
    server_masked,
    server_masked_close,
    server_rosters,
    server_shares,
    server_shares_close,
)
from fedlearn.protocol.server_state import ServerState, server_start
from fedlearn.protocol.server_unmask import server_sum, server_unmask
from fedlearn.protocol.shamir import combine, split, weights_at_zero

HUBS = 1000
LENGTHS = (10_000, 100_000)
DROPOUTS = (0, 10, 30)
COMPLETE_DROPOUT_PM = 400
BLOCK = tagged("bench/block")
SECRETS = [tagged("bench/job-key", index.to_bytes(4, "big")) for index in range(HUBS)]
COHORT = tuple(public_key(secret) for secret in SECRETS)
THREADS = 2
T = TypeVar("T")


def line(name: str, value: float, unit: str, peer: float) -> None:
    """One figure, and its ratio to the peer of the same run."""
    sys.stdout.write(f"{name:58} {value:10.2f} {unit:5} {value / peer:8.2f} x peer\n")
    sys.stdout.flush()


def plan_of(length: int, dropout_pm: int = 300) -> RoundPlan:
    cohort = cohort_hash(COHORT)
    return RoundPlan(tagged("bench/job"), 1, tagged("bench/model"), cohort, HONEST, length, HUBS // 2, dropout_pm)


def values_of(index: int, length: int) -> Words:
    """Words below 2^20, as quantised updates are."""
    return keystream(tagged("bench/values", index.to_bytes(4, "big")), length) >> np.uint32(12)


@dataclass
class Clock:
    """Seconds of the server in all, and of each hub."""

    server_s: float = 0.0
    hub_s: list[float] = field(default_factory=lambda: [0.0] * HUBS)

    def server(self, step: Callable[..., T], *args: Any) -> T:
        started = perf_counter()
        result = step(*args)
        self.server_s += perf_counter() - started
        return result

    def hub(self, index: int, step: Callable[..., T], *args: Any) -> T:
        started = perf_counter()
        result = step(*args)
        self.hub_s[index] += perf_counter() - started
        return result


@dataclass
class Shared:
    """A round in which all hubs have sent their shares."""

    server: ServerState
    clients: list[ClientState]
    inboxes: dict[int, bytes]
    clock: Clock
    up_bytes: int
    down_bytes: int


def share_all(length: int) -> Shared:
    """The stages before the vectors."""
    clock, plan = Clock(), plan_of(length)
    server, clients = server_start(plan, COHORT), []
    for index, secret in enumerate(SECRETS):
        random = SeededRandom(tagged("bench/random", index.to_bytes(4, "big")))
        state, advert = clock.hub(index, client_start, plan, COHORT, secret, random)
        clients.append(state)
        server = clock.server(server_advert, server, advert)
    server, _ = clock.server(server_adverts_close, server)
    server, rosters = clock.server(server_rosters, server, BLOCK)
    for index, roster in rosters.items():
        clients[index], shares = clock.hub(index, client_roster, clients[index], roster, COHORT, BLOCK)
        server = clock.server(server_shares, server, shares)
    server, inboxes = clock.server(server_shares_close, server)
    up = len(clients[0].advert) + len(clients[0].shares)
    return Shared(server, clients, inboxes, clock, up, len(rosters[0]) + len(inboxes[0]))


def gone_at(per_cent: int) -> set[int]:
    """The hubs that drop out, the same at every run."""
    order = np.random.default_rng(7).permutation(HUBS)
    return set(order[: HUBS * per_cent // 100].tolist())


def rounds(length: int) -> tuple[float, float]:
    """Print the figures of one length; gives the server's seconds to open at 30 % and a hub's median milliseconds."""
    shared = share_all(length)
    gone = {per_cent: gone_at(per_cent) for per_cent in DROPOUTS}
    servers = dict.fromkeys(DROPOUTS, shared.server)
    clocks = {per_cent: Clock(shared.clock.server_s) for per_cent in DROPOUTS}
    plain, peer_s, masked_bytes = np.zeros(length, dtype=np.uint32), 0.0, 0
    totals = {per_cent: np.zeros(length, dtype=np.uint32) for per_cent in DROPOUTS}
    for index, inbox in shared.inboxes.items():
        values = values_of(index, length)
        state, masked = shared.clock.hub(index, client_inbox, shared.clients[index], inbox, values)
        # The vector is not kept: a thousand would fill the memory, and the last step looks only whether it is there.
        shared.clients[index] = msgspec.structs.replace(state, masked=b"sent")
        masked_bytes = len(masked)
        received = values.tobytes()
        started = perf_counter()
        plain = plain + np.frombuffer(received, "<u4")
        peer_s += perf_counter() - started
        for per_cent in DROPOUTS:
            if index not in gone[per_cent]:
                servers[per_cent] = clocks[per_cent].server(server_masked, servers[per_cent], masked)
                totals[per_cent] += values
    line(f"peer: plain sum of {HUBS} x {length:,}", peer_s, "s", peer_s)
    for per_cent in DROPOUTS:
        opened_s, unmask_bytes = finish(per_cent, shared, servers[per_cent], clocks[per_cent], totals[per_cent], peer_s)
    hub_ms = 1000 * median(shared.clock.hub_s)
    line(f"hub, all its steps, {length:,} (median)", hub_ms, "ms", 1000 * peer_s / HUBS)
    plain_bytes = 4 * length
    up = shared.up_bytes + masked_bytes + unmask_bytes
    down = shared.down_bytes + len(encode(shared.server.plan)) + HUBS // 4 + plain_bytes
    line(f"hub sends, {length:,}", up / 1000, "KB", plain_bytes / 1000)
    line(f"hub sends and receives with the model, {length:,}", (up + down) / 1000, "KB", 2 * plain_bytes / 1000)
    return opened_s, hub_ms


def finish(
    per_cent: int, shared: Shared, server: ServerState, clock: Clock, total: Words, peer_s: float
) -> tuple[float, int]:
    """The stages after the vectors, at one rate of dropouts; gives the opening's seconds and a hub's answer's bytes."""
    server, survivors = clock.server(server_masked_close, server)
    answer = b""
    for index in range(HUBS):
        if index in gone_at(per_cent):
            continue
        # Hubs are timed at the first rate only, so that each has every step once.
        timer = shared.clock if per_cent == DROPOUTS[0] else Clock()
        _, answer = timer.hub(index, client_survivors, shared.clients[index], survivors, SECRETS[index])
        server = clock.server(server_unmask, server, answer)
    before = clock.server_s
    opened = clock.server(server_sum, server, THREADS)
    if not (opened == total).all():
        raise SystemExit(f"the sum at {per_cent} % dropouts is not exact")
    length, opened_s = len(total), clock.server_s - before
    line(f"server opens the sum, {length:,}, {per_cent} % dropouts, exact", opened_s, "s", peer_s)
    line(f"server, whole round, {length:,}, {per_cent} % dropouts", clock.server_s, "s", peer_s)
    return opened_s, len(answer)


def complete(length: int, opened_s: float, hub_ms: float) -> None:
    """The complete graph's figures from parts: three hubs up to their vectors; a few rebuilt secrets and masks."""
    plan, shape = plan_of(length, COMPLETE_DROPOUT_PM), shape_of(HUBS, HONEST, COMPLETE_DROPOUT_PM)
    random = SeededRandom(tagged("bench/complete"))
    started_with = [client_start(plan, COHORT, secret, random) for secret in SECRETS]
    adverts = [decode(Advert, advert) for _, advert in started_with]
    levels = levels_of(leaf_hashes(advert for _, advert in started_with))
    graph = Graph(graph_seed(BLOCK, levels[-1][0]), HUBS, shape.degree)
    clock = Clock()
    for index in (0, 1, 2):
        nodes = graph.neighbours(index)
        keys = tuple(PeerKeys(adverts[n].seal_public, adverts[n].mask_public, adverts[n].signature) for n in nodes)
        everyone = bits_of(range(HUBS), HUBS)
        roster = encode(Roster(plan.round_id, everyone, levels[-1][0], path_in(levels, index), keys))
        state, shares = clock.hub(index, client_roster, started_with[index][0], roster, COHORT, BLOCK)
        boxes = bytes(BOX_BYTES * (shape.degree - shape.threshold + 1))
        inbox = encode(Inbox(plan.round_id, bits_of(range(shape.degree), shape.degree), boxes))
        clock.hub(index, client_inbox, state, inbox, values_of(index, length))
    # Hub 0 also pays for weights that are kept afterwards.
    complete_ms = 1000 * median(clock.hub_s[1:3])
    alive = HUBS * 7 // 10
    points = list(enumerate(split(bytes(32), shape.threshold, HUBS, random), start=1))
    weights_at_zero.cache_clear()
    rebuild_s = median(seconds(combine, points[at:], shape.threshold) for at in (1, 2, 3))
    secret, total = X25519Secret(random(32)), MaskSum(length)
    mask_s = median(
        seconds(lambda n: total.mask(mask_seed(secret, adverts[n].mask_public, plan.round_id), 1), n)
        for n in range(200)
    )
    server_s = HUBS * rebuild_s + (HUBS - alive) * alive * mask_s
    line(f"complete graph, hub without the last step, {length:,}", complete_ms, "ms", hub_ms)
    line(f"complete graph, server opens, {length:,}, 30 %, from parts", server_s, "s", opened_s)
    line(f"complete graph, a hub's shares, {length:,}", len(shares) / 1000, "KB", 4 * length / 1000)


def seconds(step: Callable[..., object], *args: object) -> float:
    started = perf_counter()
    step(*args)
    return perf_counter() - started


def main() -> None:
    """Print the figures."""
    shape = shape_of(HUBS, HONEST, 300)
    sys.stdout.write(f"{HUBS} hubs, {shape.degree} neighbours each, {shape.threshold} shares open a secret\n")
    for per_cent in DROPOUTS:
        chance = round_abort_chance(HUBS, HONEST, 10 * per_cent)
        sys.stdout.write(f"at {per_cent} % dropouts by chance a round is lost with probability {chance:.1e} at most\n")
    for length in LENGTHS:
        opened_s, hub_ms = rounds(length)
        complete(length, opened_s, hub_ms)


if __name__ == "__main__":
    main()
