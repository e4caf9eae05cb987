"""What a light client keeps and shows: signed headers, its pin, and the proof of a fork."""

from __future__ import annotations

from typing import Any

from chain.core.blocks import header_hash
from chain.core.codec import decode, encode
from chain.core.errors import LedgerFault, Malformed
from chain.core.finality import votes_check
from chain.core.types import Commit, Genesis, Header, PublicKey, Record, Uint, Validator

FORK_FORMAT = "hearth-fork-1"


class SignedHeader(Record):
    """A block's header and the votes that make it final."""

    header: Header
    commit: Commit


class ValidatorSpan(Record):
    """Who votes on the blocks from a height on, until the next span begins."""

    from_height: Uint
    validators: tuple[PublicKey, ...]


class Pin(Record):
    """What is believed of a ledger: its genesis, its validators over time, and the newest header that was verified."""

    genesis: Genesis
    spans: tuple[ValidatorSpan, ...]
    newest: SignedHeader | None = None

    def validators_at(self, height: int) -> tuple[Validator, ...]:
        """Who votes on the block of a height, as far as the pin knows."""
        span = next(span for span in reversed(self.spans) if span.from_height <= height)
        return tuple(Validator(key) for key in span.validators)


class ForkProof(Record):
    """Two different final headers of one ledger at one height: its validators have broken their word."""

    first: SignedHeader
    second: SignedHeader


def fork_check(fork: ForkProof, validators: tuple[Validator, ...]) -> None:
    """Raise ``LedgerFault`` unless the validators of that height signed both headers, and the headers contradict."""
    first, second = fork.first.header, fork.second.header
    if (first.ledger, first.height) != (second.ledger, second.height):
        raise LedgerFault("the headers are not of one ledger and height", height=first.height)
    if header_hash(first) == header_hash(second):
        raise LedgerFault("the headers are the same", height=first.height)
    for signed in (fork.first, fork.second):
        votes_check(validators, signed.header, signed.commit)


def fork_to_json(fork: ForkProof) -> dict[str, Any]:
    """The proof as JSON values, to be kept as a file and shown to anybody."""
    header = fork.first.header
    return {
        "format": FORK_FORMAT,
        "ledger": header.ledger,
        "height": header.height,
        "blocks": [header_hash(signed.header).hex() for signed in (fork.first, fork.second)],
        "proof": encode(fork).hex(),
    }


def fork_from_json(data: object) -> ForkProof:
    """Undo ``fork_to_json``; raises ``Malformed`` if the readable part does not match the bytes."""
    if not isinstance(data, dict) or not isinstance(data.get("proof"), str):
        raise Malformed("the file is not the proof of a fork")
    try:
        fork = decode(ForkProof, bytes.fromhex(data["proof"]))
    except ValueError as fault:
        raise Malformed("the proof's bytes are not hexadecimal") from fault
    if fork_to_json(fork) != data:
        raise Malformed("the proof's readable part does not match its bytes")
    return fork
