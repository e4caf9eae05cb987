"""What goes over the node's socket: msgpack frames, each with its length in four bytes before it (big-endian)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chain.core.errors import Rejected
from marketplace.common.errors import HearthError, Unavailable

MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
LENGTH_BYTES: Final = 4
SCAN_LIMIT: Final = 1_000


class FrameInvalid(Rejected):
    """The peer sent something that is no request."""

    code = "frame_invalid"
    title = "The ledger node does not understand the request"


class NotFinalYet(Unavailable):
    """The transaction waits for its block longer than the caller wanted to wait."""

    code = "tx_not_final"
    title = "The transaction is not final yet"
    hint = "It may still become final: ask for its receipt, or send the same transaction again."


class LedgerNodeAway(Unavailable):
    """Nobody answers on the node's socket."""

    code = "ledger_node_away"
    title = "The ledger node does not answer"


class _Request(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    ledger: str


class Submit(_Request, tag="submit", frozen=True):
    raw: bytes


class SubmitAndWait(_Request, tag="submit_and_wait", frozen=True):
    raw: bytes
    timeout_ms: int


class Proof(_Request, tag="proof", frozen=True):
    tx_id: bytes


class Get(_Request, tag="get", frozen=True):
    table: str
    key: bytes


class Scan(_Request, tag="scan", frozen=True):
    table: str
    after: bytes | None
    limit: int


class Head(_Request, tag="head", frozen=True):
    pass


class GenesisOf(_Request, tag="genesis", frozen=True):
    pass


class ValidatorsOf(_Request, tag="validators", frozen=True):
    pass


class NextNonce(_Request, tag="next_nonce", frozen=True):
    address: bytes


class Info(_Request, tag="info", frozen=True):
    pass


Body = Submit | SubmitAndWait | Proof | Get | Scan | Head | GenesisOf | ValidatorsOf | NextNonce | Info


class Request(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One question; ``number`` comes back with the answer, so that several may be on their way."""

    number: int
    body: Body


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The answer: a value, or a refusal's code, detail and hint."""

    number: int
    value: Any = None
    refusal: tuple[str, str, str] | None = None


_encoder = msgspec.msgpack.Encoder()
_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)


def frame(message: Request | Reply) -> bytes:
    """The bytes of a message with its length before it."""
    data = _encoder.encode(message)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def request_decode(data: bytes) -> Request:
    """A request; raises ``FrameInvalid``."""
    try:
        return _requests.decode(data)
    except msgspec.MsgspecError as fault:
        raise FrameInvalid from fault


def reply_decode(data: bytes) -> Reply:
    """A reply; raises ``FrameInvalid``."""
    try:
        return _replies.decode(data)
    except msgspec.MsgspecError as fault:
        raise FrameInvalid("the ledger node's answer is malformed") from fault


def refusal_of(error: HearthError) -> tuple[str, str, str]:
    """An error as it goes over the wire."""
    return error.code, error.detail, error.hint


def error_from(code: str, detail: str = "", hint: str = "") -> HearthError:
    """The error of a code: of its own class if this process knows one, else a ``HearthError`` with that code."""
    found = _class_of(code, HearthError)
    error = (found or HearthError)(detail)
    if found is None:
        error.code = code
    if hint:
        error.hint = hint
    return error


def _class_of(code: str, parent: type[HearthError]) -> type[HearthError] | None:
    for child in parent.__subclasses__():
        if child.__dict__.get("code") == code:
            return child
        found = _class_of(code, child)
        if found is not None:
            return found
    return None
