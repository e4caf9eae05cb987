"""What the mailbox needs from outside, and what it gives.

A store, a place for counters and the ledger's pins come from the app; rounds of learning see a ``Channel`` only, and do
not know whether it is the mailbox or a list in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

PAGE: Final = 1000


class Store(Protocol):
    """A flat store of objects, reached by both sides, trusted by neither.

    Every method raises ``StoreUnavailable`` when it can't say what is there; after it, a ``put`` may or may not have
    happened. Keys are checked by ``names.key_check``.
    """

    def put(self, key: str, data: bytes) -> None:
        """Write an object, or replace it; a reader sees all of it or none."""

    def get(self, key: str, max_bytes: int) -> bytes | None:
        """The object, or None if there is none. Raises ``ObjectTooLarge`` before reading more than ``max_bytes``."""

    def keys(self, prefix: str, after: str = "", limit: int = PAGE) -> list[str]:
        """At most ``limit`` keys under the folder ``prefix`` (it ends in "/"), sorted, all greater than ``after``."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""


class State(Protocol):
    """Where a node keeps its counters: a folder or a database. What ``save`` took is there after a loss of power."""

    def load(self, name: str) -> bytes | None:
        """What was saved under the name, or None."""

    def save(self, name: str, data: bytes) -> None:
        """Replace it, all at once and durably, before returning."""

    def names(self) -> list[str]:
        """All names, sorted."""


class Pins(Protocol):
    """What the ledger says of a peer's keys; a ``dict`` will do."""

    def get(self, peer: str, /) -> str | None:
        """The fingerprint of the peer's identity key (64 hexadecimal digits), or None if the ledger has none."""


@dataclass(frozen=True)
class Incoming:
    """A message from ``peer``.

    ``number`` rises with each message of this peer and names it for good: who applies a message together with its
    number in one transaction never applies it twice. ``receipt`` is the channel's own.
    """

    peer: str
    path: str
    data: bytes
    number: int
    receipt: str = ""


@runtime_checkable
class Channel(Protocol):
    """Messages between one node and its peers; each arrives at least once.

    A message is what its peer, path and bytes say: who sends the same again after a failure sends the same message.
    """

    @property
    def identity(self) -> str:
        """The node's own pseudonym."""

    def send(self, peer: str, path: str, data: bytes) -> None:
        """Leave a message for a peer. Raises ``StoreUnavailable``: send it again until it does not.

        Also raises ``PeerNotApproved``, ``PathInvalid``, ``PathNotPermitted``, ``MessageTooLarge``, ``MailboxFull``.
        """

    def receive(self) -> Iterator[Incoming]:
        """What is waiting now, a peer at a time, each peer's in the order of its numbers where the store keeps it.

        A message is done with when the next one is asked for, or by ``ack``; else it comes again, also after a restart.
        Raises ``StoreUnavailable``.
        """

    def ack(self, incoming: Incoming) -> None:
        """Say that a message is done with; saying it twice is no error."""

    def prune(self, job: str, before_round: int) -> None:
        """Forget the job's rounds before ``before_round``: remove what was not fetched, refuse what still comes."""
