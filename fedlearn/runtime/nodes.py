"""The two sides: a home's hub and an enterprise. A node is a folder, a pseudonym, a store and the ledger's pins.

All that a node must remember is in its folder (mode 0700) and, if the app wants so, its counters in a ``State`` of the
app's. One process at a time has a node open; the next one goes on where it was, also after ``kill -9``.

A folder must not be copied back from a backup: its counters would give numbers out again, and peers would take new
letters for old ones. A node that lost its folder makes new keys, the ledger names them, and counting starts anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from numpy.typing import NDArray

from fedlearn.runtime.datasets import Datasets, Mock
from fedlearn.runtime.errors import MailFault
from fedlearn.runtime.files import only_process, private_folder
from fedlearn.runtime.mailbox import Mailbox, log_drop
from fedlearn.runtime.names import DATASETS, OFFERS, Direction, Role, identity_check, job_folder
from fedlearn.runtime.peers import ConsentRule, PeerBook, Verdict
from fedlearn.runtime.permissions import Level, Permissions
from fedlearn.runtime.ports import Incoming, Pins, State, Store
from fedlearn.runtime.state import FileState

N = TypeVar("N", bound="Node")
ANY_HUB = "hub-*@hearth.invalid"


class Node:
    """What both sides have in common; a ``Channel``."""

    role: ClassVar[Role]
    levels: ClassVar[dict[Direction, Level]]

    def __init__(self, folder: Path, identity: str, store: Store, pins: Pins, state: State) -> None:
        box = private_folder(folder / "box")
        self._identity = identity
        self._peers = PeerBook(identity, self.role, box, store, pins)
        self._permissions = Permissions(box / identity)
        self._mailbox = Mailbox(identity, store, state, self._peers, self._permissions)
        self._datasets = Datasets(box, identity, self._permissions)
        self._offers_grant()

    @classmethod
    @contextmanager
    def opened(
        cls: type[N], folder: Path, identity: str, store: Store, pins: Pins, state: State | None = None
    ) -> Iterator[N]:
        """The node in ``folder``, made if it is not there, for as long as the context lasts.

        Args:
            identity: the node's pseudonym, ``hub-<hex>@hearth.invalid`` or ``ent-<hex>@hearth.invalid``.
            pins: the fingerprints that the ledger names, by pseudonym.
            state: where counters are kept; without it, in the folder.

        Raises:
            IdentityInvalid, NodeBusy, NodeDamaged.
        """
        identity_check(identity, cls.role)
        private_folder(folder)
        with only_process(folder):
            node = cls(folder, identity, store, pins, state or FileState(folder / "state"))
            try:
                yield node
            finally:
                node._peers.close()

    @property
    def identity(self) -> str:
        """The node's own pseudonym."""
        return self._identity

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the node's key (64 hexadecimal digits), to be put on the ledger."""
        return self._peers.fingerprint

    def approved(self) -> list[str]:
        """The peers with whom mail may be exchanged, sorted."""
        return self._peers.approved()

    def refresh(self) -> list[str]:
        """Look for answers on the store and for changed pins on the ledger; the approved peers.

        Wanted at the start of a job and after enrolments, not every round. Raises ``StoreUnavailable``.
        """
        self._peers.refresh()
        self._offers_grant()
        return self.approved()

    def revoke(self, peer: str) -> None:
        """End it with a peer, also in the middle of a job: nothing goes to it or is read from it any more.

        Raises ``StoreUnavailable`` when all that is done here and its mail could not be removed; then call it again.
        """
        self._permissions.withdraw(peer)
        self._peers.revoke(peer)
        self._mailbox.clear(peer)

    def job_open(self, job: str, peers: Iterable[str]) -> None:
        """Let exactly these peers take part in a job (hexadecimal id). Raises ``PathInvalid``, ``PeerNotApproved``."""
        names = list(peers)
        for peer in names:
            self._peers.require_approved(peer)
        for direction, level in self.levels.items():
            self._permissions.grant(job_folder(job, direction), level, names)

    def job_close(self, job: str) -> None:
        """End a job: nothing of it is sent or taken any more, and its mail is removed. Raises ``StoreUnavailable``."""
        self._permissions.remove(job_folder(job))
        self._mailbox.prune(job, 2**62)
        self._mailbox.job_forget(job)

    def send(self, peer: str, path: str, data: bytes) -> None:
        """See ``Channel.send``."""
        self._mailbox.send(peer, path, data)

    def receive(self) -> Iterator[Incoming]:
        """See ``Channel.receive``."""
        return self._mailbox.receive()

    def ack(self, incoming: Incoming) -> None:
        """See ``Channel.ack``."""
        self._mailbox.ack(incoming)

    def prune(self, job: str, before_round: int) -> None:
        """See ``Channel.prune``."""
        self._mailbox.prune(job, before_round)

    def _offers_grant(self) -> None:
        """Let approved peers exchange offers and answers."""
        for direction, level in self.levels.items():
            self._permissions.grant(f"{OFFERS}/{direction}", level, self._offers_to())

    def _offers_to(self) -> list[str]:
        return self.approved()


