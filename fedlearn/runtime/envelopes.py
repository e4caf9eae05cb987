"""Letters in Syft's envelopes: who writes what to whom, sealed and signed, as one object for the store.

An envelope shows the pseudonyms of both sides, the time and its size. All else is inside: number, sender and recipient
again, path, data. Syft pads an envelope's head to 4 KiB with zeros that nothing vouches for; the longest run of zeros
there is left out on the store and put back before the envelope is opened, which saves 3 KiB a message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from chain.core.codec import decode, encode
from chain.core.errors import Malformed
from chain.core.types import Record, Uint
from fedlearn.runtime.errors import (
    LetterMalformed,
    LetterMisaddressed,
    MailForged,
    MailOtherRecipient,
    MailUnreadable,
    MessageTooLarge,
)

if TYPE_CHECKING:
    from fedlearn.runtime.peers import PeerBook

MAX_MESSAGE: Final = 8 * 1024 * 1024
MAX_OBJECT: Final = MAX_MESSAGE + 16 * 1024
HEAD: Final = 8 * 1024
_SQUEEZED: Final = b"\x01"
_ZEROS = re.compile(rb"\x00{16,}")
Pseudonym = Annotated[str, msgspec.Meta(max_length=100)]


class Letter(Record):
    """A message as it is inside the envelope."""

    number: Uint
    sender: Pseudonym
    recipient: Pseudonym
    path: Annotated[str, msgspec.Meta(max_length=200)]
    data: bytes


def seal(peers: PeerBook, letter: Letter) -> bytes:
    """The letter as an object for the store, readable by its recipient only.

    Always with Syft's ``encrypt``: its ``encrypt_if_needed`` sends plaintext when it knows no keys. Raises
    ``PeerNotApproved`` and ``MessageTooLarge``.
    """
    peers.require_approved(letter.recipient)
    if len(letter.data) > MAX_MESSAGE:
        raise MessageTooLarge(f"A message holds at most {MAX_MESSAGE} bytes")
    return squeeze(peers.keys.encrypt(letter.recipient, encode(letter)))


def unseal(peers: PeerBook, identity: str, peer: str, data: bytes) -> Letter:
    """The letter of ``peer`` in an object of ``identity``'s mailbox.

    Raises ``PeerNotApproved``, ``MailUnreadable``, ``MailForged``, ``MailOtherRecipient``, ``LetterMalformed``,
    ``LetterMisaddressed``.
    """
    from fedlearn.runtime.syftlib import syc

    peers.require_approved(peer)
    envelope = expand(data)
    try:
        parsed = syc.parse_envelope(envelope)
        recipients = [recipient["identity"] for recipient in parsed.prelude["recipients"]]
    except (ValueError, TypeError, KeyError) as fault:
        raise MailUnreadable from fault
    try:
        peers.keys.verify_message(peer, envelope)
    except ValueError as fault:
        raise MailForged from fault
    # More recipients could each change the content: the signature is over the head and not over the ciphertext.
    if recipients != [identity]:
        raise MailOtherRecipient
    try:
        plain = peers.keys.decrypt(peer, envelope)
    except ValueError as fault:
        raise MailUnreadable from fault
    try:
        letter = decode(Letter, plain)
    except Malformed as fault:
        raise LetterMalformed from fault
    if (letter.sender, letter.recipient) != (peer, identity):
        raise LetterMisaddressed
    return letter


def squeeze(envelope: bytes) -> bytes:
    """The envelope without the longest run of zeros in its first 8 KiB, and with where it was and how long."""
    runs = [found.span() for found in _ZEROS.finditer(envelope[:HEAD])]
    start, stop = max(runs, key=lambda run: run[1] - run[0], default=(0, 0))
    place = start.to_bytes(2, "big") + (stop - start).to_bytes(2, "big")
    return _SQUEEZED + place + envelope[:start] + envelope[stop:]


def expand(data: bytes) -> bytes:
    """What ``squeeze`` was given; raises ``MailUnreadable`` if it can't have made this."""
    start, length, rest = int.from_bytes(data[1:3], "big"), int.from_bytes(data[3:5], "big"), data[5:]
    if data[:1] != _SQUEEZED or len(data) < 5 or start > len(rest) or start + length > HEAD:
        raise MailUnreadable
    return rest[:start] + bytes(length) + rest[start:]
