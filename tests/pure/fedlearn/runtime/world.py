"""Hubs and an enterprise with real Syft on real files, and a store that can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fedlearn.runtime.errors import StoreUnavailable
from fedlearn.runtime.names import tag_of
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.peers import Verdict
from fedlearn.runtime.ports import PAGE, Incoming, Store
from fedlearn.runtime.stores import MemoryStore, all_keys

ENTERPRISE = "ent-00e0e0e0@hearth.invalid"
STRANGER = "ent-0bad0bad@hearth.invalid"
JOB = "a1b2"


def hub_name(index: int) -> str:
    return f"hub-{index:08x}@hearth.invalid"


HUB = hub_name(1)


def yes(peer: str) -> Verdict:
    return Verdict.APPROVE


def no(peer: str) -> Verdict:
    return Verdict.REJECT


@dataclass
class World:
    """Folders, the store, the ledger's pins, and the nodes that are open."""

    root: Path
    store: Store = field(default_factory=MemoryStore)
    pins: dict[str, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def open_hub(self, name: str = HUB, *, pin: bool = True) -> HubNode:
        node = self.stack.enter_context(HubNode.opened(self.root / tag_of(name), name, self.store, self.pins))
        if pin:
            self.pins[name] = node.fingerprint
        return node

    def open_enterprise(self, name: str = ENTERPRISE, *, pin: bool = True) -> EnterpriseNode:
        node = self.stack.enter_context(EnterpriseNode.opened(self.root / tag_of(name), name, self.store, self.pins))
        if pin:
            self.pins[name] = node.fingerprint
        return node

    def close(self) -> None:
        """Close every node; open them anew to go on."""
        self.stack.close()


def befriend(enterprise: EnterpriseNode, hubs: Iterable[HubNode], job: str = JOB) -> None:
    """Ask, say yes, and open a job on both sides."""
    hubs = list(hubs)
    for hub in hubs:
        enterprise.request(hub.identity)
        assert hub.answer_requests(yes) == {enterprise.identity: Verdict.APPROVE}
        hub.job_open(job, [enterprise.identity])
    enterprise.refresh()
    enterprise.job_open(job, [hub.identity for hub in hubs])


@contextmanager
def pair(root: Path, store: Store | None = None) -> Iterator[tuple[World, EnterpriseNode, HubNode]]:
    """An enterprise and a hub that are peers and take part in ``JOB``."""
    world = World(root, store or MemoryStore())
    with world.stack:
        enterprise, hub = world.open_enterprise(), world.open_hub()
        befriend(enterprise, [hub])
        yield world, enterprise, hub


def got(incoming: Iterable[Incoming]) -> list[tuple[str, str, bytes]]:
    """Peer, path and data of all that comes."""
    return [(message.peer, message.path, message.data) for message in incoming]


def mail(store: Store, recipient: str) -> list[str]:
    """The keys of a node's mailbox."""
    return list(all_keys(store, f"mail/{tag_of(recipient)}/"))


def content(store: Store) -> dict[str, bytes]:
    """All that lies on a store of these tests."""
    found = {}
    for folder in ("mail/", "request/", "bundle/"):
        for key in all_keys(store, folder):
            data = store.get(key, 2**30)
            assert data is not None
            found[key] = data
    return found


class FlakyStore:
    """A store whose calls fail where a test says so: ``before`` the call did anything, or ``after`` it did."""

    def __init__(self, inner: Store | None = None) -> None:
        self.inner: Store = inner or MemoryStore()
        self.before: Callable[[str, str], bool] = lambda call, key: False
        self.after: Callable[[str, str], bool] = lambda call, key: False

    def heal(self) -> None:
        self.before = self.after = lambda call, key: False

    def put(self, key: str, data: bytes) -> None:
        self._ask(self.before, "put", key)
        self.inner.put(key, data)
        self._ask(self.after, "put", key)

    def get(self, key: str, max_bytes: int) -> bytes | None:
        self._ask(self.before, "get", key)
        return self.inner.get(key, max_bytes)

    def keys(self, prefix: str, after: str = "", limit: int = PAGE) -> list[str]:
        self._ask(self.before, "keys", prefix)
        return self.inner.keys(prefix, after, limit)

    def delete(self, key: str) -> None:
        self._ask(self.before, "delete", key)
        self.inner.delete(key)
        self._ask(self.after, "delete", key)

    def _ask(self, fails: Callable[[str, str], bool], call: str, key: str) -> None:
        if fails(call, key):
            raise StoreUnavailable