class HubNode(Node):
    """A home's hub: Syft's data owner."""

    role = "hub"
    levels: ClassVar[dict[Direction, Level]] = {"in": "write", "out": "read"}

    def requests(self) -> list[str]:
        """The enterprises that ask to be peers. Raises ``StoreUnavailable``."""
        return self._peers.requests()

    def answer_requests(self, rule: ConsentRule) -> dict[str, Verdict]:
        """Answer them by the owner's consent. Raises ``StoreUnavailable``; then call it again."""
        answers = self._peers.answer(rule)
        self._offers_grant()
        return answers

    def dataset_create(
        self, name: str, *, mock: Path, private: Path, summary: str = "", tags: Iterable[str] = ()
    ) -> None:
        """See ``Datasets.create``."""
        self._datasets.create(name, mock=mock, private=private, summary=summary, tags=tags)

    def dataset_share(self, name: str, peers: Iterable[str]) -> None:
        """Let exactly these peers have the mock. Raises ``DatasetUnknown``, ``PeerNotApproved``."""
        names = list(peers)
        for peer in names:
            self._peers.require_approved(peer)
        self._datasets.share(name, names)

    def dataset_send(self, name: str, peer: str) -> None:
        """Send the mock to a peer that may have it. Raises ``DatasetUnknown`` and what ``send`` raises."""
        path, data = self._datasets.mock_message(name)
        self.send(peer, path, data)

    def dataset_remove(self, name: str) -> None:
        """Remove a dataset."""
        self._datasets.remove(name)

    def datasets(self) -> list[str]:
        """The hub's datasets, sorted."""
        return self._datasets.names()


class EnterpriseNode(Node):
    """An enterprise: Syft's data scientist."""

    role = "enterprise"
    levels: ClassVar[dict[Direction, Level]] = {"in": "read", "out": "write"}

    def request(self, peer: str) -> None:
        """Ask a hub to be a peer, again if need be. Raises ``StoreUnavailable``."""
        self._peers.request(peer)

    def revoke(self, peer: str) -> None:
        """See ``Node.revoke``; the hub's mocks are removed too."""
        self._datasets.mocks_forget(identity_check(peer, "hub"))
        super().revoke(peer)

    def receive(self) -> Iterator[Incoming]:
        """See ``Channel.receive``. Mocks are kept here and not passed on; see ``mocks``."""
        for incoming in super().receive():
            if not incoming.path.startswith(f"{DATASETS}/"):
                yield incoming
                continue
            try:
                self._datasets.mock_take(incoming.peer, incoming.path, incoming.data)
            except MailFault as fault:
                log_drop(incoming.receipt, fault)

    def mocks(self, owner: str | None = None) -> list[Mock]:
        """The mocks that hubs sent."""
        return [mock for mock in self._datasets.mocks(owner) if self._peers.is_approved(mock.owner)]

    def mock_arrays(self, owner: str, name: str) -> dict[str, NDArray[Any]]:
        """The arrays of a mock by file name. Raises ``DatasetUnknown``, ``MockFileRefused``."""
        return self._datasets.mock_arrays(owner, name)

    def _offers_grant(self) -> None:
        super()._offers_grant()
        self._permissions.grant(DATASETS, "write", self._offers_to())

    def _offers_to(self) -> list[str]:
        return [ANY_HUB]  # mail is exchanged with approved ones only; a list would be written anew with each of them
