"""A round of a job over the mailbox with Syft's envelopes, against the same exchange on the channel in memory.

Run with ``python -m tests.bench.mailbox``, or ``... mailbox HUBS``. In a round the enterprise sends every hub the
global parameters, every hub takes them and sends its update, and the enterprise takes all updates; then both prune. All
nodes are in this process, one after the other. Their counters are synced to the disk in every case.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter

from fedlearn.runtime.memory import MemoryPost
from fedlearn.runtime.names import job_path
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.peers import Verdict
from fedlearn.runtime.ports import Channel
from fedlearn.runtime.stores import DirectoryStore, MemoryStore

HUBS = 100
UPDATE_BYTES = 40_000
ROUNDS = 3
JOB = "b0"
ENTERPRISE = "ent-e0000000@hearth.invalid"
PIECES = 16


class CountingStore(MemoryStore):
    """A store that counts what is put on it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent_bytes: Counter[str] = Counter()

    def put(self, key: str, data: bytes) -> None:
        """Write an object, or replace it."""
        self.sent_bytes[key.split("/", 1)[0]] += len(data)
        super().put(key, data)


def line(name: str, value: float, unit: str, ratio: float | None = None) -> None:
    """One figure, with its ratio to the peer where it has one."""
    sys.stdout.write(
        f"{name:44} {value:12.3f} {unit:10}" + (f" {ratio:8.3f} x peer" if ratio is not None else "") + "\n"
    )


def round_run(enterprise: Channel, hubs: Sequence[Channel], number: int, updates: Sequence[bytes]) -> float:
    """One round; seconds. What arrives is compared with what was sent."""
    started = perf_counter()
    for hub in hubs:
        enterprise.send(hub.identity, job_path(JOB, "in", number, "global"), updates[0])
    for index, hub in enumerate(hubs):
        if [message.data for message in hub.receive()] != [updates[0]]:
            raise SystemExit("the global parameters did not arrive")
        hub.send(enterprise.identity, job_path(JOB, "out", number, "update"), updates[index % PIECES])
    arrived = {message.peer: message.data for message in enterprise.receive()}
    if arrived != {hub.identity: updates[index % PIECES] for index, hub in enumerate(hubs)}:
        raise SystemExit("the updates did not arrive")
    for node in (enterprise, *hubs):
        node.prune(JOB, number + 1)
    return perf_counter() - started


def best_round(enterprise: Channel, hubs: Sequence[Channel], updates: Sequence[bytes]) -> float:
    """The best of a few rounds, in seconds."""
    return min(round_run(enterprise, hubs, number, updates) for number in range(ROUNDS))


def memory_round(names: Sequence[str], updates: Sequence[bytes]) -> float:
    """A round on the channel in memory, in seconds."""
    post = MemoryPost()
    for name in names:
        post.connect(ENTERPRISE, name)
    return best_round(post.channel(ENTERPRISE), [post.channel(name) for name in names], updates)


def mailbox_nodes(
    stack: ExitStack, root: Path, store: DirectoryStore | MemoryStore, names: Sequence[str]
) -> tuple[EnterpriseNode, list[HubNode]]:
    """An enterprise and its hubs, enrolled, with a job open."""
    pins: dict[str, str] = {}
    enterprise = stack.enter_context(EnterpriseNode.opened(root / "enterprise", ENTERPRISE, store, pins))
    hubs = [stack.enter_context(HubNode.opened(root / name[:12], name, store, pins)) for name in names]
    pins.update({node.identity: node.fingerprint for node in (enterprise, *hubs)})
    for hub in hubs:
        enterprise.request(hub.identity)
        hub.answer_requests(lambda _: Verdict.APPROVE)
        hub.job_open(JOB, [ENTERPRISE])
    enterprise.refresh()
    enterprise.job_open(JOB, names)
    return enterprise, hubs


def main(hub_count: int) -> None:
    """Print the figures."""
    chance = random.Random(1)
    updates = [chance.randbytes(UPDATE_BYTES) for _ in range(PIECES)]
    names = [f"hub-{index:08x}@hearth.invalid" for index in range(hub_count)]
    peer_s = memory_round(names, updates)
    line(f"peer: {hub_count} hubs in memory, 2 x {UPDATE_BYTES // 1000} KB each", peer_s, "s/round", 1.0)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        root = Path(folder)
        counting = CountingStore()
        started = perf_counter()
        enterprise, hubs = mailbox_nodes(stack, root / "memory", counting, names)
        line("enrolling them: keys, requests, consent", perf_counter() - started, "s")
        memory_s = best_round(enterprise, hubs, updates)
        line("over the mailbox, store in memory", memory_s, "s/round", memory_s / peer_s)
        per_hub = counting.sent_bytes["mail"] / ROUNDS / hub_count
        plain = 2 * UPDATE_BYTES
        line("bytes of a hub's round on the store", per_hub / 1000, "KB", per_hub / plain)
        stack.close()
        enterprise, hubs = mailbox_nodes(stack, root / "disk", DirectoryStore.create(root / "store"), names)
        disk_s = best_round(enterprise, hubs, updates)
        line("over the mailbox, store on disk with fsync", disk_s, "s/round", disk_s / peer_s)
        line("objects of mail left after the rounds", len(counting.keys("mail/")), "objects")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else HUBS)
