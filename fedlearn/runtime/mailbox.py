"""Our own mailbox on a store, with Syft's peers, envelopes and permissions: the real ``Channel``.

A letter is one object, ``mail/RECIPIENT/SENDER/NUMBER`` with the hexadecimal parts of their pseudonyms. Its number is
saved before it is sent; it is deleted once it was handled and its number was saved. Whatever else lies there is dropped
with a line in the log, which names the object and the reason and nothing of the content, and the next object is read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Final, TypeVar

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Record, Uint
from chain.crypto.hashing import sha256
from fedlearn.runtime.counters import (
    Counters,
    fetched,
    for_key,
    is_new,
    number_next,
    settled,
    taken,
    without,
)
from fedlearn.runtime.envelopes import MAX_MESSAGE, MAX_OBJECT, Letter, seal, unseal
from fedlearn.runtime.errors import (
    LetterNotPermitted,
    LetterPast,
    LetterPathRefused,
    LetterReplayed,
    MailboxFull,
    MailFault,
    MailKeyStrange,
    MailTooLarge,
    MessageTooLarge,
    NodeDamaged,
    ObjectTooLarge,
    PathInvalid,
    PathNotPermitted,
    StoreUnavailable,
)
from fedlearn.runtime.names import path_check, round_of, store_key
from fedlearn.runtime.peers import PeerBook
from fedlearn.runtime.permissions import Permissions
from fedlearn.runtime.ports import Incoming, State, Store
from fedlearn.runtime.stores.paging import all_keys

_NUMBER: Final = re.compile(r"[0-9]{16}")
_FLOORS: Final = "floors"
T = TypeVar("T")
_log = logging.getLogger("fedlearn.mailbox")


class Floor(Record):
    """The first round of a job of which mail is still taken."""

    job: str
    round: Uint


class Floors(Record):
    """The floors of all jobs that have one."""

    jobs: tuple[Floor, ...] = ()


class Mailbox:
    """The mail of one node. One process at a time may use it."""

    def __init__(self, identity: str, store: Store, state: State, peers: PeerBook, permissions: Permissions) -> None:
        self._identity, self._store, self._state = identity, store, state
        self._peers, self._permissions = peers, permissions
        self._counters: dict[str, Counters] = {}
        self._floors = {floor.job: floor.round for floor in self._load(_FLOORS, Floors()).jobs}

    @property
    def identity(self) -> str:
        """The node's own pseudonym."""
        return self._identity

    def send(self, peer: str, path: str, data: bytes) -> None:
        """Leave a letter for a peer (see ``Channel.send``)."""
        path_check(path)
        self._peers.require_approved(peer)
        if not self._permissions.may_read(peer, path):
            raise PathNotPermitted
        if len(data) > MAX_MESSAGE:
            raise MessageTooLarge(f"A message holds at most {MAX_MESSAGE} bytes")
        number = self._number(peer, path, data)
        letter = Letter(number, self._identity, peer, path, data)
        self._store.put(self._key_out(peer, number), seal(self._peers, letter))
        self._counters[peer] = settled(self._counters_of(peer), number)

    def receive(self) -> Iterator[Incoming]:
        """The letters that wait now (see ``Channel.receive``)."""
        for peer in self._peers.approved():
            for key in all_keys(self._store, self._folder_in(peer)):
                if not self._peers.is_approved(peer):  # revoked meanwhile
                    break
                incoming = self._open(peer, key)
                if incoming is not None:
                    yield incoming
                    self.ack(incoming)

    def ack(self, incoming: Incoming) -> None:
        """Save that a letter was handled, then delete it."""
        counters = self._counters_of(incoming.peer)
        if is_new(counters, incoming.number):
            self._save(incoming.peer, taken(counters, incoming.number))
            self._discard(incoming.receipt)

    def prune(self, job: str, before_round: int) -> None:
        """Forget the job's rounds before ``before_round`` (see ``Channel.prune``)."""
        if self._floors.get(job, 0) < before_round:
            self._floors[job] = before_round
            self._floors_save()
        for peer in self._state.names():
            if peer == _FLOORS:
                continue
            counters = self._counters_of(peer)
            old = frozenset(left.number for left in counters.left if left.job == job and left.round < before_round)
            for number in sorted(old):
                self._store.delete(self._key_out(peer, number))
            if old:
                self._save(peer, without(counters, old))

    def job_forget(self, job: str) -> None:
        """Drop what is kept of a job that is over and whose folders are gone: later letters have no permission."""
        if self._floors.pop(job, None) is not None:
            self._floors_save()

    def clear(self, peer: str) -> None:
        """Remove all mail from and to a peer; the counters stay, so that old letters stay old."""
        for prefix in (self._folder_in(peer), self._folder_out(peer)):
            for key in all_keys(self._store, prefix):
                self._store.delete(key)

    def _number(self, peer: str, path: str, data: bytes) -> int:
        """The letter's number, saved."""
        digest = sha256(sha256(path.encode()) + sha256(data))
        job, round_number = round_of(path) or ("", 0)
        counters = self._counters_of(peer)
        try:
            changed, number = number_next(counters, digest, job, round_number)
        except MailboxFull:
            prefix = self._folder_out(peer)
            names = (key.removeprefix(prefix) for key in all_keys(self._store, prefix))
            counters = fetched(counters, frozenset(int(name) for name in names if _NUMBER.fullmatch(name)))
            changed, number = number_next(counters, digest, job, round_number)
        if changed != self._counters_of(peer):
            self._save(peer, changed)
        return number

    def _open(self, peer: str, key: str) -> Incoming | None:
        """The letter in an object, or None: it is gone, or was dropped."""
        try:
            if not _NUMBER.fullmatch(key.rsplit("/", 1)[1]) or key.count("/") != 3:
                raise MailKeyStrange
            data = self._fetch(key)
            if data is None:
                return None
            letter = unseal(self._peers, self._identity, peer, data)
            self._check(peer, letter)
        except MailFault as fault:
            log_drop(key, fault)
            self._discard(key)
            return None
        return Incoming(peer, letter.path, letter.data, letter.number, key)

    def _fetch(self, key: str) -> bytes | None:
        try:
            return self._store.get(key, MAX_OBJECT)
        except ObjectTooLarge as fault:
            raise MailTooLarge from fault

    def _check(self, peer: str, letter: Letter) -> None:
        """Refuse what was taken before, what has no permission, what is over."""
        if not is_new(self._counters_of(peer), letter.number):
            raise LetterReplayed
        try:
            permitted = self._permissions.may_write(peer, letter.path)
        except PathInvalid as fault:
            raise LetterPathRefused from fault
        if not permitted:
            raise LetterNotPermitted
        job, round_number = round_of(letter.path) or ("", 0)
        if round_number < self._floors.get(job, 0):
            raise LetterPast

    def _discard(self, key: str) -> None:
        """Delete what is done with. If the store does not, it stays done with and is dropped the next time."""
        try:
            self._store.delete(key)
        except StoreUnavailable:
            _log.warning("left %s: %s", key, StoreUnavailable.code)

    def _key_out(self, peer: str, number: int) -> str:
        return store_key("mail", peer, self._identity, number)

    def _folder_out(self, peer: str) -> str:
        return store_key("mail", peer, self._identity) + "/"

    def _folder_in(self, peer: str) -> str:
        return store_key("mail", self._identity, peer) + "/"

    def _counters_of(self, peer: str) -> Counters:
        if peer not in self._counters:
            self._counters[peer] = self._load(peer, Counters())
        counters = self._counters[peer]
        if self._peers.is_approved(peer):
            return for_key(counters, self._peers.fingerprint_of(peer))
        return counters

    def _save(self, peer: str, counters: Counters) -> None:
        self._state.save(peer, encode(counters))
        self._counters[peer] = counters

    def _floors_save(self) -> None:
        floors = Floors(tuple(Floor(job, number) for job, number in sorted(self._floors.items())))
        self._state.save(_FLOORS, encode(floors))

    def _load(self, name: str, empty: T) -> T:
        data = self._state.load(name)
        if data is None:
            return empty
        try:
            return decode(type(empty), data)
        except Malformed as fault:
            raise NodeDamaged from fault


def log_drop(key: str, fault: MailFault) -> None:
    """Say in the log that an object was dropped, and why; never what was in it."""
    _log.warning("dropped %s: %s", key, fault.code)
