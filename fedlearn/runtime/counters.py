"""The numbers of the letters between a node and one peer: given out once, taken once.

A receiver remembers the highest number and which of the 1,024 up to it were taken (the anti-replay window of RFC 4303,
3.4.3), so a letter that is late is still taken, and none is taken twice. A sender remembers the number under which a
letter was tried until the store took it: the same letter again goes out under the same number. All here is plain
arithmetic over frozen values; the caller saves the new value before it acts.
"""

from __future__ import annotations

from typing import Final

from chain.core.types import Hash, Record, Uint
from fedlearn.runtime.errors import MailboxFull

WINDOW: Final = 1024
BACKLOG: Final = 256
MAX_TRIES: Final = 64


class Tried(Record):
    """A letter that was not known to be on the store, by the SHA-256 of its path and data."""

    number: Uint
    digest: Hash


class Left(Record):
    """A letter that was left for the peer; ``job`` is empty if it belongs to no round."""

    number: Uint
    job: str
    round: Uint


class Counters(Record):
    """``fingerprint`` is that of the peer's key whose letters are counted: with new keys it counts from the start."""

    sent: Uint = 0
    tried: tuple[Tried, ...] = ()
    left: tuple[Left, ...] = ()
    fingerprint: str = ""
    highest: Uint = 0
    window: bytes = b""


def number_next(counters: Counters, digest: bytes, job: str, round_number: int) -> tuple[Counters, int]:
    """The number for a letter: that of its last try, or the next one. Save the counters, then send.

    Raises ``MailboxFull`` when 256 letters lie unfetched as far as the node knows (see ``fetched``).
    """
    for tried in counters.tried:
        if tried.digest == digest and tried.number + WINDOW - BACKLOG > counters.sent:
            return counters, tried.number
    if len(counters.left) >= BACKLOG:
        raise MailboxFull
    number = counters.sent + 1
    tries = (*counters.tried, Tried(number, digest))[-MAX_TRIES:]
    return _with(counters, sent=number, tried=tries, left=(*counters.left, Left(number, job, round_number))), number


def settled(counters: Counters, number: int) -> Counters:
    """The counters once the store took a letter. It does no harm if this is lost."""
    return _with(counters, tried=tuple(tried for tried in counters.tried if tried.number != number))


def fetched(counters: Counters, on_store: frozenset[int]) -> Counters:
    """The counters once it is known which letters still lie on the store; tries count as lying there."""
    waiting = on_store | {tried.number for tried in counters.tried}
    return _with(counters, left=tuple(left for left in counters.left if left.number in waiting))


def without(counters: Counters, numbers: frozenset[int]) -> Counters:
    """The counters once letters were taken back."""
    return _with(
        counters,
        tried=tuple(tried for tried in counters.tried if tried.number not in numbers),
        left=tuple(left for left in counters.left if left.number not in numbers),
    )


def for_key(counters: Counters, fingerprint: str) -> Counters:
    """The counters for letters signed by this key; another key than before starts a new count."""
    if counters.fingerprint == fingerprint:
        return counters
    return _with(counters, fingerprint=fingerprint, highest=0, window=b"")


def is_new(counters: Counters, number: int) -> bool:
    """Whether a letter with this number may be taken: it was not, and it is not older than the window."""
    age = counters.highest - number
    if age < 0:
        return True
    return number >= 1 and age < WINDOW and not _bits(counters) >> age & 1


def taken(counters: Counters, number: int) -> Counters:
    """The counters once a new letter was taken."""
    ahead = max(number - counters.highest, 0)
    highest = counters.highest + ahead
    bits = _bits(counters) << ahead if ahead < WINDOW else 0
    bits = (bits | 1 << (highest - number)) & (1 << WINDOW) - 1
    return _with(counters, highest=highest, window=bits.to_bytes(WINDOW // 8, "big"))


def _bits(counters: Counters) -> int:
    return int.from_bytes(counters.window, "big")


def _with(counters: Counters, **changes: object) -> Counters:
    fields = {name: getattr(counters, name) for name in Counters.__struct_fields__}
    return Counters(**{**fields, **changes})
